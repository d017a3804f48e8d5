/* SPDX-License-Identifier: Apache-2.0 */
/* alarm.h - a rule's finding (预警): evidence ids, the numbers compared, a probability.
 * Evidence, not work: work is the matter it opens.
 *
 * Owner    values with fixed room: an alarm copies nothing and owns nothing.
 * Threads  moves by message.
 * See      docs/why/truth.md "Truth under late records"; man 5 tongqu-json "alarm".
 */
#ifndef TQ_MODEL_ALARM_H
#define TQ_MODEL_ALARM_H

#include "model/sighting.h"
#include "model/watch.h"

struct alarm_id {
    uint64_t v; /* hash(rule, key, passage): writing it twice is one row */
};

enum alarm_state { ALARM_RAISED, ALARM_REVISED, ALARM_WITHDRAWN };
enum level { LEVEL_BLUE = 1, LEVEL_YELLOW, LEVEL_ORANGE, LEVEL_RED };

#define ALARM_EVIDENCE 8
#define ALARM_NUMBERS 8
#define ALARM_RECORD_ID 56 /* MotorVehicleID has 48 */

/* What the read shows against what is registered. */
enum contradiction {
    CONTRA_COLOR = 1,
    CONTRA_CLASS = 2,
    CONTRA_BRAND = 4,
    CONTRA_PLATE_COLOR = 8,
    CONTRA_UNREGISTERED = 16,
};

struct alarm {
    struct alarm_id id;
    char rule[24];         /* rule name = alarm kind */
    uint8_t state;         /* enum alarm_state */
    uint8_t level;         /* enum level */
    uint8_t contradiction; /* bits: a stop order is gated until a person compared the
                              pictures */
    bool stop;             /* may lead to an interception (level 3 watches may not) */
    struct plate plate;    /* the vehicle meant (a misread: the watched plate) */
    struct plate read;     /* the plate as read */
    uint8_t plate_color;
    struct site_id site; /* of the deciding sighting */
    ts_ms pass_ms;       /* of the deciding sighting */
    dur_us late_us; /* how late the latest record of its evidence came; 0 all in time */
    double probability; /* stated probability that the finding is true, 0..1 */
    uint64_t watch;     /* watch id for rule "watch"; 0 */
    char watch_code[32];
    char subject[64]; /* zone, section, status letters ... what the rule names */
    struct {
        struct sighting_id id;
        char record_id[ALARM_RECORD_ID];
        struct plate read;
        uint8_t role; /* 0 deciding, 1 earlier, 2 other place ... in rule order */
    } evidence[ALARM_EVIDENCE];
    uint8_t evidence_n;
    struct alarm_number {
        const char
            *name; /* key from the rule's number table: "speed_kmh", "gap_s" ... */
        double value;
    } numbers[ALARM_NUMBERS];
    uint8_t numbers_n;
    uint64_t passage;  /* folding key: one passage, one alarm */
    uint32_t model;    /* number of the model used */
    uint32_t settings; /* number of the rule settings; 0 the release's own */
    uint64_t registry_version, watch_version;
    uint64_t lsn; /* journal position that (re)decided it */
};

/* JSON object without the joined parts (registry record, pictures), keys per man 5
 * tongqu-json. */
struct buf;
struct site_table;
void alarm_json(struct buf *out, const struct alarm *a, const struct site_table *sites);
/* Compact bytes for the ledger, and back (ERR_CORRUPT). Numbers' names come back as
 * interned keys. */
void alarm_encode(struct buf *out, const struct alarm *a);
enum err alarm_decode(struct span bytes, struct alarm *out) MUST_USE;

#endif
