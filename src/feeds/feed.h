/* SPDX-License-Identifier: Apache-2.0 */
/* feed.h - ways in: a protocol is one constant row, src/feeds/proto/NAME.c ->
 * feed_NAME.
 *
 * Shape    a whole message (struct feed_in) -> decode() -> what it means (struct
 * feed_out); the caller makes that true (stores the batch, marks the device) -> reply()
 * writes the answer in the protocol's own form, each object with what became of it. No
 * socket, no clock, no store here.
 * Owner    the caller owns in, out and the arena of out; out->batch is the caller's
 * from decode() on and must live until reply(). feed_out_release() frees what is left.
 * Threads  a struct feeds is one thread's; rows are constant.
 * Errors   what senders do wrong is no error but a fault (fault.def), counted in
 * out->faults, and an answer; decode() fails only without memory or past a cap.
 * See      exemplar proto/ndjson.c; docs/feeds.md.
 */
#ifndef TQ_FEEDS_FEED_H
#define TQ_FEEDS_FEED_H

#include "core/arena.h"
#include "core/cur.h"
#include "core/err.h"
#include "feeds/fault.h"
#include "feeds/json_dom.h"
#include "feeds/needs.h"
#include "model/site.h"

enum feed_method { FEED_GET, FEED_POST, FEED_PUT, FEED_DELETE };

struct feed_in {
    enum feed_method method;
    struct span path; /* "/VIID/MotorVehicles", without query */
    struct span body; /* with DOM_PAD readable bytes behind it */
    struct device_id
        device; /* who sent it: signed in, or named by its header; 0 unknown */
    struct span device_code; /* its code; may be empty */
    struct site_id site;     /* where that device stands; 0 when its records say */
    ts_ms now_ms;
    const struct zone *zone;
    bool hurried; /* others wait on this thread: a body that is no plain JSON is not
                     mended here, decode() gives ERR_TIMEOUT and is to be called again on
                     a thread of its own */
};

enum feed_what {
    FEED_BROKEN,     /* nothing could be read */
    FEED_REFUSED,    /* resource or method that is not served */
    FEED_REGISTER,   /* device_code asks to be let in: Digest is the caller's (digest.h)
                      */
    FEED_UNREGISTER, /* device_code leaves */
    FEED_KEEPALIVE,  /* device_code lives */
    FEED_TIME,       /* asks for our clock */
    FEED_PASSES,     /* batch is to be stored, then reply() */
    FEED_PLACES,     /* places are to be merged into sites and devices */
    FEED_PICTURES,   /* pictures without vehicles */
    FEED_ASKS,       /* subscriptions and orders of other platforms */
    FEED_UNKEPT, /* answered, not kept: persons and faces, kinds that are not ours */
};

/* One object of the message and what is answered about it. */
#define FEED_NO_ROW UINT32_MAX
struct feed_object {
    struct span id;     /* the sender's own id, given back */
    uint32_t row, rows; /* its rows in the batch; FEED_NO_ROW: it became none */
    uint32_t line;      /* line or position in the message, from 1 */
    uint8_t fault;      /* enum feed_fault + 1 that made it be refused; 0 = none */
    bool refused;       /* by the caller, who may set it before reply() */
};

enum feed_place_kind { PLACE_TOLLGATE, PLACE_LANE, PLACE_DEVICE };
struct feed_place { /* GA/T 1400 Tollgate, Lane, APE: the common part; absent: empty, 0
                     */
    enum feed_place_kind kind;
    struct span code;     /* TollgateID, LaneId, ApeID */
    struct span tollgate; /* of a lane or device */
    struct span name, place, org, model, address, functions;
    bool has_position; /* 0,0 means "not given" */
    e7 lon, lat;
    uint8_t lanes, lane_no, direction, limit_kmh, city_pass;
    uint8_t online; /* 1 online, 2 offline, 9 other; 0 not said */
};

struct feed_picture {
    struct span id, bytes; /* bytes: decoded, in the arena of out */
    uint8_t type;          /* GA/T 1400 image Type */
    ts_ms shot_ms;         /* 0 not said */
    struct span device;
};

enum feed_ask_kind { ASK_SUBSCRIBE, ASK_DISPOSITION, ASK_NOTICE, ASK_OTHER };
struct feed_ask { /* kept as said; a person decides */
    enum feed_ask_kind kind;
    struct span id, subscribe_id, title, detail, resource, address, applicant, reason;
    int64_t resource_class, operate; /* operate: 0 ask, 1 cancel; -1 not said */
    int64_t result_image, result_feature;
    ts_ms begin_ms, end_ms, appear_ms; /* 0 not said */
};

struct feed_out {
    enum feed_what what;
    struct span device_code; /* of register, unregister, keepalive */
    struct sighting_batch *batch;
    struct feed_object *objects;
    size_t objects_n;
    struct feed_place *places;
    size_t places_n;
    struct feed_picture *pictures;
    size_t pictures_n;
    struct feed_ask *asks;
    size_t asks_n;
    bool single; /* the message held one object: so does the answer */
    struct feed_faults faults;
    struct arena *arena; /* the caller's: holds everything here but the batch */
};

/* arena must live until after reply(). */
void feed_out_init(struct feed_out *out, struct arena *arena);
void feed_out_release(struct feed_out *out); /* frees the batch; twice is fine */

struct feed_reply {
    int status;       /* HTTP */
    const char *type; /* Content-Type */
    bool retry;       /* say Retry-After */
};
struct feed_about { /* what an answer needs to know of us */
    ts_ms now_ms;
    const struct zone *zone;
    struct span server_id; /* our 20-digit GA/T 1400 id */
    bool english;          /* of what a person may read; the default is Chinese */
};

enum feed_transport { FEED_HTTP, FEED_FILE };
enum feed_overflow {
    FEED_BUSY /* answer "busy": the sender keeps it and comes again */
};

struct feeds;
struct feed_run { /* given to decode() */
    struct dom *dom;
    struct buf *scratch; /* two */
    void *own;           /* made by open() */
    bool late;           /* set by feed_json(): hurried, and there is mending to do */
    const struct feed_needs *needs;
};

struct feed {
    const char *name, *zh, *en;
    const char *standard, *clause;
    enum feed_transport transport;
    const char *path;   /* every path that begins so is its own */
    size_t body_max;    /* bytes of one message */
    size_t objects_max; /* records of one message; more are answered with TOO_MANY */
    enum feed_overflow overflow;
    void *(*open)(void); /* the thread's compiled tables; NULL = none */
    void (*close)(void *own);
    enum err (*decode)(
        struct feed_run *run, const struct feed_in *in, struct feed_out *out);
    void (*reply)(
        const struct feed_in *in, const struct feed_out *out,
        const struct feed_about *about, struct buf *body, struct feed_reply *reply);
};
extern const struct feed *const feed_rows[]; /* made by the build, ended by NULL */

/* The row whose path begins this one (any case), or NULL. */
const struct feed *feed_find(struct span path);

struct feeds *feeds_new(const struct feed_needs *needs); /* NULL without memory */
void feeds_free(struct feeds *f);
enum err feed_decode(
    struct feeds *f, const struct feed *row, const struct feed_in *in,
    struct feed_out *out) MUST_USE;

/* ---- for rows ---- */

/* Parses the body tolerantly: a BOM is skipped, GB18030 converted, stray bytes
 * replaced, slips of JSON mended; each is counted. False: no JSON; *fault says why,
 * *text is the body as UTF-8. False with run->late: not tried, return at once. */
bool feed_json(
    struct feed_run *run, const struct feed_in *in, struct feed_out *out,
    struct span *text, struct dom_node *root, enum dom_fault *fault);

/* Parses text after mending it (json_mend.h). */
bool feed_json_mended(struct feed_run *run, struct span text, struct dom_node *root);

/* The first fate of an object's rows that is not plain storage, or FATE_STORED. */
enum sighting_fate feed_fate(const struct feed_out *out, const struct feed_object *o);

#endif
