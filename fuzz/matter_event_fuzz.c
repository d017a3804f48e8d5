/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the journal of a matter under a fixed definition: events are a length
 * byte pair and so many bytes. What folds can be shown, and encodes to an event that
 * folds to the same. */
#include <stdlib.h>

#include "loops/matter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char paper[] =
    "loop: p\nversion: 1\nzh: 甲\nen: p\nprefix: P\n"
    "roles: {r: {zh: 甲, en: r, any_of: [{post: [duty]}]}}\n"
    "fields: {a: {zh: 甲, en: a, type: text}, n: {zh: 乙, en: n, type: number}, "
    "c: {zh: 丙, en: c, type: choice, options: {x: {zh: 丁, en: x, verdict: true}}}, "
    "f: {zh: 戊, en: f, type: files}, p: {zh: 己, en: p, type: point}, "
    "u: {zh: 庚, en: u, type: unit}, t: {zh: 辛, en: t, type: time}, "
    "b: {zh: 壬, en: b, type: flag}}\n"
    "states: {s: {zh: 甲, en: s, kind: start}, e: {zh: 乙, en: e, kind: terminal}}\n"
    "clocks: {k: {zh: 甲, en: k, budget: 1h, start_on: [s]}}\n"
    "moves: {m: {zh: 甲, en: m, from: [s], to: e, roles: [r], form: [c], do: [{count: "
    "c}, "
    "{notify: r}]}, o: {zh: 乙, en: o, from: [s], to: same, roles: [r], form: [a?, n?, "
    "f?, "
    "p?, t?, b?]}, d: {zh: 丙, en: d, from: [s], to: same, roles: [r], form: [u], "
    "do: [{dispatch: u}]}}\n"
    "ladders: {k: [{at: 50%, zh: 甲, en: r, do: [{climb: r}]}]}\n";

static const struct loop_def *
definition(void)
{
    static struct loop_def *d;
    struct note note = {0};
    if (!d)
        must(loop_def_parse(span_cstr(paper), "p", &d, &note) == OK);
    return d;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct matter_event e;
    const struct loop_def *d = definition();
    const struct loops_env env = {.now = INT64_C(1780286400000)};
    struct matter m = {0};
    struct cur c = cur_of(data, size);
    struct buf out = {0}, json = {0};
    while (!c.bad && cur_left(&c)) {
        size_t n = cur_u16_le(&c);
        const uint8_t *p = cur_take(&c, n < cur_left(&c) ? n : cur_left(&c));
        struct span event = span_of(p, p ? (size_t)(c.p - p) : 0);
        if (matter_event_decode(d, event, &e) != OK)
            continue;
        buf_clear(&out);
        matter_event_encode(&out, d, &e);
        must(matter_event_decode(d, span_of(out.p, out.n), &e) == OK);
        buf_clear(&json);
        matter_event_json(&json, d, &e, &env);
        enum err err = matter_apply(&m, m.def ? NULL : d, event);
        must(err == OK || err == ERR_CORRUPT);
    }
    if (m.def) {
        struct matter_actor by = {{1}, 255, {1}, {1}};
        buf_clear(&out);
        matter_fields_json(&out, &m);
        matter_clocks_json(&out, &m, env.now);
        matter_brief_json(&out, &m, &env);
        matter_moves_json(&out, &m, &by, &env);
        (void)matter_due(&m);
        (void)matter_mine(&m, &by, NULL);
    }
    matter_release(&m);
    buf_release(&out);
    buf_release(&json);
    return 0;
}
