/* SPDX-License-Identifier: Apache-2.0 */
/* Mending: what was JSON stays JSON, and mending twice changes nothing more. */
#include "core/err.h"
#include "feeds/json_dom.h"
#include "feeds/json_mend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_json(struct dom *d, struct buf *b)
{
    struct dom_node root;
    enum dom_fault fault;
    size_t n = b->n;
    uint8_t *pad = buf_room(b, DOM_PAD);
    must(pad != NULL);
    memset(pad, 0, DOM_PAD);
    return dom_parse(d, span_of(b->p, n), &root, &fault) == OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf raw = {0}, once = {0}, twice = {0};
    struct dom *d = dom_new();
    must(d != NULL);
    buf_put(&raw, data, size);
    bool before = is_json(d, &raw);
    json_mend(span_of(data, size), &once);
    if (before)
        must(is_json(d, &once));
    json_mend(span_of(once.p, once.n), &twice);
    must(!before || span_eq(span_of(once.p, once.n), span_of(twice.p, twice.n)));
    dom_free(d);
    buf_release(&raw);
    buf_release(&once);
    buf_release(&twice);
    return 0;
}
