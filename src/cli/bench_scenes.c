/* SPDX-License-Identifier: Apache-2.0 */
/* Each scene is a look of its own, in one matter, as an analyst would ask; what is
 * known is what the row of the truth says of the clue, and nothing else. */
#include "cli/bench_scenes.h"

#include "core/os_file.h"
#include "daemon/door.h"
#include "feeds/csv.h"

#include <jansson.h>
#include <stdlib.h>

#define FIRST 5
#define BAR 0.95

enum column {
    VEHICLE,
    FROM,
    TO,
    LON,
    LAT,
    PARTIAL,
    CLASS,
    COLOR,
    BRAND,
    SCENE,
    COLUMNS
};

struct tally {
    uint64_t scenes, in_five, first;
    struct score_sum *sum;
};

/* Runs an operation and gives back what it printed; NULL on an error. */
static char *
printed(const char *data, const char *op, json_t *args, enum err *e, struct note *note)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    *e = out && args ? door_run(data, op, args, -1, out, note) : ERR_NOMEM;
    if (out)
        fclose(out);
    json_decref(args);
    if (*e == OK)
        return text;
    free(text);
    return NULL;
}

static json_t *
ask_of(const struct csv_record *rec, const int *column, const char *matter)
{
    char at[64];
    int64_t from, to;
    struct span cell[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        cell[i] = csv_field(rec, column[i]);
    snprintf(at, sizeof at, "%.*s,%.*s", SPAN_ARG(cell[LON]), SPAN_ARG(cell[LAT]));
    if (!span_i64(cell[FROM], &from) || !span_i64(cell[TO], &to))
        return NULL;
    json_t *a = json_pack(
        "{s:s, s:I, s:I, s:s, s:s, s:s, s:i}", "at", at, "from", (json_int_t)from, "to",
        (json_int_t)to, "matter", matter, "purpose", "hit_and_run", "format", "json",
        "limit", 20);
    int64_t color;
    if (a && cell[PARTIAL].n)
        json_object_set_new(a, "plate", json_stringn(cell[PARTIAL].p, cell[PARTIAL].n));
    if (a && cell[CLASS].n)
        json_object_set_new(a, "class", json_stringn(cell[CLASS].p, cell[CLASS].n));
    if (a && span_i64(cell[COLOR], &color) && color)
        json_object_set_new(a, "color", json_integer(color));
    if (a && cell[BRAND].n && !span_eq_cstr(cell[BRAND], "0"))
        json_object_set_new(a, "brand", json_stringn(cell[BRAND].p, cell[BRAND].n));
    return a;
}

/* Place of the plate in the answer, from 1; 0 when it is not there. What was stated of
 * each candidate is counted on the way. */
static size_t
rank_of(
    const json_t *answer, struct span plate, struct score_sum *sum, double *probability)
{
    const json_t *list = json_object_get(answer, "candidates");
    size_t rank = 0;
    *probability = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *c = json_array_get(list, i);
        double p = json_number_value(json_object_get(c, "probability"));
        bool right =
            span_eq_cstr(plate, json_string_value(json_object_get(c, "plate")));
        score_candidate(sum, p, right);
        if (!right)
            continue;
        *probability = p;
        rank = i + 1;
    }
    return rank;
}

static void
tell(
    FILE *log, const struct csv_record *rec, const int *column, const json_t *answer,
    size_t rank, double p)
{
    const json_t *steps = json_object_get(answer, "steps");
    fprintf(
        log, "hit_and_run %.*s %.*s: place %zu, p=%.3f;",
        SPAN_ARG(csv_field(rec, column[SCENE])),
        SPAN_ARG(csv_field(rec, column[VEHICLE])), rank, p);
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *s = json_array_get(steps, i);
        fprintf(
            log, " %s %lld", json_string_value(json_object_get(s, "name")),
            (long long)json_integer_value(json_object_get(s, "vehicles")));
    }
    fputc('\n', log);
}

static enum err
scene(
    const char *data, const struct csv_record *rec, const int *column,
    const char *matter, FILE *log, struct tally *t, struct note *note)
{
    double p;
    enum err e;
    char *text = printed(data, "flight", ask_of(rec, column, matter), &e, note);
    json_t *answer = text ? json_loads(text, 0, NULL) : NULL;
    free(text);
    if (e != OK)
        return e;
    size_t rank = rank_of(answer, csv_field(rec, column[VEHICLE]), t->sum, &p);
    t->scenes++;
    t->in_five += rank >= 1 && rank <= FIRST;
    t->first += rank == 1;
    if (log)
        tell(log, rec, column, answer, rank, p);
    json_decref(answer);
    return OK;
}

static void
add_row(
    struct score_sum *sum, const char *reads, uint64_t truth, uint64_t found,
    double bar)
{
    struct score_row *r = &sum->rows[sum->rows_n++];
    *r = (struct score_row){
        .kind = "hit_and_run",
        .reads = reads,
        .truth = truth,
        .found = found,
        .alarms = truth, /* every scene is asked about: both shares are one */
        .right = found,
        .recall = truth ? (double)found / (double)truth : 1,
        .precision = truth ? (double)found / (double)truth : 1,
        .recall_bar = bar,
    };
}

static enum err
scenes(const char *data, FILE *f, FILE *log, struct tally *t, struct note *note)
{
    static const char *const names[] = {
        "vehicle",       "from",          "to",    "lon",   "lat", "partial_plate",
        "vehicle_class", "vehicle_color", "brand", "scene", NULL};
    struct csv *csv = NULL;
    struct csv_record rec;
    int column[COLUMNS + 1];
    enum err e;
    json_t *opening = json_pack(
        "{s:s, s:s}", "kind", "inquiry", "title", "hit-and-run scenes of the bench");
    char *matter = printed(data, "matter_open", opening, &e, note);
    if (!matter)
        return e;
    matter[strcspn(matter, "\n")] = 0;
    struct csv_conf conf = {.source = csv_from_file, .ctx = f};
    e = csv_new(&conf, &csv, note);
    if (e == OK)
        e = csv_columns(csv, names, names, column, note);
    while (e == OK && (e = csv_next(csv, &rec, note)) == OK)
        e = scene(data, &rec, column, matter, log, t, note);
    if (csv)
        csv_free(csv);
    free(matter);
    return e == ERR_NOTFOUND ? OK : e;
}

enum err
bench_scenes(
    const char *data, const char *truth, FILE *log, struct score_sum *sum,
    struct note *note)
{
    char file[OS_PATH];
    struct tally t = {.sum = sum};
    snprintf(file, sizeof file, "%s/truth/hitrun.csv", truth);
    FILE *f = fopen(file, "r");
    if (!f) {
        snprintf(file, sizeof file, "%s/hitrun.csv", truth);
        f = fopen(file, "r");
    }
    if (!f)
        return OK;
    enum err e = scenes(data, f, log, &t, note);
    fclose(f);
    must(sum->rows_n + 2 <= sizeof sum->rows / sizeof *sum->rows);
    if (e == OK) {
        add_row(sum, "first_5", t.scenes, t.in_five, BAR);
        add_row(sum, "first", t.scenes, t.first, 0);
    }
    return e;
}
