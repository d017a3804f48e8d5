/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu query: trajectories, passes and questions are looks like any other (matter,
 * purpose, record); alarms are listed as the ledger has them. */
#include "daemon/op_house.h"
#include "daemon/op_list.h"
#include "daemon/parts.h"
#include "serve/answers.h"
#include "serve/asking.h"
#include "rules/rule.h"
#include "serve/looks.h"
#include "serve/rows.h"

#include <stdlib.h>

#define PAGE 500
#define LIMIT_MAX 1000000

/* ---- formats ---- */

enum format { FORMAT_JSON, FORMAT_CSV, FORMAT_TABLE, FORMAT_GEOJSON };

static enum err
format_of(const struct op_call *c, enum format *out, struct note *note)
{
    static const char *const names[] = {"json", "csv", "table", "geojson"};
    const char *name = op_text(c, "format");
    for (int i = 0; i < 4; i++)
        if (strcmp(name ? name : "table", names[i]) == 0) {
            *out = (enum format)i;
            return OK;
        }
    return note_fmt(
        note, ERR_USAGE, "format",
        "--format is json, csv, table or geojson, not \"%s\"",
        "--format 须为 json、csv、table 或 geojson，而不是“%s”", name);
}

static const char *
site_code(const struct site_table *sites, struct site_id id)
{
    const struct site *s = site_get(sites, id);
    return s ? s->code : "";
}

static void
csv_row(FILE *out, const struct sighting *s, const struct site_table *sites)
{
    char plate[PLATE_TEXT], vclass[CODE3_TEXT], brand[CODE3_TEXT], id[SIGHTING_ID_TEXT];
    plate_format(plate, s->plate);
    op_csv_text(out, s->plate_text.n && !plate[0] ? s->plate_text : span_cstr(plate));
    fprintf(
        out, ",%u,%s,%u,%s,", s->plate_color, code3_format(vclass, s->vehicle_class),
        s->vehicle_color, code3_format(brand, s->brand));
    op_csv_text(out, span_cstr(site_code(sites, s->site)));
    fprintf(out, ",%u,%u,%lld,", s->lane, s->direction, (long long)s->pass_ms);
    if (s->speed_dkmh != SPEED_UNKNOWN)
        fprintf(out, "%g", s->speed_dkmh / 10.0);
    fputc(',', out);
    if (s->confidence != CONFIDENCE_UNKNOWN)
        fprintf(out, "%u", s->confidence);
    fputc(',', out);
    op_csv_text(out, s->record_id);
    fputc(',', out);
    op_csv_text(out, s->image);
    fprintf(out, ",%s\n", sighting_id_format(id, sighting_id_of(s)));
}

static void
geometry(struct buf *out, const struct site *site)
{
    if (site && site_is_placed(site))
        buf_fmt(
            out, "{\"type\":\"Point\",\"coordinates\":[%.7f,%.7f]}", site->lon / 1e7,
            site->lat / 1e7);
    else
        buf_text(out, "null");
}

static void
geojson_row(
    struct buf *out, const struct sighting *s, const struct site_table *sites,
    bool first)
{
    buf_fmt(out, "%s{\"type\":\"Feature\",\"geometry\":", first ? "" : ",\n");
    geometry(out, site_get(sites, s->site));
    buf_text(out, ",\"properties\":");
    rows_sighting(out, s, sites);
    buf_text(out, "}");
}

static void
table_row(
    FILE *out, const struct sighting *s, const struct site_table *sites,
    const struct zone *z)
{
    char plate[PLATE_TEXT], at[TS_TEXT];
    const struct site *site = site_get(sites, s->site);
    fprintf(
        out, "%s  %-12s  %-20s  %s\n", ts_format(at, s->pass_ms, z),
        plate_format(plate, s->plate), site_code(sites, s->site),
        site ? site->name : "");
}

static void
coverage_json(struct buf *out, const struct coverage *c, const struct site_table *sites)
{
    buf_text(out, "\"coverage\":{\"text\":");
    looks_coverage_text(out, c);
    buf_fmt(out, ",\"sites\":%u,\"offline\":[", c->sites);
    for (size_t i = 0; i < c->gaps_n; i++)
        buf_fmt(
            out, "%s{\"site\":\"%s\",\"from_ms\":%lld,\"to_ms\":%lld}", i ? "," : "",
            site_code(sites, c->gaps[i].site), (long long)c->gaps[i].from_ms,
            (long long)c->gaps[i].to_ms);
    buf_text(out, "]}");
}

/* Below a table, and beside rows that have no room for it: on the side where progress
 * goes, so that a spreadsheet gets rows and a person still reads what was not seen. */
static void
print_coverage(
    struct op_call *c, FILE *to, const struct coverage *cov,
    const struct site_table *sites)
{
    if (to == c->log && op_flag(c, "quiet"))
        return; /* asked by a bench, thousands of times */
    struct buf b = {0};
    looks_coverage_lines(&b, cov, sites, &c->door->base->zone, op_flag(c, "zh"));
    op_write(to, &b);
    buf_release(&b);
}

static void
print_sum(struct op_call *c, FILE *to, const struct looks_answer *a)
{
    char from[TS_TEXT], until[TS_TEXT];
    const struct zone *zone = &c->door->base->zone;
    bool zh = op_flag(c, "zh");
    if (zh)
        fprintf(to, "共 %zu 条", a->rows.n);
    else
        fprintf(to, "%zu pass%s", a->rows.n, a->rows.n == 1 ? "" : "es");
    fprintf(
        to, zh ? "，%s 至 %s%s\n" : ", %s to %s%s\n",
        ts_format(from, a->coverage.from_ms, zone),
        ts_format(until, a->coverage.to_ms, zone),
        !a->rows.more ? ""
        : zh          ? "（已达 --limit 上限，结果不全）"
                      : " (cut: --limit)");
}

static void
print_rows(
    struct op_call *c, enum format f, const struct looks_answer *a,
    const struct site_table *sites)
{
    struct buf b = {0};
    if (f == FORMAT_CSV)
        fprintf(
            c->out,
            "\xEF\xBB\xBFplate,plate_color,vehicle_class,vehicle_color,brand,site,lane,"
            "direction,time_ms,speed_kmh,confidence,record_id,image,id\n");
    if (f == FORMAT_JSON)
        buf_fmt(
            &b, "{\"look\":%llu,\"count\":%zu,\"truncated\":%s,\"rows\":[",
            (unsigned long long)a->row.number, a->rows.n,
            a->rows.more ? "true" : "false");
    if (f == FORMAT_GEOJSON)
        buf_text(&b, "{\"type\":\"FeatureCollection\",\"features\":[\n");
    for (size_t i = 0; i < a->rows.n; i++) {
        const struct sighting *s = &a->rows.rows[i];
        if (f == FORMAT_JSON) {
            buf_text(&b, i ? ",\n" : "\n");
            rows_sighting(&b, s, sites);
        } else if (f == FORMAT_GEOJSON) {
            geojson_row(&b, s, sites, i == 0);
        } else if (f == FORMAT_CSV) {
            csv_row(c->out, s, sites);
        } else {
            table_row(c->out, s, sites, &c->door->base->zone);
        }
        op_write(c->out, &b);
        buf_clear(&b);
    }
    if (f == FORMAT_JSON) {
        buf_text(&b, "],\n");
        coverage_json(&b, &a->coverage, sites);
        if (a->row.kind == LOOK_TRAJECTORY)
            looks_gaps_json(&b, a, sites);
        buf_text(&b, "}\n");
    }
    if (f == FORMAT_GEOJSON) {
        buf_fmt(&b, "\n],\"truncated\":%s,", a->rows.more ? "true" : "false");
        coverage_json(&b, &a->coverage, sites);
        buf_text(&b, "}\n");
    }
    op_write(c->out, &b);
    buf_release(&b);
    if (f == FORMAT_TABLE || f == FORMAT_CSV) {
        FILE *to = f == FORMAT_TABLE ? c->out : c->log;
        print_sum(c, to, a);
        print_coverage(c, to, &a->coverage, sites);
    }
}

/* ---- looks ---- */

static enum err
read_sites(
    struct op_call *c, const struct site_table *sites, struct site_id *out, size_t *n,
    struct note *note)
{
    struct span rest = span_cstr(op_text(c, "sites"));
    *n = 0;
    while (rest.n) {
        struct span code = span_trim(span_cut(&rest, ','));
        struct site_id id = site_find(sites, code);
        if (id.v == 0 || *n == PASSES_SITES)
            return note_fmt(
                note, ERR_INPUT, "sites",
                "there is no site \"%.*s\", or there are too many",
                "没有点位“%.*s”，或点位过多", SPAN_ARG(code));
        out[(*n)++] = id;
    }
    return OK;
}

static enum err
look(struct op_call *c, enum look_kind kind, struct note *note)
{
    struct arena a;
    enum format f;
    struct op_house h = {0};
    struct looks_answer answer = {0};
    struct site_id ids[PASSES_SITES];
    struct site_table *sites = base_sites(c->door->base);
    struct looks_ask ask = {
        .plate = span_cstr(op_text(c, "plate")),
        .sites = ids,
        .limit = (size_t)op_number(c, "limit", 100000),
    };
    arena_init(&a, (size_t)1 << 30);
    enum err e = format_of(c, &f, note);
    if (e == OK)
        e = op_house_who(c, kind, &ask.who, note);
    if (e == OK)
        e = read_sites(c, sites, ids, &ask.sites_n, note);
    if (e == OK)
        e = op_house_open(c, &h);
    if (e == OK)
        e = looks_run(&h.house, c->door->reader, &ask, &a, &answer, note);
    if (e == ERR_INPUT && strcmp(note->field, "plate") == 0)
        e = ERR_USAGE; /* no look was made of it */
    if (e == OK)
        e = op_house_looked(c, &answer.row, note);
    if (e == OK)
        print_rows(c, f, &answer, sites);
    op_house_close(&h);
    looks_release(&answer);
    site_table_unref(sites);
    arena_release(&a);
    return e;
}

/* ---- questions ---- */

/* "params": {"name": "text"} of a question. */
static enum err
read_given(
    struct op_call *c, struct question_given *given, size_t *n, struct note *note)
{
    const char *key;
    json_t *v;
    *n = 0;
    json_object_foreach(json_object_get(c->args, "params"), key, v)
    {
        if (*n == QUESTION_PARAMS || !json_is_string(v))
            return note_set(
                note, ERR_USAGE, "params", "more parameters than any question has",
                "参数过多");
        given[(*n)++] = (struct question_given){
            span_cstr(key), span_of(json_string_value(v), json_string_length(v))};
    }
    return OK;
}

static void
print_answer(
    struct op_call *c, enum format f, const struct question *q,
    const struct question_answer *a, const struct asking_passes *passes,
    const struct look_row *row, const struct site_table *sites)
{
    struct buf b = {0};
    if (f == FORMAT_CSV)
        answers_csv(&b, q, a, sites);
    if (f == FORMAT_GEOJSON)
        answers_geojson(&b, q, a, sites);
    if (f == FORMAT_JSON) {
        buf_fmt(
            &b, "{\"look\":%llu,\"question\":\"%s\",\"count\":%zu,\"truncated\":%s,",
            (unsigned long long)row->number, q->name, a->n, a->more ? "true" : "false");
        answers_json(&b, q, a, sites);
        asking_passes_json(&b, passes);
        buf_text(&b, ",\n");
        coverage_json(&b, &a->coverage, sites);
        buf_text(&b, "}\n");
    }
    if (f == FORMAT_TABLE) {
        answers_table(&b, q, a, sites, &c->door->base->zone);
        bool zh = op_flag(c, "zh");
        buf_fmt(
            &b, zh ? "共 %zu 行%s\n" : "%zu rows%s\n", a->n,
            !a->more ? ""
            : zh     ? "（已达 --limit 上限，结果不全）"
                     : " (cut: --limit)");
    }
    op_write(c->out, &b);
    buf_release(&b);
    if (f == FORMAT_TABLE || f == FORMAT_CSV)
        print_coverage(c, f == FORMAT_TABLE ? c->out : c->log, &a->coverage, sites);
}

/* What was typed was wrong, and no look was made of it. */
static bool
is_parameter(const struct question *q, const char *field)
{
    for (const struct question_param *p = q->params; p->name; p++)
        if (strcmp(p->name, field) == 0)
            return true;
    return strcmp(field, "params") == 0;
}

static enum err
ask(struct op_call *c, const struct question *q, struct note *note)
{
    struct arena a;
    enum format f;
    struct op_house h = {0};
    struct question_answer answer;
    struct asking_passes passes;
    struct look_row row;
    bool recorded;
    struct question_given given[QUESTION_PARAMS];
    struct site_table *sites = base_sites(c->door->base);
    struct asking ask = {
        .question = q,
        .given = given,
        .limit = (size_t)op_number(c, "limit", 100000),
    };
    arena_init(&a, (size_t)1 << 30);
    enum err e = format_of(c, &f, note);
    if (e == OK)
        e = op_house_who(c, LOOK_ANALYSIS, &ask.who, note);
    if (e == OK)
        e = read_given(c, given, &ask.given_n, note);
    if (e == OK)
        e = op_house_open(c, &h);
    if (e == OK)
        e = asking_run(
            &h.house, c->door->reader, &ask, &a, &answer, &passes, &row, &recorded,
            note);
    if (e == ERR_INPUT && is_parameter(q, note->field))
        e = ERR_USAGE;
    if (e == OK)
        e = op_house_looked(c, &row, note);
    if (e == OK)
        print_answer(c, f, q, &answer, &passes, &row, sites);
    op_house_close(&h);
    site_table_unref(sites);
    arena_release(&a);
    return e;
}

/* ---- what can be asked ---- */

static void
print_question(struct op_call *c, const struct question *q)
{
    fprintf(
        c->out, "%s  %s %s\n    %s\n    %s\n", q->name, q->title.zh, q->title.en,
        q->what.zh, q->what.en);
    for (const struct question_param *x = q->params; x->name; x++) {
        const char *preset = x->required ? "(required)" : x->initial ? x->initial : "";
        fprintf(
            c->out, "      %s=%s %s  %s; %s\n", x->name, preset, x->unit, x->zh, x->en);
    }
}

static enum err
questions(struct op_call *c, struct note *note)
{
    const char *name = op_text(c, "format");
    struct span format = span_cstr(name ? name : "table");
    bool json = span_eq_cstr(format, "json"),
         markdown = span_eq_cstr(format, "markdown");
    if (!json && !markdown && !span_eq_cstr(format, "table"))
        return note_set(
            note, ERR_USAGE, "format",
            "questions are listed as table, json or markdown",
            "问题可列为 table、json 或 markdown");
    struct buf b = {0};
    buf_text(&b, json ? "[" : "");
    for (const struct question *const *q = question_rows; *q; q++) {
        if (markdown) {
            answers_markdown(&b, *q);
        } else if (json) {
            buf_text(&b, q == question_rows ? "\n" : ",\n");
            answers_question(&b, *q);
        } else {
            print_question(c, *q);
        }
    }
    buf_text(&b, json ? "\n]\n" : "");
    op_write(c->out, &b);
    buf_release(&b);
    return OK;
}

/* ---- alarms ---- */

static void
alarm_feature(
    struct buf *out, const struct alarm *a, const struct site_table *sites, bool first)
{
    buf_fmt(out, "%s{\"type\":\"Feature\",\"geometry\":", first ? "" : ",\n");
    geometry(out, site_get(sites, a->site));
    buf_text(out, ",\"properties\":");
    alarm_json(out, a, sites);
    buf_text(out, "}");
}

static void
alarm_line(
    FILE *out, enum format f, const struct alarm *a, const struct site_table *sites,
    const struct zone *zone)
{
    static const char *const states[] = {"raised", "revised", "withdrawn"};
    char id[ALARM_ID_TEXT], plate[PLATE_TEXT], at[TS_TEXT];
    rows_alarm_id(id, a->id);
    plate_format(plate, a->plate);
    if (f == FORMAT_TABLE) {
        fprintf(
            out, "%s  %-16s %-9s %-12s %.2f  %s %s\n", ts_format(at, a->pass_ms, zone),
            a->rule, states[a->state], plate, a->probability, site_code(sites, a->site),
            a->subject);
        return;
    }
    fprintf(out, "%s,%s,%s,%s,", id, a->rule, states[a->state], plate);
    op_csv_text(out, span_cstr(site_code(sites, a->site)));
    fprintf(out, ",%lld,%.4f,", (long long)a->pass_ms, a->probability);
    op_csv_text(out, span_cstr(a->subject));
    fputc('\n', out);
}

static void
print_alarm(
    struct op_call *c, enum format f, const struct alarm *a,
    const struct site_table *sites, bool first)
{
    struct buf b = {0};
    if (f == FORMAT_JSON) {
        buf_text(&b, first ? "\n" : ",\n");
        alarm_json(&b, a, sites);
    } else if (f == FORMAT_GEOJSON) {
        alarm_feature(&b, a, sites, first);
    } else {
        alarm_line(c->out, f, a, sites, &c->door->base->zone);
    }
    op_write(c->out, &b);
    buf_release(&b);
}

/* What to list: a rule or a plate that does not exist must not list everything. */
static enum err
alarm_query(const struct op_call *c, struct alarm_query *q, struct note *note)
{
    bool differs;
    const char *plate = op_text(c, "plate"), *rule = op_text(c, "kind");
    *q = (struct alarm_query){
        .list = ALARMS_ALL,
        .from_ms = op_number(c, "from", 0),
        .to_ms = op_number(c, "to", 0),
        .rule = span_cstr(rule),
        .cap = PAGE,
    };
    if (rule && !rule_find(q->rule))
        return note_fmt(
            note, ERR_USAGE, "kind", "there is no rule \"%s\": see tongqu-config(5)",
            "没有规则“%s”，见 tongqu-config(5)", rule);
    if (plate)
        (void)plate_parse(span_cstr(plate), &q->plate, &differs);
    if (plate && !plate_is_askable(q->plate))
        return note_set(
            note, ERR_USAGE, "plate", "alarms are listed by one whole plate",
            "按号牌列预警须给出完整号牌");
    return OK;
}

static const char *const alarm_heads[] = {
    [FORMAT_JSON] = "[",
    [FORMAT_CSV] = "\xEF\xBB\xBFid,kind,state,plate,site,time_ms,probability,subject\n",
    [FORMAT_TABLE] = "",
    [FORMAT_GEOJSON] = "{\"type\":\"FeatureCollection\",\"features\":[\n",
};
static const char *const alarm_feet[] = {
    [FORMAT_JSON] = "\n]\n",
    [FORMAT_CSV] = "",
    [FORMAT_TABLE] = "",
    [FORMAT_GEOJSON] = "\n]}\n",
};

static enum err
alarms(struct op_call *c, struct note *note)
{
    struct arena a;
    enum format f;
    struct alarm_row *rows;
    size_t n, total = 0, limit = (size_t)op_number(c, "limit", LIMIT_MAX);
    struct site_table *sites = base_sites(c->door->base);
    struct alarm_query q;
    arena_init(&a, 256 << 20);
    enum err e = format_of(c, &f, note);
    if (e == OK)
        e = alarm_query(c, &q, note);
    if (e == OK)
        fputs(alarm_heads[f], c->out);
    while (e == OK && total < limit) {
        arena_reset(&a);
        e = ledger_alarms(c->door->reader, &q, &a, &rows, &n);
        for (size_t i = 0; e == OK && i < n && total < limit; i++)
            print_alarm(c, f, &rows[i].alarm, sites, total++ == 0);
        if (e != OK || n < PAGE)
            break;
        q.before_raised_ms = rows[n - 1].raised_ms;
        q.before_id = rows[n - 1].alarm.id.v;
    }
    if (e == OK)
        fputs(alarm_feet[f], c->out);
    site_table_unref(sites);
    arena_release(&a);
    return e;
}

static enum err
run(struct op_call *c, struct note *note)
{
    const char *what = op_text(c, "what");
    const struct question *q = question_find(span_cstr(what));
    if (q)
        return ask(c, q, note);
    if (json_object_size(json_object_get(c->args, "params")))
        return note_fmt(
            note, ERR_USAGE, "word", "%s takes no NAME=VALUE", "%s 不带 名称=取值",
            what);
    if (strcmp(what, "trajectory") == 0)
        return look(c, LOOK_TRAJECTORY, note);
    if (strcmp(what, "sightings") == 0)
        return look(c, LOOK_SIGHTINGS, note);
    if (strcmp(what, "alarms") == 0)
        return alarms(c, note);
    if (strcmp(what, "questions") == 0)
        return questions(c, note);
    return note_fmt(
        note, ERR_USAGE, "what",
        "ask for trajectory, sightings, alarms or one of what \"query questions\" "
        "lists, "
        "not \"%s\"",
        "可查询 trajectory、sightings、alarms 或 query questions 所列问题，而不是“%s”",
        what);
}

const struct op op_query = {.name = "query", .fn = run};
