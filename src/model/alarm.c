/* SPDX-License-Identifier: Apache-2.0 */
/* The stored form is a version byte, then fields in the order of the struct; counts
 * stand before their lists. A reader refuses what it does not know. */
#include "model/alarm.h"

#include <stdio.h>

#include "core/cur.h"
#include "model/site.h"

#define FORM 2 /* 1 had no settings */

#define N(key) #key,
static const char *const number_keys[] = {
#include "model/alarm_numbers.def"
};
#undef N
#define NUMBER_KEYS (sizeof number_keys / sizeof number_keys[0])

static unsigned
number_key(const char *name)
{
    unsigned i = 0;
    while (i < NUMBER_KEYS && strcmp(number_keys[i], name) != 0)
        i++;
    return i;
}

static const char *
state_name(uint8_t state)
{
    static const char *const names[] = {"raised", "revised", "withdrawn"};
    return state < 3 ? names[state] : "raised";
}

static const char *
level_name(uint8_t level)
{
    static const char *const names[] = {"blue", "blue", "yellow", "orange", "red"};
    return level < 5 ? names[level] : "blue";
}

static void
json_text(struct buf *out, const char *key, const char *text)
{
    buf_fmt(out, ",\"%s\":", key);
    buf_json(out, span_cstr(text));
}

static void
json_plate(struct buf *out, const char *key, struct plate p)
{
    char text[PLATE_TEXT];
    json_text(out, key, plate_format(text, p));
}

static void
json_contradiction(struct buf *out, uint8_t bits)
{
    static const char *const names[] = {
        "vehicle_color", "vehicle_class", "brand", "plate_color", "unregistered"};
    const char *comma = "";
    buf_text(out, ",\"contradiction\":[");
    for (unsigned i = 0; i < 5; i++)
        if (bits >> i & 1) {
            buf_fmt(out, "%s\"%s\"", comma, names[i]);
            comma = ",";
        }
    buf_text(out, "]");
}

static void
json_evidence(struct buf *out, const struct alarm *a)
{
    buf_text(out, ",\"evidence\":[");
    for (unsigned i = 0; i < a->evidence_n && i < ALARM_EVIDENCE; i++) {
        char id[SIGHTING_ID_TEXT];
        buf_fmt(
            out, "%s{\"id\":\"%s\",\"role\":%u", i ? "," : "",
            sighting_id_format(id, a->evidence[i].id), a->evidence[i].role);
        json_text(out, "record_id", a->evidence[i].record_id);
        json_plate(out, "read", a->evidence[i].read);
        buf_text(out, "}");
    }
    buf_text(out, "]");
}

static void
json_numbers(struct buf *out, const struct alarm *a)
{
    buf_text(out, ",\"numbers\":[");
    for (unsigned i = 0; i < a->numbers_n && i < ALARM_NUMBERS; i++)
        buf_fmt(
            out, "%s{\"name\":\"%s\",\"value\":%.10g}", i ? "," : "",
            a->numbers[i].name, a->numbers[i].value);
    buf_text(out, "]");
}

void
alarm_json(struct buf *out, const struct alarm *a, const struct site_table *sites)
{
    const struct site *site = sites ? site_get(sites, a->site) : NULL;
    buf_fmt(
        out, "{\"id\":\"%016llx\",\"kind\":\"%s\",\"state\":\"%s\",\"level\":\"%s\"",
        (unsigned long long)a->id.v, a->rule, state_name(a->state),
        level_name(a->level));
    buf_fmt(
        out, ",\"time_ms\":%lld,\"late_ms\":%lld,\"probability\":%.4f,\"stop\":%s",
        (long long)a->pass_ms, (long long)(a->late_us / 1000), a->probability,
        a->stop ? "true" : "false");
    json_contradiction(out, a->contradiction);
    json_plate(out, "plate", a->plate);
    json_plate(out, "read", a->read);
    buf_fmt(out, ",\"plate_color\":%u,\"site_id\":%u", a->plate_color, a->site.v);
    json_text(out, "site", site ? site->code : "");
    buf_fmt(out, ",\"watch\":%llu", (unsigned long long)a->watch);
    json_text(out, "watch_code", a->watch_code);
    json_text(out, "subject", a->subject);
    json_evidence(out, a);
    json_numbers(out, a);
    buf_fmt(
        out,
        ",\"passage\":\"%016llx\",\"model\":%u,\"settings\":%u,\"registry_version\":%"
        "llu,"
        "\"watch_version\":%llu,\"lsn\":%llu}",
        (unsigned long long)a->passage, a->model, a->settings,
        (unsigned long long)a->registry_version, (unsigned long long)a->watch_version,
        (unsigned long long)a->lsn);
}

/* ---- stored form ---- */

static void
put_double(struct buf *out, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    buf_le(out, bits, 8);
}

static double
get_double(struct cur *c)
{
    uint64_t bits = cur_u64_le(c);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

void
alarm_encode(struct buf *out, const struct alarm *a)
{
    must(a->evidence_n <= ALARM_EVIDENCE && a->numbers_n <= ALARM_NUMBERS);
    buf_u8(out, FORM);
    buf_le(out, a->id.v, 8);
    buf_span(out, span_cstr(a->rule));
    buf_u8(out, a->state);
    buf_u8(out, a->level);
    buf_u8(out, a->contradiction);
    buf_u8(out, a->stop);
    buf_le(out, a->plate.v, 8);
    buf_le(out, a->read.v, 8);
    buf_u8(out, a->plate_color);
    buf_varint(out, a->site.v);
    buf_varint(out, zigzag_encode(a->pass_ms));
    buf_varint(out, zigzag_encode(a->late_us));
    put_double(out, a->probability);
    buf_varint(out, a->watch);
    buf_span(out, span_cstr(a->watch_code));
    buf_span(out, span_cstr(a->subject));
    buf_u8(out, a->evidence_n);
    for (unsigned i = 0; i < a->evidence_n; i++) {
        buf_varint(out, zigzag_encode(a->evidence[i].id.pass_ms));
        buf_varint(out, a->evidence[i].id.site);
        buf_le(out, a->evidence[i].id.tag, 4);
        buf_span(out, span_cstr(a->evidence[i].record_id));
        buf_le(out, a->evidence[i].read.v, 8);
        buf_u8(out, a->evidence[i].role);
    }
    buf_u8(out, a->numbers_n);
    for (unsigned i = 0; i < a->numbers_n; i++) {
        unsigned key = number_key(a->numbers[i].name);
        must(key < NUMBER_KEYS);
        buf_u8(out, (uint8_t)key);
        put_double(out, a->numbers[i].value);
    }
    buf_le(out, a->passage, 8);
    buf_varint(out, a->model);
    buf_varint(out, a->settings);
    buf_varint(out, a->registry_version);
    buf_varint(out, a->watch_version);
    buf_varint(out, a->lsn);
}

static void
get_text(struct cur *c, char *dst, size_t cap)
{
    if (!span_copy(dst, cap, cur_span(c)))
        c->bad = true;
}

static void
get_lists(struct cur *c, struct alarm *a)
{
    a->evidence_n = cur_u8(c);
    if (a->evidence_n > ALARM_EVIDENCE)
        c->bad = true;
    for (unsigned i = 0; !c->bad && i < a->evidence_n; i++) {
        a->evidence[i].id.pass_ms = zigzag_decode(cur_varint(c));
        a->evidence[i].id.site = (uint32_t)cur_varint(c);
        a->evidence[i].id.tag = cur_u32_le(c);
        get_text(c, a->evidence[i].record_id, ALARM_RECORD_ID);
        a->evidence[i].read.v = cur_u64_le(c);
        a->evidence[i].role = cur_u8(c);
    }
    a->numbers_n = cur_u8(c);
    if (a->numbers_n > ALARM_NUMBERS)
        c->bad = true;
    for (unsigned i = 0; !c->bad && i < a->numbers_n; i++) {
        unsigned key = cur_u8(c);
        if (key >= NUMBER_KEYS)
            c->bad = true;
        else
            a->numbers[i].name = number_keys[key];
        a->numbers[i].value = get_double(c);
    }
}

enum err
alarm_decode(struct span bytes, struct alarm *out)
{
    struct cur c = cur_of(bytes.p, bytes.n);
    struct alarm a = {0};
    uint8_t form = cur_u8(&c);
    if (form < 1 || form > FORM)
        return ERR_CORRUPT;
    a.id.v = cur_u64_le(&c);
    get_text(&c, a.rule, sizeof a.rule);
    a.state = cur_u8(&c);
    a.level = cur_u8(&c);
    a.contradiction = cur_u8(&c);
    a.stop = cur_u8(&c) != 0;
    a.plate.v = cur_u64_le(&c);
    a.read.v = cur_u64_le(&c);
    a.plate_color = cur_u8(&c);
    a.site.v = (uint32_t)cur_varint(&c);
    a.pass_ms = zigzag_decode(cur_varint(&c));
    a.late_us = zigzag_decode(cur_varint(&c));
    a.probability = get_double(&c);
    a.watch = cur_varint(&c);
    get_text(&c, a.watch_code, sizeof a.watch_code);
    get_text(&c, a.subject, sizeof a.subject);
    get_lists(&c, &a);
    a.passage = cur_u64_le(&c);
    a.model = (uint32_t)cur_varint(&c);
    if (form > 1)
        a.settings = (uint32_t)cur_varint(&c);
    a.registry_version = cur_varint(&c);
    a.watch_version = cur_varint(&c);
    a.lsn = cur_varint(&c);
    if (c.bad || cur_left(&c) != 0 || a.state > ALARM_WITHDRAWN)
        return ERR_CORRUPT;
    *out = a;
    return OK;
}
