/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters first, so that a typing error is no look; then the look. */
#include "serve/asking.h"

#include "serve/rows.h"

struct run {
    const struct asking *ask;
    const struct zone *zone;
    struct question_value values[QUESTION_PARAMS];
    struct question_answer *out;
    struct asking_passes *passes;
};

static void
subject_of(struct buf *out, const struct asking *ask, const struct zone *zone)
{
    char from[TS_TEXT], to[TS_TEXT];
    buf_fmt(out, "%s ", ask->question->name);
    for (size_t i = 0; i < ask->given_n; i++)
        buf_fmt(
            out, "%.*s=%.*s ", SPAN_ARG(ask->given[i].name),
            SPAN_ARG(ask->given[i].text));
    buf_fmt(
        out, "%s to %s", ts_format(from, ask->who.from_ms, zone),
        ts_format(to, ask->who.to_ms, zone));
}

/* ---- the passes behind the rows ---- */

static void
keep(struct asking_passes *p, size_t row, const struct sighting *s)
{
    struct sighting_id id = sighting_id_of(s);
    for (size_t i = p->n; i-- > 0 && p->row[i] == row;)
        if (sighting_id_eq(p->id[i], id))
            return;
    if (p->n == LOOK_IDS || !rows_has_picture(s))
        return;
    p->id[p->n] = id;
    p->row[p->n++] = (uint16_t)row;
}

static bool
has_site(
    const struct question *q, const union question_cell *cells, struct site_id site)
{
    for (size_t k = 0; q->columns[k].name; k++)
        if (q->columns[k].shape == COL_SITE && cells[k].site.v == site.v)
            return true;
    return false;
}

/* What this plate did at that instant at a site of the row, or (id given) that pass. */
static enum err
find_pass(
    const struct question_call *c, const union question_cell *cells, size_t row,
    struct plate plate, ts_ms at, const struct sighting_id *id, struct asking_passes *p)
{
    struct analysis_rows found = {0};
    enum err e =
        c->needs->by_plate(c->needs->ctx, plate, at, at + 1, 8, c->arena, &found);
    for (size_t i = 0; e == OK && i < found.n; i++) {
        const struct sighting *s = &found.rows[i];
        if (id ? sighting_id_eq(*id, sighting_id_of(s))
               : has_site(c->q, cells, s->site))
            keep(p, row, s);
    }
    return e;
}

static enum err
row_passes(
    const struct question_call *c, const union question_cell *cells, size_t row,
    struct plate plate, struct asking_passes *p)
{
    enum err e = OK;
    for (size_t k = 0; e == OK && c->q->columns[k].name; k++) {
        const union question_cell *x = &cells[k];
        enum question_shape shape = c->q->columns[k].shape;
        if (shape == COL_SIGHTING && x->id.site)
            e = find_pass(c, cells, row, plate, x->id.pass_ms, &x->id, p);
        else if (shape == COL_TIME && x->at)
            e = find_pass(c, cells, row, plate, x->at, NULL, p);
    }
    return e;
}

static enum err
answer_passes(const struct question_call *c, struct asking_passes *p)
{
    size_t columns = question_columns(c->q), plate = 0;
    enum err e = OK;
    while (plate < columns && c->q->columns[plate].shape != COL_PLATE)
        plate++;
    for (size_t i = 0; plate < columns && e == OK && i < c->out->n && i < ASKING_ROWS;
         i++) {
        const union question_cell *cells = &c->out->cells[i * columns];
        e = row_passes(c, cells, i, cells[plate].plate, p);
    }
    /* What cannot be found in time has no picture; the answer stands. */
    return e == ERR_TIMEOUT || e == ERR_TOOBIG ? OK : e;
}

void
asking_passes_json(struct buf *out, const struct asking_passes *p)
{
    size_t i = 0;
    buf_text(out, ",\"pictures\":[");
    for (size_t row = 0; p->n && row <= p->row[p->n - 1]; row++) {
        buf_text(out, row ? ",[" : "[");
        for (bool first = true; i < p->n && p->row[i] == row; i++, first = false) {
            char id[SIGHTING_ID_TEXT];
            buf_fmt(
                out, "%s\"%s\"", first ? "" : ",", sighting_id_format(id, p->id[i]));
        }
        buf_text(out, "]");
    }
    buf_text(out, "]");
}

/* ---- the look ---- */

static enum err
answer(
    void *arg, const struct look_permit *permit, const struct analysis_needs *needs,
    struct arena *arena, uint64_t *count, struct note *note)
{
    struct run *r = arg;
    struct question_call call = {
        .q = r->ask->question,
        .permit = permit,
        .needs = needs,
        .zone = r->zone,
        .from = r->ask->who.from_ms,
        .to = r->ask->who.to_ms,
        .limit = r->ask->limit,
        .v = r->values,
        .arena = arena,
        .out = r->out,
        .note = note,
    };
    enum err e = question_ask(&call);
    *count = e == OK ? r->out->n : 0;
    return e == OK ? answer_passes(&call, r->passes) : e;
}

enum err
asking_run(
    const struct house *house, struct ledger_reader *reader, const struct asking *ask,
    struct arena *arena, struct question_answer *out, struct asking_passes *passes,
    struct look_row *row, bool *recorded, struct note *note)
{
    struct run run = {.ask = ask, .zone = &house->zone, .out = out, .passes = passes};
    struct buf subject = {0};
    struct site_table *sites = house->sites(house->ctx);
    enum err e = question_read(
        ask->question, ask->given, ask->given_n, sites, &house->zone, arena, run.values,
        note);
    site_table_unref(sites);
    *recorded = false;
    passes->n = 0;
    if (e == OK)
        e = question_window(ask->question, ask->who.from_ms, ask->who.to_ms, note);
    if (e != OK)
        return e;
    struct look_request q = ask->who;
    subject_of(&subject, ask, &house->zone);
    q.kind = LOOK_ANALYSIS;
    q.subject = span_of(subject.p, subject.n);
    q.plate = PLATE_NONE;
    /* The permit reaches as far back as the question reads. */
    q.from_ms = question_reach(ask->question, run.values, q.from_ms);
    *recorded = !subject.bad;
    e = subject.bad ? ERR_NOMEM
                    : looks_through(
                          house, reader, &q, ask->question->seconds, answer, &run,
                          arena, row, note);
    buf_release(&subject);
    if (e == OK)
        look_scope_listed(&row->scope, passes->id, passes->n, ask->who.now_ms);
    return e;
}
