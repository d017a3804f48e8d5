/* SPDX-License-Identifier: Apache-2.0 */
/* The machine: finds the row, lends it the thread's parser, repairs texts that are no
 * UTF-8. */
#include "feeds/feed.h"

#include "core/text.h"
#include "feeds/json_mend.h"

#include <stdlib.h>
#include <strings.h>

struct feeds {
    const struct feed_needs *needs;
    struct dom *dom;
    struct buf scratch[2];
    size_t rows;
    void **own; /* one a row */
};

static size_t
row_count(void)
{
    size_t n = 0;
    while (feed_rows[n])
        n++;
    return n;
}

struct feeds *
feeds_new(const struct feed_needs *needs)
{
    struct feeds *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->needs = needs;
    f->rows = row_count();
    f->own = calloc(f->rows + 1, sizeof *f->own);
    f->dom = dom_new();
    bool whole = f->own && f->dom;
    for (size_t i = 0; whole && i < f->rows; i++) {
        if (!feed_rows[i]->open)
            continue;
        f->own[i] = feed_rows[i]->open();
        whole = f->own[i] != NULL;
    }
    if (whole)
        return f;
    feeds_free(f);
    return NULL;
}

void
feeds_free(struct feeds *f)
{
    if (!f)
        return;
    for (size_t i = 0; f->own && i < f->rows; i++)
        if (f->own[i])
            feed_rows[i]->close(f->own[i]);
    free(f->own);
    dom_free(f->dom);
    buf_release(&f->scratch[0]);
    buf_release(&f->scratch[1]);
    free(f);
}

const struct feed *
feed_find(struct span path)
{
    for (size_t i = 0; feed_rows[i]; i++) {
        struct span own = span_cstr(feed_rows[i]->path);
        if (path.n >= own.n && strncasecmp(path.p, own.p, own.n) == 0)
            return feed_rows[i];
    }
    return NULL;
}

void
feed_out_init(struct feed_out *out, struct arena *arena)
{
    memset(out, 0, offsetof(struct feed_out, faults));
    feed_faults_clear(&out->faults);
    out->arena = arena;
}

void
feed_out_release(struct feed_out *out)
{
    sighting_batch_free(out->batch);
    out->batch = NULL;
}

enum err
feed_decode(
    struct feeds *f, const struct feed *row, const struct feed_in *in,
    struct feed_out *out)
{
    size_t i = 0;
    while (feed_rows[i] != row)
        must(feed_rows[i++] != NULL);
    struct feed_run run = {
        .dom = f->dom, .scratch = f->scratch, .own = f->own[i], .needs = f->needs};
    enum err e = row->decode(&run, in, out);
    return run.late ? ERR_TIMEOUT : e;
}

enum sighting_fate
feed_fate(const struct feed_out *out, const struct feed_object *o)
{
    enum sighting_fate worst = FATE_STORED;
    for (uint32_t i = 0; i < o->rows; i++) {
        enum sighting_fate fate = (enum sighting_fate)out->batch->fate[o->row + i];
        worst = fate > worst ? fate : worst;
    }
    return worst;
}

/* ---- texts ---- */

/* s with every byte that is no UTF-8 replaced. */
static void
replace_bad(struct span s, struct buf *out)
{
    while (s.n) {
        size_t step = utf8_step(s);
        if (step)
            buf_put(out, s.p, step);
        else
            buf_put(out, "\xEF\xBF\xBD", 3);
        s = span_skip(s, step ? step : 1);
    }
}

/* More whole multi-byte characters than stray bytes: UTF-8 that was damaged, not
 * another code. */
static bool
mostly_utf8(struct span s)
{
    size_t whole = 0, stray = 0;
    while (s.n) {
        size_t step = utf8_step(s);
        whole += step > 1;
        stray += step == 0;
        s = span_skip(s, step ? step : 1);
    }
    return whole > stray;
}

/* Closes a text in the scratch buffer with the padding that parsing needs. */
static struct span
padded(struct buf *b)
{
    size_t n = b->n;
    uint8_t *pad = buf_room(b, DOM_PAD);
    if (!pad)
        return (struct span){NULL, 0};
    memset(pad, 0, DOM_PAD);
    return span_of(b->p, n);
}

/* Makes UTF-8 of a body that is none: GB18030 if it is that, else with its bad bytes
 * marked. */
static struct span
repair_utf8(struct feed_run *run, struct feed_out *out, struct span text)
{
    struct buf *b = &run->scratch[0];
    buf_clear(b);
    struct note note;
    if (!mostly_utf8(text) && gb18030_decode(text, b, &note) == OK) {
        feed_fault(&out->faults, FAULT_GB18030, "body", (struct span){NULL, 0});
    } else {
        buf_clear(b);
        feed_fault(&out->faults, FAULT_NOT_UTF8, "body", (struct span){NULL, 0});
        replace_bad(text, b);
    }
    return padded(b);
}

static struct span
mend(struct feed_run *run, struct span text)
{
    struct buf *b = &run->scratch[1];
    buf_clear(b);
    json_mend(text, b);
    return padded(b);
}

bool
feed_json_mended(struct feed_run *run, struct span text, struct dom_node *root)
{
    enum dom_fault fault;
    if (dom_parse(run->dom, mend(run, text), root, &fault) != OK)
        return false;
    enum dom_type type = dom_type_of(*root);
    return type == DOM_OBJECT ||
           type == DOM_LIST; /* else a word in quotes: no JSON at all */
}

bool
feed_json(
    struct feed_run *run, const struct feed_in *in, struct feed_out *out,
    struct span *text, struct dom_node *root, enum dom_fault *fault)
{
    *text = text_skip_bom(in->body);
    enum err e = dom_parse(run->dom, *text, root, fault);
    run->late = e != OK && in->hurried;
    if (run->late)
        return false;
    if (e != OK && *fault == DOM_BAD_UTF8) {
        *text = repair_utf8(run, out, *text);
        e = dom_parse(run->dom, *text, root, fault);
    }
    if (e == OK)
        return true;
    feed_fault(&out->faults, FAULT_NOT_JSON, "body", *text);
    if (!feed_json_mended(run, *text, root))
        return false;
    feed_fault(&out->faults, FAULT_MENDED, "body", (struct span){NULL, 0});
    return true;
}
