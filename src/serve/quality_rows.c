/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/quality_rows.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/civil.h"

static const char *const keys[] = {"objects",   "stored", "duplicates",
                                   "conflicts", "future", "expired",
                                   "refused",   "late",   "unread"};
#define KEYS (sizeof keys / sizeof *keys)
_Static_assert(
    sizeof(struct quality_day) == KEYS * sizeof(uint64_t), "one key a count");

static uint64_t
count_of(const struct quality_day *n, size_t key)
{
    const uint64_t all[KEYS] = {n->objects,   n->stored, n->duplicates,
                                n->conflicts, n->future, n->expired,
                                n->refused,   n->late,   n->unread};
    return all[key];
}

/* ---- the kept row ---- */

static void
key_of(char dst[40], const char *what, struct device_id id)
{
    snprintf(dst, 40, "%s:%010u", what, id.v);
}

/* A fresh object when there is none, or none that can be read. */
static json_t *
load(struct ledger_reader *r, struct device_id id)
{
    struct arena a;
    struct span value;
    char key[40];
    json_error_t fault;
    json_t *row = NULL;
    key_of(key, "quality", id);
    arena_init(&a, 1 << 20);
    if (ledger_meta_find(r, key, &a, &value) == OK)
        row = json_loadb(value.p, value.n, 0, &fault);
    arena_release(&a);
    if (json_is_object(row) && json_is_array(json_object_get(row, "days")) &&
        json_is_object(json_object_get(row, "samples")))
        return row;
    json_decref(row);
    return json_pack("{s:[], s:{}}", "days", "samples");
}

/* The entry of a day, made when new; days are oldest first. */
static json_t *
day_entry(json_t *days, int64_t day)
{
    size_t n = json_array_size(days);
    json_t *last = n ? json_array_get(days, n - 1) : NULL;
    if (last && json_integer_value(json_object_get(last, "day")) == day)
        return last;
    json_t *fresh = json_pack("{s:I, s:{}}", "day", (json_int_t)day, "faults");
    if (!fresh || json_array_append_new(days, fresh) != 0)
        return NULL;
    while (json_array_size(days) > QUALITY_DAYS)
        json_array_remove(days, 0);
    return fresh;
}

static bool
add(json_t *object, const char *key, uint64_t n)
{
    if (n == 0)
        return true;
    json_int_t was = json_integer_value(json_object_get(object, key));
    return json_object_set_new(object, key, json_integer(was + (json_int_t)n)) == 0;
}

static bool
add_faults(json_t *row, json_t *entry, const struct feed_faults *f, ts_ms at)
{
    json_t *counts = json_object_get(entry, "faults");
    json_t *samples = json_object_get(row, "samples");
    bool ok = counts && samples;
    for (int i = 0; ok && i < FAULT_COUNT; i++) {
        uint32_t n = feed_fault_count(f, (enum feed_fault)i);
        const char *name = feed_fault_row((enum feed_fault)i)->name;
        if (n == 0)
            continue;
        json_t *sample =
            json_pack("{s:I, s:s}", "at_ms", (json_int_t)at, "text", f->sample[i]);
        ok = sample && add(counts, name, n) &&
             json_object_set_new(samples, name, sample) == 0;
    }
    return ok;
}

enum err
quality_put(
    struct ledger *l, struct device_id id, int64_t day, const struct quality_day *n,
    const struct feed_faults *faults, ts_ms fault_ms)
{
    char key[40];
    json_t *row = load(ledger_as_reader(l), id);
    json_t *entry = row ? day_entry(json_object_get(row, "days"), day) : NULL;
    bool ok = entry != NULL;
    for (size_t i = 0; ok && i < KEYS; i++)
        ok = add(entry, keys[i], count_of(n, i));
    if (ok && faults && faults->seen)
        ok = add_faults(row, entry, faults, fault_ms);
    char *bytes = ok ? json_dumps(row, JSON_COMPACT) : NULL;
    key_of(key, "quality", id);
    enum err e = bytes ? ledger_meta_put(l, key, span_cstr(bytes)) : ERR_NOMEM;
    free(bytes);
    json_decref(row);
    return e;
}

enum err
quality_vendor_put(struct ledger *l, struct device_id id, struct span vendor)
{
    char key[40];
    key_of(key, "vendor", id);
    return ledger_meta_put(l, key, vendor);
}

/* ---- rows ---- */

struct sums {
    uint64_t n[KEYS], faults[FAULT_COUNT], faults_all;
};

static int
fault_named(const char *name)
{
    for (int i = 0; i < FAULT_COUNT; i++)
        if (strcmp(feed_fault_row((enum feed_fault)i)->name, name) == 0)
            return i;
    return -1;
}

static void
sum_day(struct sums *s, const json_t *entry)
{
    const char *name;
    json_t *v;
    for (size_t i = 0; i < KEYS; i++)
        s->n[i] += (uint64_t)json_integer_value(json_object_get(entry, keys[i]));
    json_object_foreach(json_object_get(entry, "faults"), name, v)
    {
        int kind = fault_named(name);
        s->faults_all += (uint64_t)json_integer_value(v);
        if (kind >= 0)
            s->faults[kind] += (uint64_t)json_integer_value(v);
    }
}

static bool
in_span(const struct quality_ask *ask, const json_t *entry)
{
    int64_t day = json_integer_value(json_object_get(entry, "day"));
    return day > ask->today - ask->days && day <= ask->today;
}

static void
text(struct buf *out, const char *key, struct span s)
{
    buf_fmt(out, ",\"%s\":", key);
    buf_json(out, s);
}

static void
counts_json(struct buf *out, const struct sums *s)
{
    for (size_t i = 0; i < KEYS; i++)
        buf_fmt(out, ",\"%s\":%llu", keys[i], (unsigned long long)s->n[i]);
    buf_fmt(out, ",\"faults\":%llu", (unsigned long long)s->faults_all);
}

static void
learned_json(struct buf *out, const struct quality_ask *ask, struct site_id site)
{
    const struct site_model *m =
        ask->model && site.v ? model_site(ask->model, site) : NULL;
    if (m && m->reads)
        buf_fmt(out, ",\"misread_rate\":%.5f", (double)m->misread);
    else
        buf_text(out, ",\"misread_rate\":null");
    if (m && m->reads && m->offset_sd_ms < 20000)
        buf_fmt(
            out, ",\"clock_error_ms\":%d,\"clock_sd_ms\":%u", m->offset_ms,
            m->offset_sd_ms);
    else
        buf_text(out, ",\"clock_error_ms\":null,\"clock_sd_ms\":null");
}

static void
kinds_json(struct buf *out, const struct sums *s, const json_t *samples)
{
    const char *comma = "";
    buf_text(out, ",\"kinds\":[");
    for (int i = 0; i < FAULT_COUNT; i++) {
        const struct feed_fault_row *f = feed_fault_row((enum feed_fault)i);
        const json_t *sample = json_object_get(samples, f->name);
        const char *words = json_string_value(json_object_get(sample, "text"));
        if (s->faults[i] == 0)
            continue;
        buf_fmt(
            out, "%s{\"kind\":\"%s\",\"zh\":\"%s\",\"en\":\"%s\",\"n\":%llu", comma,
            f->name, f->zh, f->en, (unsigned long long)s->faults[i]);
        buf_fmt(
            out, ",\"at_ms\":%lld",
            (long long)json_integer_value(json_object_get(sample, "at_ms")));
        text(out, "sample", span_cstr(words ? words : ""));
        buf_text(out, "}");
        comma = ",";
    }
    buf_text(out, "]");
}

static void
days_json(struct buf *out, const struct quality_ask *ask, const json_t *days)
{
    size_t i;
    json_t *entry;
    const char *comma = "";
    buf_text(out, ",\"days\":[");
    json_array_foreach(days, i, entry)
    {
        struct sums one = {0};
        if (!in_span(ask, entry))
            continue;
        sum_day(&one, entry);
        char name[TS_TEXT];
        buf_fmt(
            out, "%s{\"day\":\"%s\"", comma,
            day_format(name, json_integer_value(json_object_get(entry, "day"))));
        counts_json(out, &one);
        buf_text(out, "}");
        comma = ",";
    }
    buf_text(out, "]");
}

static void
vendor_json(struct buf *out, struct ledger_reader *r, struct device_id id)
{
    struct arena a;
    struct span vendor = SPAN("");
    char key[40];
    key_of(key, "vendor", id);
    arena_init(&a, 1 << 16);
    if (ledger_meta_find(r, key, &a, &vendor) != OK)
        vendor = SPAN("");
    text(out, "vendor", vendor);
    arena_release(&a);
}

enum err
quality_json(struct buf *out, const struct quality_ask *ask, const struct device *d)
{
    struct sums sums = {{0}, {0}, 0};
    size_t i;
    json_t *entry, *row = load(ask->reader, d->id);
    if (!row)
        return ERR_NOMEM;
    const json_t *days = json_object_get(row, "days");
    json_array_foreach(days, i, entry)
    {
        if (in_span(ask, entry))
            sum_day(&sums, entry);
    }
    const struct site *site = site_get(ask->sites, d->site);
    buf_fmt(out, "{\"id\":%u", d->id.v);
    text(out, "code", span_cstr(d->code));
    text(out, "name", span_cstr(d->name));
    text(out, "protocol", span_cstr(d->protocol));
    vendor_json(out, ask->reader, d->id);
    if (site) {
        buf_fmt(out, ",\"site\":{\"id\":%u,\"name\":", site->id.v);
        buf_json(out, span_cstr(site->name));
        buf_text(out, "}");
    } else {
        buf_text(out, ",\"site\":null");
    }
    counts_json(out, &sums);
    learned_json(out, ask, d->site);
    if (ask->full) {
        kinds_json(out, &sums, json_object_get(row, "samples"));
        days_json(out, ask, days);
    }
    buf_text(out, "}");
    json_decref(row);
    return OK;
}
