/* SPDX-License-Identifier: Apache-2.0 */
/* Which plates fit a part of one, or a misread of it (模糊号牌).
 *
 * Definition  plates that match the pattern; with misread = one also those that
 *             differ from it in one written character. Each is weighed with the
 *             chance that a camera reads this plate where that one was shown
 *             (confusion table of model/plate.h); an exact match weighs 1.
 * Pitfalls    a witness errs otherwise than a camera; a plate that passes often is
 *             likelier to be right than one read once, so look at the passes;
 *             partial reads ('?' in the record) are listed as they were read.
 * Source      the national query needs (exact and fuzzy plate), confusion table of
 *             docs/plates.md.
 * Cost        one scan of the plates a written character.
 */
#include "analysis/question.h"

#include <stdlib.h>

static const struct question_word misreads[] = {
    {"none", "只要匹配的", "only what matches"},
    {"one", "另含一个字符误读", "also with one character misread"},
    {0},
};

enum { PATTERN, MISREAD, LEAST };
static const struct question_param params[] = {
    [PATTERN] =
        {"plate", ASK_PATTERN, true, 0, 0, NULL, "", NULL, "号牌（可用 ? *）",
         "plate, or part of one with ? and *"},
    [MISREAD] =
        {"misread", ASK_WORD, false, 0, 0, "none", "", misreads, "误读", "misreads"},
    [LEAST] =
        {"passes", ASK_NUMBER, false, 1, 100000, "1", "", NULL, "至少过车次数",
         "at least so many passes"},
    {0},
};

enum { PLATE, PASSES, WEIGHT, CHANGED, FIRST, LAST, LAST_SITE, KNOWN };
static const struct question_column columns[] = {
    [PLATE] = {"plate", COL_PLATE, "", "号牌", "plate"},
    [PASSES] = {"passes", COL_COUNT, "", "过车", "passes"},
    [WEIGHT] = {"weight", COL_NUMBER, "", "误读可能性权重", "weight of the misread"},
    [CHANGED] = {"differs", COL_WORD, "", "所差字符", "character that differs"},
    [FIRST] = {"first_ms", COL_TIME, "", "首次时间", "first pass"},
    [LAST] = {"last_ms", COL_TIME, "", "最近时间", "last pass"},
    [LAST_SITE] = {"last_site", COL_SITE, "", "最近点位", "last site"},
    [KNOWN] = {"registered", COL_WORD, "", "是否登记", "registered"},
    {0},
};

struct match {
    struct plate plate;
    uint32_t n;
    uint8_t at; /* character that differs, from 1; 0 none */
    uint8_t real;
    double weight;
};
struct matches {
    struct match *p;
    size_t n, room;
};

static int
by_plate(const void *x, const void *y)
{
    const struct match *a = x, *b = y;
    if (a->plate.v != b->plate.v)
        return a->plate.v < b->plate.v ? -1 : 1;
    return (a->weight < b->weight) - (a->weight > b->weight);
}

static int
by_weight(const void *x, const void *y)
{
    const struct match *a = x, *b = y;
    if (a->weight < b->weight || a->weight > b->weight)
        return a->weight > b->weight ? -1 : 1;
    if (a->n != b->n)
        return a->n > b->n ? -1 : 1;
    return (a->plate.v > b->plate.v) - (a->plate.v < b->plate.v);
}

/* The pattern with its written character i open; false where nothing is written. */
static bool
open_at(const struct plate_pattern *p, unsigned i, struct plate_pattern *out)
{
    if (p->code[i] == PLATE_CODE_UNREAD || p->code[i] == PLATE_CODE_RUN)
        return false;
    *out = *p;
    out->code[i] = PLATE_CODE_UNREAD;
    out->exact = false;
    out->lo = out->hi = PLATE_NONE;
    unsigned k = 0;
    for (; k < out->n && k < PLATE_CHARS && out->code[k] != PLATE_CODE_UNREAD &&
           out->code[k] != PLATE_CODE_RUN;
         k++)
        out->lo = plate_with(out->lo, k, out->code[k]);
    out->hi.v = out->lo.v | ((UINT64_C(1) << (63 - 7 * k)) - 1);
    return true;
}

/* Position of pattern character i in a plate that matches it: behind a run it counts
 * from the end. */
static unsigned
place_of(const struct plate_pattern *p, unsigned i, struct plate plate)
{
    for (unsigned k = 0; k < i; k++)
        if (p->code[k] == PLATE_CODE_RUN)
            return plate_length(plate) - (p->n - i);
    return i;
}

static enum err
gather(
    struct question_call *c, const struct plate_pattern *p, unsigned at,
    struct matches *m)
{
    const struct plate_pattern *asked = &c->v[PATTERN].pattern;
    struct analysis_count *rows;
    size_t n;
    enum err e =
        c->needs->plates(c->needs->ctx, p, c->from, c->to, c->arena, &rows, &n);
    for (size_t i = 0; e == OK && i < n; i++) {
        void *q = m->p;
        struct match x = {.plate = rows[i].plate, .n = rows[i].n, .weight = 1};
        if (rows[i].n < c->v[LEAST].number)
            continue;
        if (at && !plate_pattern_match(asked, x.plate)) {
            unsigned real = asked->code[at - 1];
            unsigned got = plate_at(x.plate, place_of(asked, at - 1, x.plate));
            x.at = (uint8_t)at;
            x.real = (uint8_t)real;
            x.weight = plate_confusion(real, got);
        }
        if (x.weight <= 0)
            continue;
        if (!question_grow(c->arena, &q, &m->room, m->n, sizeof x))
            return ERR_TOOBIG;
        m->p = q;
        m->p[m->n++] = x;
    }
    return e;
}

/* Each plate once, with its best weight; the likeliest first. */
static void
settle(struct matches *m)
{
    if (m->n == 0)
        return;
    size_t k = 0;
    qsort(m->p, m->n, sizeof *m->p, by_plate);
    for (size_t i = 1; i < m->n; i++)
        if (!plate_eq(m->p[i].plate, m->p[k].plate))
            m->p[++k] = m->p[i];
    m->n = k + 1;
    qsort(m->p, m->n, sizeof *m->p, by_weight);
}

#define DATED 1000 /* rows whose first and last pass are looked up */
#define PASSES_MAX 100000

static enum err
say(struct question_call *c, const struct match *x, bool dated)
{
    enum err e = OK;
    struct analysis_rows rows = {0};
    const struct plate_pattern *p = &c->v[PATTERN].pattern;
    union question_cell *row = question_row(c, &e);
    if (!row)
        return e;
    row[PLATE].plate = x->plate;
    row[PASSES].n = x->n;
    row[WEIGHT].x = x->weight;
    row[CHANGED].word = SPAN("");
    row[KNOWN].word = SPAN("");
    if (x->at) {
        unsigned got = plate_at(x->plate, place_of(p, x->at - 1u, x->plate));
        row[CHANGED].word = arena_fmt(
            c->arena, "%s->%s", plate_code_text(x->real), plate_code_text(got));
    }
    if (c->needs->registry)
        row[KNOWN].word =
            vehicle_find(c->needs->registry, x->plate, 0) ? SPAN("yes") : SPAN("no");
    if (!dated)
        return OK;
    struct arena arena;
    arena_init(&arena, c->arena->cap);
    e = c->needs->by_plate(
        c->needs->ctx, x->plate, c->from, c->to, PASSES_MAX, &arena, &rows);
    if (e == OK && rows.n) {
        row[FIRST].at = rows.rows[0].pass_ms;
        row[LAST].at = rows.rows[rows.n - 1].pass_ms;
        row[LAST_SITE].site = rows.rows[rows.n - 1].site;
    }
    arena_release(&arena);
    return e;
}

static enum err
answer(struct question_call *c)
{
    const struct plate_pattern *p = &c->v[PATTERN].pattern;
    struct matches m = {0};
    bool fuzzy = span_eq_cstr(c->v[MISREAD].text, "one");
    enum err e = gather(c, p, 0, &m);
    for (unsigned i = 0; e == OK && fuzzy && i < p->n; i++) {
        struct plate_pattern open;
        if (open_at(p, i, &open))
            e = gather(c, &open, i + 1, &m);
    }
    settle(&m);
    for (size_t i = 0; e == OK && i < m.n && !c->out->more; i++)
        e = say(c, &m.p[i], i < DATED);
    return e;
}

const struct question question_plate_like = {
    .name = "plate_like",
    .title = {"模糊号牌", "partial and misread plates"},
    .what =
        {"符合部分号牌、或与之相差一个误读字符的号牌，按误读可能性与过车次数排列",
         "plates that fit a part of one, or differ from it by one misread character, "
         "the likeliest first"},
    .pitfall =
        {"目击者的记错不同于相机的误读；只读到一次的号牌本身可能就是误读",
         "a witness errs otherwise than a camera; a plate that was read once may "
         "itself be a misread"},
    .params = params,
    .columns = columns,
    .days_max = 31,
    .seconds = 60,
    .answer = answer,
};
