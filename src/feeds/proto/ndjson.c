/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/v1/sightings: one sighting a line, keys as in the CSV. The answer counts
 * what became of the lines and names those that were refused. The smallest whole feed:
 * imitate this one. */
#include "feeds/feed.h"
#include "feeds/loose.h"
#include "feeds/pass_text.h"
#include "feeds/taken.h"

#include <stdlib.h>

struct tables {
    struct dom_keys keys;
    struct pass_reader *reader;
};

static void
close_tables(void *own)
{
    struct tables *t = own;
    pass_reader_free(t->reader);
    free(t);
}

static void *
open_tables(void)
{
    struct tables *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    dom_keys_init(&t->keys, pass_names, PASS_KEYS);
    t->reader = pass_reader_new();
    if (t->reader)
        return t;
    close_tables(t);
    return NULL;
}

/* Decimal text of an integer at the end of scratch; a number is then read as its column
 * would be. */
static struct span
int_text(int64_t v, char *scratch)
{
    char *end = scratch + LOOSE_TEXT, *p = end;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do
        *--p = (char)('0' + u % 10);
    while (u /= 10);
    if (v < 0)
        *--p = '-';
    return span_of(p, (size_t)(end - p));
}

/* Texts of all members; numbers lie in scratch. False: one has a NUL inside. */
static bool
texts_of(
    const struct dom_value *v, struct feed_faults *faults, char scratch[][LOOSE_TEXT],
    struct span *fields)
{
    struct feed_faults quiet;
    feed_faults_clear(&quiet);
    for (size_t k = 0; k < PASS_KEYS; k++) {
        fields[k] = v[k].type == DOM_TEXT ? v[k].s : (struct span){NULL, 0};
        if (!loose_whole(pass_names[k], faults, &fields[k]))
            return false;
        if (v[k].type == DOM_INT)
            fields[k] = int_text(v[k].i, scratch[k]);
        else if (v[k].type == DOM_LIST || v[k].type == DOM_OBJECT)
            feed_fault(faults, FAULT_BAD_CODE, pass_names[k], fields[k]);
        else if (v[k].type != DOM_NONE && v[k].type != DOM_TEXT) /* no fault here */
            (void)loose_text(&v[k], pass_names[k], &quiet, scratch[k], &fields[k]);
    }
    return true;
}

static uint8_t
one_line(
    struct feed_run *run, struct span line, const struct pass_from *from,
    struct feed_out *out)
{
    const struct tables *t = run->own;
    struct dom_node root;
    enum dom_fault fault;
    struct dom_value v[PASS_KEYS];
    struct span fields[PASS_KEYS];
    char scratch[PASS_KEYS][LOOSE_TEXT];
    bool other_case = false;
    if (dom_parse(run->dom, line, &root, &fault) != OK) {
        enum feed_fault why = fault == DOM_BAD_UTF8 ? FAULT_NOT_UTF8 : FAULT_NOT_JSON;
        feed_fault(&out->faults, why, "line", line);
        return (uint8_t)(why + 1);
    }
    if (dom_type_of(root) != DOM_OBJECT) {
        feed_fault(&out->faults, FAULT_NOT_OBJECT, "line", line);
        return FAULT_NOT_OBJECT + 1;
    }
    dom_fields(root, &t->keys, v, &other_case);
    if (!texts_of(v, &out->faults, scratch, fields))
        return FAULT_NUL_BYTE + 1;
    struct pass_refusal why;
    switch (pass_read(t->reader, fields, from, out->batch, &out->faults, &why)) {
    case OK:
        return 0;
    case ERR_INPUT:
        return (uint8_t)(why.fault + 1);
    default:
        feed_fault(&out->faults, FAULT_TOO_BIG, "line", (struct span){NULL, 0});
        return FAULT_TOO_BIG + 1;
    }
}

static size_t
count_lines(struct span body)
{
    size_t n = 0;
    while (body.n) {
        struct span line = span_cut(&body, '\n');
        n += span_trim(line).n > 0;
    }
    return n;
}

extern const struct feed feed_ndjson; /* below */

static void
take_lines(struct feed_run *run, const struct feed_in *in, struct feed_out *out)
{
    struct pass_from from = {run->needs, in->zone,        in->device,
                             in->site,   in->device_code, in->now_ms};
    struct span body = in->body;
    for (uint32_t number = 1; body.n; number++) {
        struct span line = span_trim(span_cut(&body, '\n'));
        if (number == 1 && span_starts(line, SPAN("\xEF\xBB\xBF")))
            line = span_skip(line, 3);
        if (line.n == 0)
            continue;
        struct feed_object *o = &out->objects[out->objects_n++];
        *o = (struct feed_object){.row = FEED_NO_ROW, .line = number};
        size_t before = out->batch->n;
        if (out->objects_n > feed_ndjson.objects_max) {
            feed_fault(&out->faults, FAULT_TOO_MANY, "line", (struct span){NULL, 0});
            o->fault = FAULT_TOO_MANY + 1;
            continue;
        }
        o->fault = one_line(run, line, &from, out);
        if (o->fault)
            continue;
        o->row = (uint32_t)before;
        o->rows = 1;
        o->id = out->batch->rows[before].record_id;
    }
}

static enum err
decode(struct feed_run *run, const struct feed_in *in, struct feed_out *out)
{
    if (in->method != FEED_POST) {
        feed_fault(&out->faults, FAULT_UNSUPPORTED, "method", (struct span){NULL, 0});
        out->what = FEED_REFUSED;
        return OK;
    }
    size_t lines = count_lines(in->body);
    size_t rows = lines < feed_ndjson.objects_max ? lines : feed_ndjson.objects_max;
    out->what = FEED_PASSES;
    out->objects = arena_array(out->arena, lines + 1, sizeof *out->objects);
    out->batch = sighting_batch_new(rows, in->body.n + rows * 512 + (1u << 16));
    if (!out->objects || !out->batch)
        return ERR_NOMEM;
    take_lines(run, in, out);
    return OK;
}

static void
reply(
    const struct feed_in *in, const struct feed_out *out,
    const struct feed_about *about, struct buf *body, struct feed_reply *head)
{
    (void)in;
    taken_reply(out, about, body, head);
}

const struct feed feed_ndjson = {
    .name = "ndjson",
    .zh = "过车记录逐行 JSON 接口",
    .en = "sightings, one JSON object a line",
    .standard = "tongqu-json(5)",
    .clause = "sighting",
    .transport = FEED_HTTP,
    .path = "/api/v1/sightings",
    .body_max = 8u << 20,
    .objects_max = 100000,
    .overflow = FEED_BUSY,
    .open = open_tables,
    .close = close_tables,
    .decode = decode,
    .reply = reply,
};
