/* SPDX-License-Identifier: Apache-2.0 */
/* What is given is read against the row; then the permit, the row's function, and how
 * far "not seen" means "was not there". */
#include "analysis/question.h"

#include "analysis/plate_set.h"
#include "analysis/points.h"

#include <stdio.h>

#define LIST_MAX 512
#define READS_MAX 1000000 /* of one plate */

const char *
question_type_name(enum question_type t)
{
    static const char *const names[] = {
        [ASK_NUMBER] = "number",   [ASK_WORD] = "word",   [ASK_PLATES] = "plates",
        [ASK_PATTERN] = "pattern", [ASK_SITES] = "sites", [ASK_WINDOWS] = "windows",
    };
    return names[t];
}

const char *
question_shape_name(enum question_shape s)
{
    static const char *const names[] = {
        [COL_PLATE] = "plate", [COL_SITE] = "site",   [COL_TIME] = "time",
        [COL_SPAN] = "span",   [COL_COUNT] = "count", [COL_NUMBER] = "number",
        [COL_SHARE] = "share", [COL_WORD] = "word",   [COL_SIGHTING] = "sighting",
    };
    return names[s];
}

const struct question *
question_find(struct span name)
{
    for (const struct question *const *q = question_rows; *q; q++)
        if (span_eq_cstr(name, (*q)->name))
            return *q;
    return NULL;
}

size_t
question_columns(const struct question *q)
{
    size_t n = 0;
    while (q->columns[n].name)
        n++;
    must(n <= QUESTION_COLUMNS);
    return n;
}

/* ---- reading what was given ---- */

struct reader {
    const struct question_param *param;
    const struct site_table *sites;
    const struct zone *zone;
    struct arena *arena;
    struct note *note;
};

static enum err
read_number(struct reader *r, struct span text, struct question_value *out)
{
    const struct question_param *p = r->param;
    if (span_f64(text, &out->number) && out->number >= p->min && out->number <= p->max)
        return OK;
    return note_fmt(
        r->note, ERR_INPUT, p->name, "%s takes a number from %.10g to %.10g %s",
        "“%s”须为 %.10g 到 %.10g 之间的数 %s", p->name, p->min, p->max, p->unit);
}

static enum err
read_word(struct reader *r, struct span text)
{
    char all[200] = "";
    size_t n = 0;
    for (const struct question_word *w = r->param->words; w->name; w++) {
        if (span_eq_cstr(text, w->name))
            return OK;
        n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", n ? ", " : "", w->name);
        must(n < sizeof all);
    }
    return note_fmt(
        r->note, ERR_INPUT, r->param->name, "%s is one of %s", "“%s”须为 %s 之一",
        r->param->name, all);
}

/* The next piece of a list with blanks, commas or line breaks between. */
static struct span
next_piece(struct span *rest)
{
    size_t n = 0;
    *rest = span_trim(*rest);
    while (n < rest->n && !strchr(" ,\t\r\n", rest->p[n]))
        n++;
    struct span piece = span_of(rest->p, n);
    *rest = span_skip(*rest, n + (n < rest->n));
    return piece;
}

static enum err
how_many(struct reader *r, size_t n)
{
    const struct question_param *p = r->param;
    if ((double)n >= p->min && (double)n <= p->max)
        return OK;
    return note_fmt(
        r->note, ERR_INPUT, p->name, "%s takes %.0f to %.0f of them, not %zu",
        "“%s”须有 %.0f 至 %.0f 项，而不是 %zu 项", p->name, p->min, p->max, n);
}

static enum err
read_plates(struct reader *r, struct span text, struct question_value *out)
{
    out->plates = arena_array(r->arena, LIST_MAX, sizeof *out->plates);
    if (!out->plates)
        return ERR_TOOBIG;
    for (struct span piece; (piece = next_piece(&text)).n && out->n < LIST_MAX;) {
        bool differs;
        struct plate plate;
        (void)plate_parse(piece, &plate, &differs);
        if (!plate_is_askable(plate))
            return note_fmt(
                r->note, ERR_INPUT, r->param->name, "\"%.*s\" is not a whole plate",
                "“%.*s”不是完整号牌", SPAN_ARG(piece));
        out->plates[out->n++] = plate;
    }
    return how_many(r, out->n);
}

static enum err
read_sites(struct reader *r, struct span text, struct site_id **sites, size_t *n)
{
    *sites = arena_array(r->arena, LIST_MAX, sizeof **sites);
    if (!*sites)
        return ERR_TOOBIG;
    *n = 0;
    for (struct span piece; (piece = next_piece(&text)).n && *n < LIST_MAX;) {
        struct site_id id = site_find(r->sites, piece);
        if (id.v == 0)
            return note_fmt(
                r->note, ERR_INPUT, r->param->name,
                "there is no site with the code \"%.*s\"", "没有编码为“%.*s”的点位",
                SPAN_ARG(piece));
        (*sites)[(*n)++] = id;
    }
    return OK;
}

static enum err
read_window(struct reader *r, struct span text, struct question_window *w)
{
    static const char joins[] = {'+', '|', '-'};
    struct note ignored;
    struct span rest = text = span_trim(text);
    w->join = JOIN_ALL;
    for (unsigned i = 0; rest.n && i < 3; i++)
        if (rest.p[0] == joins[i]) {
            w->join = (enum question_join)i;
            rest = span_skip(rest, 1);
            break;
        }
    struct span codes = span_cut(&rest, '@'), from = span_cut(&rest, '/');
    memset(&ignored, 0, sizeof ignored);
    if (ts_parse(span_trim(from), r->zone, &w->from, &ignored) != OK ||
        ts_parse(span_trim(rest), r->zone, &w->to, &ignored) != OK || w->from >= w->to)
        return note_fmt(
            r->note, ERR_INPUT, r->param->name,
            "\"%.*s\" is no window: write CODE,CODE@FROM/TO with FROM before TO",
            "“%.*s”不是时空窗口：写作 点位,点位@起始/截止，起始须早于截止",
            SPAN_ARG(text));
    enum err e = read_sites(r, codes, &w->sites, &w->sites_n);
    if (e == OK && w->sites_n == 0)
        e = note_fmt(
            r->note, ERR_INPUT, r->param->name, "\"%.*s\" names no site",
            "“%.*s”没有点位", SPAN_ARG(text));
    return e;
}

static enum err
read_windows(struct reader *r, struct span text, struct question_value *out)
{
    enum err e = OK;
    size_t room = (size_t)r->param->max + 1;
    out->windows = arena_array(r->arena, room, sizeof *out->windows);
    if (!out->windows)
        return ERR_TOOBIG;
    while (e == OK && text.n && out->n < room) {
        struct span piece = span_trim(span_cut(&text, ';'));
        if (piece.n)
            e = read_window(r, piece, &out->windows[out->n++]);
    }
    return e == OK ? how_many(r, out->n) : e;
}

static enum err
read_pattern(struct reader *r, struct span text, struct question_value *out)
{
    if (plate_pattern_parse(text, &out->pattern))
        return OK;
    return note_fmt(
        r->note, ERR_INPUT, r->param->name,
        "\"%.*s\" is no part of a plate: ? is one character, * any number",
        "“%.*s”不是号牌或其一部分：? 代表一个字符，* 代表任意个字符", SPAN_ARG(text));
}

static enum err
read_value(struct reader *r, struct span text, struct question_value *out)
{
    out->text = arena_span(r->arena, text);
    if (!out->text.p)
        return ERR_TOOBIG;
    enum err e = OK;
    switch (r->param->type) {
    case ASK_NUMBER:
        return read_number(r, text, out);
    case ASK_WORD:
        return read_word(r, text);
    case ASK_PLATES:
        return read_plates(r, text, out);
    case ASK_PATTERN:
        return read_pattern(r, text, out);
    case ASK_SITES:
        e = read_sites(r, text, &out->sites, &out->n);
        return e == OK ? how_many(r, out->n) : e;
    case ASK_WINDOWS:
        return read_windows(r, text, out);
    }
    return OK;
}

static enum err
all_known(
    const struct question *q, const struct question_given *given, size_t n,
    struct note *note)
{
    for (size_t i = 0; i < n; i++) {
        const struct question_param *p = q->params;
        while (p->name && !span_eq_cstr(given[i].name, p->name))
            p++;
        if (!p->name)
            return note_fmt(
                note, ERR_INPUT, "params", "%s has no parameter \"%.*s\"",
                "“%s”没有参数“%.*s”", q->name, SPAN_ARG(given[i].name));
    }
    return OK;
}

enum err
question_read(
    const struct question *q, const struct question_given *given, size_t n,
    const struct site_table *sites, const struct zone *zone, struct arena *arena,
    struct question_value *out, struct note *note)
{
    struct reader r = {.sites = sites, .zone = zone, .arena = arena, .note = note};
    enum err e = all_known(q, given, n, note);
    for (size_t k = 0; e == OK && q->params[k].name; k++) {
        must(k < QUESTION_PARAMS);
        const struct question_param *p = r.param = &q->params[k];
        struct span text = span_cstr(p->initial);
        for (size_t i = 0; i < n; i++)
            if (span_eq_cstr(given[i].name, p->name) && span_trim(given[i].text).n)
                text = span_trim(given[i].text);
        out[k] = (struct question_value){0};
        if (text.n)
            e = read_value(&r, text, &out[k]);
        else if (p->required)
            e = note_fmt(
                note, ERR_INPUT, p->name, "fill in: %1$s", "请填写：%2$s", p->en,
                p->zh);
    }
    return e;
}

/* ---- asking ---- */

ts_ms
question_reach(const struct question *q, const struct question_value *v, ts_ms from)
{
    return q->back_ms ? from - q->back_ms(v) : from;
}

enum err
question_window(const struct question *q, ts_ms from, ts_ms to, struct note *note)
{
    if (from < to && to - from <= q->days_max * DAY_MS)
        return OK;
    return note_fmt(
        note, ERR_INPUT, "to_ms",
        "the window ends behind its beginning and is at most %d days wide",
        "时段须起早于止，且不超过 %d 天", q->days_max);
}

static enum err
over_budget(struct question_call *c, enum err e)
{
    if (e == ERR_TIMEOUT)
        return note_fmt(
            c->note, e, "to_ms",
            "the question was stopped after its %d seconds: narrow the window, the "
            "sites or the plates",
            "已达本问题 %d 秒的时间上限并停止：请缩小时段、点位或号牌范围",
            c->q->seconds);
    if (e == ERR_TOOBIG)
        return note_set(
            c->note, e, "to_ms",
            "the question needs more memory than it may take: narrow the window, the "
            "sites or the plates",
            "已达本问题的内存上限并停止：请缩小时段、点位或号牌范围");
    return e;
}

enum err
question_ask(struct question_call *c)
{
    ts_ms reach = question_reach(c->q, c->v, c->from);
    enum err e = look_permit_covers(c->permit, LOOK_ANALYSIS, reach, c->to, c->note);
    if (e != OK)
        return e;
    *c->out = (struct question_answer){0};
    e = question_window(c->q, c->from, c->to, c->note);
    if (e != OK)
        return e;
    const struct analysis_needs *store = c->needs;
    e = points_open(store, c->arena, &c->needs);
    if (e == OK)
        e = c->q->answer(c);
    c->needs = store;
    if (e == OK)
        e = coverage_of(store, c->from, c->to, c->arena, &c->out->coverage);
    return over_budget(c, e);
}

/* ---- for the rows ---- */

bool
question_grow(struct arena *arena, void **p, size_t *room, size_t n, size_t size)
{
    if (n < *room)
        return true;
    size_t more = *room ? *room * 2 : 256;
    void *q = arena_array(arena, more, size);
    if (!q)
        return false;
    if (n)
        memcpy(q, *p, n * size);
    *p = q;
    *room = more;
    return true;
}

union question_cell *
question_row(struct question_call *c, enum err *e)
{
    struct question_answer *a = c->out;
    size_t columns = question_columns(c->q);
    must(c->permit != NULL); /* question_ask() is the only way here */
    void *cells = a->cells;
    if (a->n >= c->limit) {
        a->more = true;
        return NULL;
    }
    if (!question_grow(c->arena, &cells, &a->room, a->n, columns * sizeof *a->cells)) {
        *e = ERR_TOOBIG;
        return NULL;
    }
    a->cells = cells;
    return a->cells + columns * a->n++;
}

void
question_fact(
    struct question_call *c, const char *name, const char *unit, double value,
    const char *zh, const char *en)
{
    must(c->out->facts_n < QUESTION_FACTS);
    c->out->facts[c->out->facts_n++] =
        (struct question_fact){name, unit, value, zh, en};
}

enum err
question_reads_of(
    struct question_call *c, struct plate plate, analysis_reads_fn fn, void *arg)
{
    struct analysis_rows rows;
    enum err e = c->needs->by_plate(
        c->needs->ctx, plate, c->from, c->to, READS_MAX, c->arena, &rows);
    if (e != OK || rows.n == 0)
        return e;
    ts_ms *at = arena_array(c->arena, rows.n, sizeof *at);
    uint32_t *site = arena_array(c->arena, rows.n, sizeof *site);
    if (!at || !site)
        return ERR_TOOBIG;
    for (size_t i = 0; i < rows.n; i++) {
        at[i] = rows.rows[i].pass_ms;
        site[i] = rows.rows[i].site.v;
    }
    return fn(arg, plate, at, site, rows.n);
}

#define CHOSEN_MAX 20000 /* more: one scan is cheaper than so many look-ups */

struct chosen {
    question_want_fn want;
    void *arg;
    struct plate *plate;
    size_t n;
    bool all; /* more than CHOSEN_MAX are kept, too */
    struct plate_set set;
    struct arena *arena;
    analysis_reads_fn fn; /* for these only */
};

static enum err
choose(void *arg, struct plate plate, const struct analysis_day *days, size_t n)
{
    struct chosen *c = arg;
    if (c->want && !c->want(c->arg, days, n))
        return OK;
    if (c->n < CHOSEN_MAX)
        c->plate[c->n] = plate;
    c->n++;
    return !c->all || plate_set_add(&c->set, c->arena, plate) ? OK : ERR_TOOBIG;
}

static enum err
read_chosen(
    void *arg, struct plate plate, const ts_ms *at, const uint32_t *site, size_t n)
{
    const struct chosen *c = arg;
    return plate_set_has(&c->set, plate) ? c->fn(c->arg, plate, at, site, n) : OK;
}

/* Too many for look-ups. Those chosen by their first day have nothing before it: the
 * days between are not read. */
static enum err
read_many(
    struct question_call *c, ts_ms from, const struct analysis_fit *fit,
    struct chosen *chosen, analysis_reads_fn fn, void *arg)
{
    if (!chosen->all)
        return c->needs->reads(c->needs->ctx, from, c->to, fn, arg);
    ts_ms first = civil_day_start(fit->first_lo, c->zone);
    chosen->fn = fn;
    chosen->arg = arg;
    return c->needs->reads(
        c->needs->ctx, first > from ? first : from, c->to, read_chosen, chosen);
}

static enum err
read_one(
    struct question_call *c, struct plate plate, ts_ms from, analysis_reads_fn fn,
    void *arg, struct arena *arena)
{
    struct question_call one = *c;
    one.arena = arena;
    one.from = from;
    return question_reads_of(&one, plate, fn, arg);
}

enum err
question_reads_where(
    struct question_call *c, ts_ms from, const struct analysis_fit *fit,
    question_want_fn want, analysis_reads_fn fn, void *arg)
{
    struct arena arena;
    struct chosen chosen = {
        .want = want,
        .arg = arg,
        .plate = arena_array(c->arena, CHOSEN_MAX, sizeof *chosen.plate),
        .arena = c->arena,
    };
    if (!chosen.plate)
        return ERR_TOOBIG;
    /* Days round outward. A pass before `from` on its day must not make a plate known:
     * its first day is sought from the next midnight on. */
    ts_ms midnight = civil_day_start(civil_day(from - 1, c->zone) + 1, c->zone);
    chosen.all = fit->first_lo && from == midnight;
    enum err e = c->needs->days(
        c->needs->ctx, fit, fit->first_lo ? midnight : from, c->to, choose, &chosen);
    if (e == OK && chosen.n > CHOSEN_MAX)
        return read_many(c, from, fit, &chosen, fn, arg);
    arena_init(&arena, c->arena->cap);
    for (size_t i = 0; e == OK && i < chosen.n; i++) {
        arena_reset(&arena);
        e = read_one(c, chosen.plate[i], from, fn, arg, &arena);
    }
    arena_release(&arena);
    return e;
}

char
question_use_nature(const struct question_call *c, struct plate plate)
{
    const struct vehicle_index *x = c->needs->registry;
    const struct vehicle *v = x ? vehicle_find(x, plate, 0) : NULL;
    return v ? v->use_nature : 0;
}
