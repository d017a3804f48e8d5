/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters first, so that a typing error is no look; then the look. */
#include "serve/asking.h"

struct run {
    const struct asking *ask;
    const struct zone *zone;
    struct question_value values[QUESTION_PARAMS];
    struct question_answer *out;
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
    return e;
}

enum err
asking_run(
    const struct house *house, struct ledger_reader *reader, const struct asking *ask,
    struct arena *arena, struct question_answer *out, struct look_row *row,
    bool *recorded, struct note *note)
{
    struct run run = {.ask = ask, .zone = &house->zone, .out = out};
    struct buf subject = {0};
    struct site_table *sites = house->sites(house->ctx);
    enum err e = question_read(
        ask->question, ask->given, ask->given_n, sites, &house->zone, arena, run.values,
        note);
    site_table_unref(sites);
    *recorded = false;
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
    return e;
}
