/* SPDX-License-Identifier: Apache-2.0 */
/* _viid.h - the parts of the GA/T 1400 feed among themselves. Nobody outside
 * proto/_viid* includes it.
 *
 * Threads  a struct viid is one thread's; a struct viid_job is one message's.
 */
#ifndef TQ_FEEDS_PROTO_VIID_H
#define TQ_FEEDS_PROTO_VIID_H

#include "feeds/feed.h"
#include "feeds/loose.h"

/* StatusCode of GA/T 1400.4. */
enum viid_status {
    VIID_OK,
    VIID_OTHER_ERROR,
    VIID_BUSY,
    VIID_DEVICE_ERROR,
    VIID_INVALID_OPERATION,
    VIID_INVALID_XML_FORMAT,
    VIID_INVALID_XML_CONTENT,
    VIID_INVALID_JSON_FORMAT,
    VIID_INVALID_JSON_CONTENT,
    VIID_REBOOT,
};

/* Compiled keys of every object we take apart. */
struct viid {
    struct dom_keys vehicle, picture, place, other;
};

struct viid_job {
    const struct viid *v;
    struct feed_run *run;
    const struct feed_in *in;
    struct feed_out *out;
    struct feed_faults *faults;
    enum err err; /* memory or cap: the whole message is refused as "busy" */
    size_t objects_room;
    char id_scratch[LOOSE_TEXT];
    char code_text[32]; /* last_code lies here */
    struct span
        last_code; /* the place of the record before, so that a list asks once */
    struct feed_site last_site;
    bool last_known;
    uint8_t last_fault;  /* enum feed_fault + 1: why viid_vehicle() made no row */
    struct span last_id; /* its id, until the next record */
};

/* Copies into the out arena (empty stays empty); sets job->err past the cap. */
struct span viid_keep(struct viid_job *job, struct span s);
/* The next object of the answer, or NULL (job->err is set). */
struct feed_object *viid_object(struct viid_job *job, uint32_t position);

/* ---- _viid_vehicle.c ---- */
void viid_vehicle_keys(struct viid *v);
/* Does this object look like a MotorVehicle? */
bool viid_is_vehicle(struct dom_node node);
/* One MotorVehicle into the batch; extra (may be empty) is base64 of a picture that
 * came beside it. True when a row was added. */
bool viid_vehicle(struct viid_job *job, struct dom_node node, struct span extra);

/* ---- _viid_place.c ---- */
void viid_place_keys(struct viid *v);
void viid_place(
    struct viid_job *job, enum feed_place_kind kind, struct dom_node node, size_t i);
void
viid_ask(struct viid_job *job, enum feed_ask_kind kind, struct dom_node node, size_t i);
/* The id of any object: its first member whose name ends with "ID" or "Id". */
struct span viid_any_id(struct viid_job *job, struct dom_node node);

/* ---- _viid_reply.c ---- */
void viid_reply(
    const struct feed_in *in, const struct feed_out *out,
    const struct feed_about *about, struct buf *body, struct feed_reply *reply);

#endif
