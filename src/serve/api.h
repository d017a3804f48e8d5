/* SPDX-License-Identifier: Apache-2.0 */
/* api.h - one resource of /api/v1 as rows: method, path, role, audit class, thread,
 * parameters, body, reply. The machine (api.c) parses, signs in, checks role, CSRF,
 * parameters and body, ships the request to the thread the row names, writes the audit
 * record, and sends. The row's function does only what is its own.
 *
 * Shape    serve/api/NAME.c defines `const struct api api_NAME`; the build finds it.
 * Owner    rows are constant; env belongs to the running thread.
 * Threads  fn runs on the thread in `where` and touches only what env hands it.
 * Errors   fn returns enum err: the note (req_note) or req_refuse() says more. Output
 * is dropped then.
 * See      docs/api.md; exemplar serve/api/session.c; generated tests in api_test.c.
 */
#ifndef TQ_SERVE_API_H
#define TQ_SERVE_API_H

#include <jansson.h>

#include "serve/needs.h"

struct serve;
struct session;
struct ledger_reader;

/* What a thread owns, given to the functions that run on it. The daemon makes one per
 * thread. */
struct api_env {
    struct serve *serve;
    const struct serve_needs *needs;
    enum where here;
    struct ledger *ledger;        /* ON_LEDGER: the writer. Elsewhere: NULL */
    struct ledger_reader *reader; /* this thread's own; on the net loops: NULL */
    void *store;  /* query threads: the snapshot source of the sighting engine */
    void *daemon; /* whatever else the daemon hands its handlers (serve/api needs) */
    /* How a job that has run here goes home: the machine calls it instead of
     * http_post(). NULL = http_post() at once. The ledger holds its jobs back until
     * their group is durable; keep = false undoes what the job changed. When the group
     * cannot be made durable the job's `failed` is set before it is posted. */
    void (*home)(struct api_env *env, struct http *h, struct job *job, bool keep);
};

typedef enum err (*api_fn)(struct req *r, struct api_env *env);

/* Roles of a row: bits of enum role, or: */
#define ROLES_OPEN (1u << 30) /* nobody needs to be signed in */
#define ROLES_SIGNED ROLES_PEOPLE

enum api_type {
    API_TEXT = 1, /* min..max characters of UTF-8, no control characters */
    API_LINES,    /* the same; line breaks allowed */
    API_REASON,   /* the same, and says something (utf8_is_reason()) */
    API_INT,      /* min..max */
    API_NUMBER,   /* min..max */
    API_FLAG,     /* body: true or false; query: 0 or 1 */
    API_TIME,     /* epoch milliseconds, min..max; 0 0 = any after 2000 */
    API_WORD,     /* one of words "a|b|c" */
    API_ID,       /* 1..max of decimal digits (max 0 = any uint64) */
    API_INTS,     /* body: list of min..max integers */
    API_OBJECT,   /* body: an object; fn checks what is inside */
    API_LIST,     /* body: a list of min..max elements; fn checks them */
};

/* A path part, query parameter or body key. Path parts stand in params under their
 * {name}. */
struct api_value {
    const char *name;
    enum api_type type;
    double min, max;
    bool required;
    bool null;          /* body: null is allowed and reads as absent */
    const char *words;  /* API_WORD */
    const char *preset; /* query: text used when absent; NULL = none */
    const char *zh, *en;
};

struct api_route {
    enum method method;
    const char *path;     /* "/sites/{id}", below /api/v1 */
    unsigned roles;       /* mandatory */
    enum api_audit audit; /* mandatory */
    enum where where;
    const struct api_value *params; /* ended by a NULL name; NULL = none */
    const struct api_value
        *body; /* JSON keys, ended by a NULL name; NULL = no body is taken */
    const char
        *body_type;  /* NULL = application/json; others arrive unparsed in req_body() */
    size_t body_cap; /* bytes; 0 = 64 kB (with a body) */
    unsigned cost;   /* of the caller's 1,000 a second; 0 = 1 */
    const char *reply;      /* "Site", "list of Site": a name of serve/shape.def */
    unsigned status;        /* of a reply that is no refusal; 0 = 200 */
    const char *reply_type; /* of a reply that is no JSON */
    const char *zh, *en;    /* mandatory */
    api_fn fn;
};

struct api {
    const char *zh, *en;            /* of the resource */
    const struct api_route *routes; /* ended by a NULL path */
};
extern const struct api *const api_rows[]; /* made by the build */

/* ---- for the functions of rows ---- */

/* Values of the row, checked already; asking for a name that the row lacks is our bug
 * (must). */
struct span api_text(const struct req *r, const char *name); /* .p NULL when absent */
int64_t api_int(
    const struct req *r, const char *name, int64_t absent); /* INT, TIME, FLAG, ID */
double api_number(const struct req *r, const char *name, double absent);
bool api_has(const struct req *r, const char *name);
json_t *api_json(
    const struct req *r, const char *name); /* borrowed; NULL when absent or null */
json_t *api_body(const struct req *r);      /* the whole object; NULL for other types */
/* limit and cursor of a list (rows API_LIST_PARAMS in params). */
#define API_LIMIT_ROWS(most)                                                           \
    {"limit", API_INT, 1, (most), false, false, NULL, "100", "条数", "rows at most"},  \
    {                                                                                  \
        "cursor", API_TEXT, 1, 128, false, false, NULL, NULL, "上页游标",              \
            "the next of the page before"                                              \
    }

/* Who asks: valid in fn on any thread (a copy travels with the request). NULL for
 * ROLES_OPEN. */
const struct user *api_user(const struct req *r);
unsigned api_role(const struct req *r); /* role bits; ROLE_DEVICE for devices */
const struct sender *api_device(const struct req *r); /* NULL for people */
/* May the caller see what belongs to this node? (own node and below) */
bool api_sees(const struct req *r, const struct org_table *org, struct org_id node);

/* Goes on with fn2 on another thread after this function has returned OK. */
enum err api_then(struct req *r, enum where where, api_fn fn2);
/* ON_NET only: the answer comes later, by api_done() on this loop (a batch becomes
 * durable). */
void api_wait(struct req *r);
void api_done(struct req *r, enum err e);
/* Called once on the loop when the request ends, however it ends. */
void api_on_end(struct req *r, void (*fn)(struct req *r));
/* The request became a stream: the machine lets go of it. */
void api_taken(struct req *r);
/* A pointer of the handler's own between its stages; take it from req_arena(). */
void **api_keep(struct req *r);

/* What the audit record of a CHANGE or SECURITY route names; both are copied. */
void api_audit(struct req *r, struct span object, struct span matter);
/* A LOOK route must say that its look was audited (look.begin and look.end are
 * durable): a reply that leaves without it is replaced by 500. */
void api_looked(struct req *r);

/* ETag: true when the client has it already (the reply is then 304 without a body). */
bool api_etag(struct req *r, struct span tag);
/* 201 with the body in req_out(). */
void api_created(struct req *r);
/* 204. */
void api_empty(struct req *r);
/* "items":[ ... ],"next":...,"as_of_ms":N} around rows that fn writes between the two
 * calls. */
void api_list_open(struct req *r);
void api_list_row(struct req *r); /* the comma before each row but the first */
void api_list_close(struct req *r, struct span next, ts_ms as_of_ms);
/* ,"name": or "name": for writers of objects; {"zh":"...","en":"..."}. */
void api_texts(struct buf *out, const char *zh, const char *en);

/* ---- the machine ---- */

/* Checks all rows (role, audit, texts, path); must() on a fault. Called by serve_new().
 */
void api_check(void);
/* The OpenAPI 3.1 document of the rows. */
void api_openapi(struct buf *out);
/* "GET /sites","POST /looks",... of the rows a role reaches, without brackets. */
void api_may(struct buf *out, unsigned roles);

#endif
