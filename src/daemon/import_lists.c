/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu import registry, watches: lists that are written many rows at a time. */
#include "daemon/import.h"

#include "store/ledger_people.h"
#include "store/ledger_watch.h"

#include <stdlib.h>

/* ---- registry ---- */

enum {
    REG_PLATE,
    REG_COLOR,
    REG_CLASS,
    REG_VCLASS,
    REG_VCOLOR,
    REG_BRAND,
    REG_STATUS,
    REG_USE,
    REG_INSPECTION,
    REG_SCRAP,
    REG_OWNER
};
static const char *const registry_names[] = {
    "plate",      "plate_color", "plate_class", "vehicle_class",    "vehicle_color",
    "brand",      "status",      "use_nature",  "inspection_until", "scrap_on",
    "owner_unit", NULL};
static const char *const registry_required[] = {"plate", NULL};

/* A civil day: a date, or an instant. */
static bool
day_of(const struct import *im, int column, int32_t *out)
{
    struct span s = import_text(im, column);
    ts_ms t;
    *out = 0;
    if (s.n == 0)
        return true;
    if (ts_parse(s, &im->call->door->base->zone, &t, NULL) != OK)
        return false;
    *out = (int32_t)civil_day(t, &im->call->door->base->zone);
    return true;
}

static enum err
flush_vehicles(struct import *im)
{
    size_t n = im->vehicles_n;
    im->vehicles_n = 0;
    return n ? registry_import_rows(
                   im->call->door->base->registry, im->vehicles, n, im->note)
             : OK;
}

static enum err
take_vehicle(struct import *im)
{
    struct registry_row *r = &im->vehicles[im->vehicles_n];
    struct vehicle *v = &r->vehicle;
    double plate_color, plate_class, color;
    bool differs;
    *r = (struct registry_row){0};
    (void)plate_parse(import_text(im, REG_PLATE), &v->plate, &differs);
    if (!plate_is_exact(v->plate))
        return import_refuse(im, REG_PLATE, "a whole plate", "应为完整号牌");
    if (!import_number(im, REG_COLOR, 0, 99, 0, &plate_color) ||
        !import_number(im, REG_CLASS, 0, 99, 0, &plate_class))
        return import_refuse(
            im, REG_COLOR, "a code of GA/T 1400 or GA 24.7",
            "应为 GA/T 1400 或 GA 24.7 代码");
    struct span body = import_text(im, REG_VCOLOR);
    if (body.n == 1 && body.p[0] >= 'A' && body.p[0] <= 'Z')
        color = color_of_ga24(body.p[0]);
    else if (!import_number(im, REG_VCOLOR, 0, 99, 0, &color))
        return import_refuse(
            im, REG_VCOLOR, "a code of GA/T 1400 or a letter of GA 24.8",
            "应为 GA/T 1400 代码或 GA 24.8 字母");
    if (!code3_parse(import_text(im, REG_VCLASS), &v->vehicle_class) ||
        !code3_parse(import_text(im, REG_BRAND), &v->brand))
        return import_refuse(
            im, REG_VCLASS, "a code of up to three characters", "至多三位代码");
    struct span status = import_text(im, REG_STATUS), use = import_text(im, REG_USE);
    for (size_t i = 0; i < status.n; i++) {
        if (status.p[i] < 'A' || status.p[i] > 'Z')
            return import_refuse(
                im, REG_STATUS, "letters of GA 24.17", "应为 GA 24.17 字母");
        v->status |= STATUS_BIT(status.p[i]);
    }
    if (!day_of(im, REG_INSPECTION, &v->inspection_day) ||
        !day_of(im, REG_SCRAP, &v->scrap_day))
        return import_refuse(
            im, REG_INSPECTION, "a date as 2026-03-02", "日期写作 2026-03-02");
    v->plate_color = (uint8_t)plate_color;
    v->plate_class = (uint8_t)plate_class;
    v->vehicle_color = (uint8_t)color;
    if (use.n > 1 || (use.n && (use.p[0] < 'A' || use.p[0] > 'Z')))
        return import_refuse(
            im, REG_USE, "one letter of GA 24.3", "应为 GA 24.3 的一个字母");
    v->use_nature = use.n ? use.p[0] : 0;
    struct span owner = import_text(im, REG_OWNER);
    char *keep = im->owners[im->vehicles_n];
    owner = span_fit(owner, IMPORT_OWNER);
    memcpy(keep, owner.p ? owner.p : "", owner.n);
    r->owner = span_of(keep, owner.n);
    im->taken++;
    return ++im->vehicles_n == IMPORT_ROWS ? flush_vehicles(im) : OK;
}

/* ---- watches ---- */

enum {
    WATCH_CODE,
    WATCH_PLATE,
    WATCH_REASON,
    WATCH_LEVEL,
    WATCH_FROM,
    WATCH_TO,
    WATCH_LIST,
    WATCH_COLOR
};
static const char *const watch_names[] = {"watch", "plate",       "reason",
                                          "level", "from_ms",     "to_ms",
                                          "list",  "plate_color", NULL};
static const char *const watch_required[] = {"plate", "to_ms", NULL};

static enum err
flush_watches(struct import *im)
{
    size_t n = im->watches_n;
    struct watch_import sum = {0};
    im->watches_n = 0;
    if (n == 0)
        return OK;
    enum err e = ledger_watch_import(
        im->call->door->base->ledger, im->watches, n, &sum, im->note);
    im->taken += sum.added + sum.replaced;
    im->rejected += sum.refused;
    if (e != OK)
        return e;
    struct ledger_entry entry = {.topic = TOPIC_WATCH, .at_ms = im->now};
    uint64_t number;
    return ledger_note(im->call->door->base->ledger, &entry, &number);
}

static enum err
take_watch(struct import *im)
{
    struct watch_row *w = &im->watches[im->watches_n];
    double level, color;
    *w = (struct watch_row){.one_misread = true, .expected_false_day = -1};
    struct watch *x = &w->watch;
    if (!import_copy(im, WATCH_CODE, x->code, sizeof x->code))
        return import_refuse(im, WATCH_CODE, "too long", "过长");
    if (!import_copy(im, WATCH_PLATE, x->plate_text, sizeof x->plate_text) ||
        !plate_pattern_parse(import_text(im, WATCH_PLATE), &x->pattern))
        return import_refuse(
            im, WATCH_PLATE, "a plate, or part of one with ? and *",
            "号牌，或含 ? 与 * 的部分号牌");
    struct span reason = import_text(im, WATCH_REASON),
                list = import_text(im, WATCH_LIST);
    if (!span_copy(x->reason, sizeof x->reason, reason) ||
        !span_copy(
            w->list, sizeof w->list,
            list.n                      ? list
            : reason.n < sizeof w->list ? reason
                                        : SPAN("import")))
        return import_refuse(im, WATCH_REASON, "too long", "过长");
    if (!import_number(im, WATCH_LEVEL, 1, 3, 2, &level) ||
        !import_number(im, WATCH_COLOR, 0, 99, 0, &color))
        return import_refuse(im, WATCH_LEVEL, "level 1, 2 or 3", "级别为 1、2 或 3");
    if (!import_instant(im, WATCH_FROM, im->now, &x->from_ms) ||
        !import_instant(im, WATCH_TO, 0, &x->to_ms) || x->to_ms <= x->from_ms)
        return import_refuse(
            im, WATCH_TO, "an end after the beginning", "截止须晚于起始");
    x->level = (uint8_t)level;
    x->plate_color = (uint8_t)color;
    x->state = WATCH_APPROVED;
    x->list_ms = im->now;
    snprintf(x->author, sizeof x->author, "%s", im->author);
    snprintf(x->approver, sizeof x->approver, "%s", im->approver);
    w->created_ms = w->decided_ms = im->now;
    return ++im->watches_n == IMPORT_ROWS ? flush_watches(im) : OK;
}

const struct import_kind import_registry = {"registry",        registry_names,
                                            registry_required, take_vehicle,
                                            flush_vehicles,    IMPORT_REGISTRY};
const struct import_kind import_watches = {"watches",  watch_names,   watch_required,
                                           take_watch, flush_watches, IMPORT_IN_LEDGER};
