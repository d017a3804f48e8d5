/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu report quality: what each device sends, and how well (数据治理). Counts and
 * shapes of slips only: no look. */
#include "daemon/op_house.h"
#include "daemon/op_list.h"
#include "daemon/parts.h"
#include "serve/quality_rows.h"

#include "core/os_clock.h"

static const struct op_column columns[] = {
    {"code", 24},       {"name", 0},     {"vendor", 12},      {"protocol", 0},
    {"objects", -10},   {"stored", -10}, {"duplicates", -10}, {"conflicts", 0},
    {"future", 0},      {"expired", 0},  {"refused", -10},    {"late", -10},
    {"unread", -10},    {"faults", -10}, {"misread_rate", 0}, {"clock_error_ms", 0},
    {"clock_sd_ms", 0}, {NULL, 0},
};

static enum err
print(struct op_list *l, const struct buf *line)
{
    json_t *row =
        line->bad ? NULL : json_loadb((const char *)line->p, line->n, 0, NULL);
    if (!row)
        return ERR_NOMEM;
    op_list_row(l, row);
    json_decref(row);
    return OK;
}

static enum err
run(struct op_call *c, struct note *note)
{
    struct op_house h;
    struct arena a;
    struct device *rows;
    size_t n;
    struct op_list list;
    enum err e = op_house_open(c, &h);
    if (e != OK)
        return e;
    struct site_table *sites = base_sites(h.base);
    struct quality_ask ask = {
        .reader = c->door->reader,
        .sites = sites,
        .model = h.model,
        .today = civil_day(os_now_ms(), &h.base->zone),
        .days = (int)op_number(c, "days", 1),
    };
    arena_init(&a, 256 << 20);
    e = op_list_begin(c, columns, &list, note);
    if (e == OK)
        e = ledger_devices(ask.reader, &a, &rows, &n);
    ask.full = e == OK && list.format == OP_JSON;
    for (size_t i = 0; e == OK && i < n; i++) {
        struct buf line = {0};
        e = quality_json(&line, &ask, &rows[i]);
        if (e == OK)
            e = print(&list, &line);
        buf_release(&line);
    }
    if (e == OK)
        op_list_end(&list);
    arena_release(&a);
    site_table_unref(sites);
    op_house_close(&h);
    return e;
}

const struct op op_quality = {.name = "quality", .fn = run};
