/* SPDX-License-Identifier: Apache-2.0 */
/* sighting.h - one vehicle read at one site at one moment (过车), and batches of them
 * in columns.
 *
 * Units    pass_ms as the camera's clock said, arrive_ms as ours; speed in 0.1 km/h.
 * Owner    spans inside a sighting are borrowed from its batch's arena or the caller's
 * buffer.
 * Threads  a batch moves between threads by message; it is never shared.
 * See      GA/T 1400.3 MotorVehicle; man 5 tongqu-json "sighting".
 */
#ifndef TQ_MODEL_SIGHTING_H
#define TQ_MODEL_SIGHTING_H

#include "core/arena.h"
#include "core/civil.h"
#include "core/err.h"
#include "model/codes.h"
#include "model/plate.h"

struct site_id {
    uint32_t v; /* 1.., dense in one data directory; 0 = none */
};
struct device_id {
    uint32_t v;
};

/* Who it is: derived, never stored. Text: "<pass_ms>-<site>-<tag as 8 hex digits>". */
struct sighting_id {
    ts_ms pass_ms;
    uint32_t site;
    uint32_t tag; /* sighting_tag(device, record id) */
};

#define SPEED_UNKNOWN UINT16_MAX
#define CONFIDENCE_UNKNOWN UINT8_MAX

enum sighting_flag {
    SIGHTING_BY_HAND = 1,   /* entered from a video frame */
    SIGHTING_DECKED = 2,    /* IsDecked: the camera itself suspects a clone */
    SIGHTING_ALTERED = 4,   /* IsAltered */
    SIGHTING_COVERED = 8,   /* IsCovered */
    SIGHTING_NO_PLATE = 16, /* HasPlate = false, said by the camera */
    SIGHTING_LATE = 32,     /* arrived more than a minute after the pass */
    SIGHTING_TAG = 64,      /* read by radio from an ETC tag, no camera (toll.h) */
};

struct sighting {
    ts_ms pass_ms, arrive_ms;
    struct plate plate;
    struct site_id site;
    struct device_id device; /* the sending device; 0 = the site itself (CSV) */
    uint16_t speed_dkmh;     /* 0.1 km/h; SPEED_UNKNOWN */
    code3 vehicle_class, brand;
    uint8_t plate_color, vehicle_color; /* enum color */
    uint8_t lane;                       /* leftmost 1; 0 unknown */
    uint8_t direction;  /* enum direction; other values are kept as sent */
    uint8_t confidence; /* 0..100; CONFIDENCE_UNKNOWN */
    uint8_t flags;      /* enum sighting_flag */
    struct span
        plate_text; /* original plate string where it differs from the canonical one */
    struct span record_id; /* the device's own id: given back to the byte */
    struct span image;     /* picture reference or URL: given back to the byte */
};

uint32_t sighting_tag(struct device_id device, struct span record_id);
static inline struct sighting_id
sighting_id_of(const struct sighting *s)
{
    return (struct sighting_id){
        s->pass_ms, s->site.v, sighting_tag(s->device, s->record_id)};
}
#define SIGHTING_ID_TEXT 48
char *sighting_id_format(char *dst, struct sighting_id id); /* dst[SIGHTING_ID_TEXT] */
bool sighting_id_parse(struct span s, struct sighting_id *out);
static inline bool
sighting_id_eq(struct sighting_id a, struct sighting_id b)
{
    return a.pass_ms == b.pass_ms && a.site == b.site && a.tag == b.tag;
}

/* What became of one record of a batch. */
enum sighting_fate {
    FATE_STORED,    /* new and durable */
    FATE_DUPLICATE, /* the same record again: acknowledged, not stored twice */
    FATE_CONFLICT,  /* same key, other content: the first is kept */
    FATE_FUTURE,    /* more than 2 minutes ahead of our clock */
    FATE_EXPIRED,   /* older than the retention */
    FATE_REFUSED,   /* disk full or stopping: send again */
};

/* Rows in arrival order with the arena that holds their texts. */
struct sighting_batch {
    struct arena arena;
    struct sighting *rows; /* room of them, in the arena */
    size_t n, room;
    uint8_t *fate; /* n of enum sighting_fate, filled by the store */
    uint64_t
        lsn; /* of the journal record that holds the stored ones; 0 = none stored */
    /* Pictures that came inline, to be made durable with the batch. The store writes
     * `image` of the row with the pack reference
     * ("pack:<day>/<offset>/<length>/<hash>"). */
    struct batch_picture {
        uint32_t row;
        struct span bytes; /* JPEG and others, borrowed from the arena */
        uint8_t type;      /* GA/T 1400 image Type: 1 vehicle, 2 plate ... */
    } * pictures;
    size_t pictures_n, pictures_room;
    /* Rows whose site nobody knew: the owner of the sites makes them ("unplaced") and
     * fills rows[row].site before the batch is stored. */
    struct batch_place {
        uint32_t row;
        struct span code; /* in the arena */
    } * unplaced;
    size_t unplaced_n, unplaced_room;
    void *tag; /* the sender's context, handed back untouched */
};

/* Heap; cap bounds the arena in bytes. NULL without memory. */
struct sighting_batch *sighting_batch_new(size_t room, size_t cap);
void sighting_batch_free(struct sighting_batch *b);
void sighting_batch_clear(struct sighting_batch *b);
/* The next empty row (defaults: unknown everything); NULL when full (room or cap). */
struct sighting *sighting_batch_add(struct sighting_batch *b);
/* Adds a picture to a row; bytes must lie in the batch's arena. False past the cap. */
bool sighting_batch_picture(
    struct sighting_batch *b, uint32_t row, struct span bytes, uint8_t type);

/* Says that a row's site is to be made from this code (in the batch's arena). False
 * past the cap. */
bool sighting_batch_unplaced(struct sighting_batch *b, uint32_t row, struct span code);

/* One sighting as a JSON object, keys as in the CSV header plus "id" (man 5
 * tongqu-json). The site is written by its code. */
struct buf;
void sighting_json(struct buf *out, const struct sighting *s, struct span site_code);

#endif
