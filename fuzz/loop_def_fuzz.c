/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a definition: refused with a note in both languages, or read, and then
 * it can be checked, shown, and worked: a matter is opened and its rungs fire, whatever
 * the file says. */
#include <stdlib.h>

#include "loops/loop_def.h"
#include "loops/matter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
nobody(void *ctx, const struct loop_finding *f)
{
    (void)ctx;
    must(f->zh[0] && f->en[0]);
}

static void
work(const struct loop_def *d)
{
    struct loops_env env = {.now = INT64_C(1780286400000)};
    struct matter m = {0};
    struct buf event = {0};
    struct matter_actor by = {{1}, 255, {1}, {1}};
    struct matter_opening o = {
        .id = {1}, .code = SPAN("T"), .title = SPAN("t"), .org = {1}, .inputs = true};
    must(matter_open(d, &o, NULL, &env, &event, NULL) == OK);
    must(matter_apply(&m, d, span_of(event.p, event.n)) == OK);
    for (unsigned i = 0; i < 4u * d->moves_n + 4; i++) {
        buf_clear(&event);
        if (i % 4 == 3 && matter_due(&m) != INT64_MAX) {
            env.now = matter_due(&m) > env.now ? matter_due(&m) : env.now;
            must(matter_fire(&m, &env, &event) == OK && event.n);
        } else if (i / 4 < d->moves_n) {
            struct span name = span_cstr(d->moves[i / 4].name);
            if (matter_move(&m, name, m.seq, NULL, &by, &env, &event, NULL) != OK)
                continue;
        }
        if (event.n)
            must(matter_apply(&m, NULL, span_of(event.p, event.n)) == OK);
    }
    buf_clear(&event);
    matter_moves_json(&event, &m, &by, &env);
    matter_clocks_json(&event, &m, env.now);
    matter_release(&m);
    buf_release(&event);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct loop_def *d = NULL;
    struct note note = {0};
    if (loop_def_parse(span_of(data, size), "f.yaml", &d, &note) != OK) {
        must(note.zh[0] && note.en[0] && !d);
        return 0;
    }
    struct buf out = {0};
    loop_lint(d, nobody, NULL);
    loop_def_json(&out, d);
    loop_def_diagram(&out, d, true);
    buf_release(&out);
    work(d);
    loop_def_free(d);
    return 0;
}
