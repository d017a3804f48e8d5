/* SPDX-License-Identifier: Apache-2.0 */
/* org.h - the organisation tree (组织): who may see, sign, hand down and be measured
 * follows it.
 *
 * Shape    省总队 > 支队 (city) > 大队 (brigade, with a sub-centre) > 中队 (squad) >
 *          officers.
 * Owner    an org_table is an immutable refcounted snapshot.
 * Threads  read from any thread that holds a reference.
 */
#ifndef TQ_MODEL_ORG_H
#define TQ_MODEL_ORG_H

#include "core/civil.h"
#include "core/span.h"

struct org_id {
    uint32_t v; /* 1..; 0 = none */
};

enum org_kind { ORG_PROVINCE, ORG_CITY, ORG_BRIGADE, ORG_SQUAD };

struct org {
    struct org_id id, parent; /* parent 0: the root */
    char code[20];            /* "140100000000" style or short */
    char name[64];
    char name_en[64];
    uint8_t kind;    /* enum org_kind */
    bool sub_centre; /* a brigade with its own command seat */
};

struct org_table {
    uint32_t refs; /* atomic */
    uint64_t version;
    uint32_t n; /* rows [1..n] */
    struct org *rows;
};

struct org_table *org_table_new(uint32_t room);
struct org_table *org_table_ref(struct org_table *t);
void org_table_unref(struct org_table *t);
struct org_id org_table_put(
    struct org_table *t, const struct org *o); /* by code; before publication */
const struct org *org_get(const struct org_table *t, struct org_id id);
struct org_id org_find(const struct org_table *t, struct span code);
/* Is `inner` the same as `outer` or below it? The scope rule of every list and move. */
bool org_covers(const struct org_table *t, struct org_id outer, struct org_id inner);

/* Officers and auxiliaries with their unit of duty. */
enum unit_status {
    UNIT_OFF,
    UNIT_READY,
    UNIT_ASSIGNED,
    UNIT_EN_ROUTE,
    UNIT_ON_SCENE,
    UNIT_BUSY
};
struct unit_id {
    uint32_t v;
};
struct unit { /* 警力单元: a patrol car, a motorcycle, an officer on foot */
    struct unit_id id;
    char callsign[24];
    char name[48];
    uint8_t kind;   /* enum unit_kind */
    uint8_t status; /* enum unit_status */
    struct org_id org;
    int32_t lon, lat; /* 1e-7 degree; both 0: unknown */
    ts_ms fix_ms;     /* of the position */
};
enum unit_kind { UNIT_CAR, UNIT_MOTORCYCLE, UNIT_FOOT, UNIT_TOW, UNIT_DRONE };

#endif
