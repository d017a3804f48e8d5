/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu query flight: the hit-and-run funnel from the command line. */
#include "daemon/op_house.h"
#include "serve/funnel.h"

#include <stdlib.h>
#include <string.h>

static enum err
read_place(
    const struct op_call *c, const struct site_table *sites, struct funnel_ask *q,
    struct note *note)
{
    const char *site = op_text(c, "site"), *at = op_text(c, "at");
    char *end = NULL;
    if (site) {
        q->site = site_find(sites, span_cstr(site));
        if (!q->site.v)
            return note_fmt(
                note, ERR_INPUT, "site", "there is no site \"%s\"", "没有点位“%s”",
                site);
        return OK;
    }
    double lon = at ? strtod(at, &end) : 0, lat = 0;
    bool ok = end && end != at && *end == ',';
    if (ok) {
        const char *second = end + 1;
        lat = strtod(second, &end);
        ok = end != second && *end == 0 && lon >= -180 && lon <= 180 && lat >= -90 &&
             lat <= 90;
    }
    if (!ok)
        return note_set(
            note, ERR_USAGE, "at", "say where: --at LON,LAT or --site CODE",
            "请用 --at 经度,纬度 或 --site 点位编码 指明位置");
    q->flight.lon = (int32_t)(lon * 1e7);
    q->flight.lat = (int32_t)(lat * 1e7);
    return OK;
}

static enum err
read_ask(
    struct op_call *c, const struct site_table *sites, struct funnel_ask *q,
    struct note *note)
{
    const char *class = op_text(c, "class"), *brand = op_text(c, "brand");
    q->plate = span_cstr(op_text(c, "plate"));
    q->damage = span_cstr(op_text(c, "damage"));
    q->flight.vehicle_color = (uint8_t)op_number(c, "color", 0);
    q->flight.limit = (size_t)op_number(c, "limit", 20);
    if ((class && !code3_parse(span_cstr(class), &q->flight.vehicle_class)) ||
        (brand && !code3_parse(span_cstr(brand), &q->flight.brand)))
        return note_set(
            note, ERR_USAGE, "class", "class and brand have up to three characters",
            "车型与品牌代码至多三个字符");
    enum err e = read_place(c, sites, q, note);
    return e == OK ? op_house_who(c, LOOK_ANALYSIS, &q->who, note) : e;
}

static const char *
site_name(const struct site_table *sites, const struct sighting *s)
{
    const struct site *site = s ? site_get(sites, s->site) : NULL;
    return site ? site->name : "-";
}

static void
print_table(
    FILE *out, const struct flight *f, const struct site_table *sites,
    const struct zone *z)
{
    for (int i = 0; i < FLIGHT_STEPS; i++)
        fprintf(out, "%8u  %s\n", f->steps[i], flight_steps[i].en);
    for (size_t i = 0; i < f->n; i++) {
        const struct flight_candidate *c = &f->candidates[i];
        char plate[PLATE_TEXT], at[TS_TEXT];
        fprintf(
            out, "%3zu %.4f  %-12s %s  %s -> %s  %u s (usual %u)", i + 1,
            c->probability, plate_format(plate, c->plate), ts_format(at, c->at_ms, z),
            site_name(sites, c->up), site_name(sites, c->down), c->took_ms / 1000,
            c->usual_ms / 1000);
        for (int k = 0; k < FLIGHT_REASONS; k++)
            if (c->ratio[k] < 0.999F || c->ratio[k] > 1.001F)
                fprintf(out, " %s %.3g", flight_reasons[k].name, (double)c->ratio[k]);
        fputc('\n', out);
    }
    fprintf(
        out, "none of them: %.4f; %u reads without a whole plate\n", f->unseen,
        f->unread);
}

static void
print_json(
    FILE *out, const struct flight *f, const struct site_table *sites,
    const struct look_row *row)
{
    struct buf b = {0};
    buf_fmt(&b, "{\"look\":%llu,\"count\":%zu,", (unsigned long long)row->number, f->n);
    funnel_json(&b, f, sites, NULL, NULL, (struct org_id){0});
    buf_text(&b, "}\n");
    op_write(out, &b);
    buf_release(&b);
}

static void
csv_pass(FILE *out, const struct sighting *s, const struct site_table *sites)
{
    char id[SIGHTING_ID_TEXT];
    const struct site *site = s ? site_get(sites, s->site) : NULL;
    if (s)
        fprintf(
            out, ",%s,%s,%lld", sighting_id_format(id, sighting_id_of(s)),
            site ? site->code : "", (long long)s->pass_ms);
    else
        fputs(",,,", out);
}

static void
print_csv(FILE *out, const struct flight *f, const struct site_table *sites)
{
    fputs(
        "\xEF\xBB\xBFrank,plate,probability,at_ms,took_ms,usual_ms,others,slower,"
        "changes,"
        "up,up_site,up_ms,down,down_site,down_ms\n",
        out);
    for (size_t i = 0; i < f->n; i++) {
        const struct flight_candidate *c = &f->candidates[i];
        char plate[PLATE_TEXT];
        fprintf(
            out, "%zu,%s,%.5f,%lld,%u,%u,%u,%.4f,%u", i + 1,
            plate_format(plate, c->plate), c->probability, (long long)c->at_ms,
            c->took_ms, c->usual_ms, c->others, c->slower, c->changes);
        csv_pass(out, c->up, sites);
        csv_pass(out, c->down, sites);
        fputc('\n', out);
    }
}

/* A candidate is the line from the site upstream to the one downstream, or the one of
 * them that saw it. */
static void
print_geojson(FILE *out, const struct flight *f, const struct site_table *sites)
{
    fputs("{\"type\":\"FeatureCollection\",\"features\":[", out);
    for (size_t i = 0; i < f->n; i++) {
        const struct flight_candidate *c = &f->candidates[i];
        char plate[PLATE_TEXT];
        const struct site *a = site_get(sites, (c->up ? c->up : c->down)->site);
        const struct site *b = site_get(sites, (c->down ? c->down : c->up)->site);
        must(a && b); /* the funnel chose among placed sites */
        fprintf(
            out,
            "%s\n{\"type\":\"Feature\",\"geometry\":{\"type\":\"LineString\","
            "\"coordinates\":[[%.7f,%.7f],[%.7f,%.7f]]},\"properties\":{\"rank\":%zu,"
            "\"plate\":\"%s\",\"probability\":%.5f}}",
            i ? "," : "", a->lon / 1e7, a->lat / 1e7, b->lon / 1e7, b->lat / 1e7, i + 1,
            plate_format(plate, c->plate), c->probability);
    }
    fputs("\n]}\n", out);
}

static enum err
format_of(const struct op_call *c, char *format, struct note *note)
{
    static const char *const names[] = {"table", "json", "csv", "geojson"};
    const char *name = op_text(c, "format");
    for (size_t i = 0; i < 4; i++)
        if (strcmp(name ? name : "table", names[i]) == 0) {
            *format = names[i][0];
            return OK;
        }
    return note_set(
        note, ERR_USAGE, "format", "--format is table, json, csv or geojson",
        "--format 须为 table、json、csv 或 geojson");
}

static enum err
run(struct op_call *c, struct note *note)
{
    struct arena a;
    struct op_house h = {0};
    struct flight f;
    struct look_row row = {0};
    struct funnel_ask q = {0};
    char format = 0;
    struct site_table *sites = base_sites(c->door->base);
    arena_init(&a, (size_t)1 << 30);
    enum err e = read_ask(c, sites, &q, note);
    if (e == OK)
        e = format_of(c, &format, note);
    if (e == OK)
        e = op_house_open(c, &h);
    if (e == OK)
        e = funnel_run(&h.house, c->door->reader, &q, &a, &f, &row, note);
    if (e == OK)
        e = op_house_looked(c, &row, note);
    if (e == OK && format == 'j')
        print_json(c->out, &f, sites, &row);
    else if (e == OK && format == 'c')
        print_csv(c->out, &f, sites);
    else if (e == OK && format == 'g')
        print_geojson(c->out, &f, sites);
    else if (e == OK)
        print_table(c->out, &f, sites, &c->door->base->zone);
    op_house_close(&h);
    site_table_unref(sites);
    arena_release(&a);
    return e;
}

const struct op op_flight = {.name = "flight", .fn = run};
