/* SPDX-License-Identifier: Apache-2.0 */
/* truth.c - the planted truth, gathered from the records as they are made.
 *
 * Three ways: rows written at once (watch hits, misreads, speeding), references
 * gathered per subject and written grouped at the end (clones, fakes, status, bans,
 * curfew ...), and a small state per vehicle for what needs its whole history
 * (presence). Only exact reads count, except where a file says otherwise.
 */
#include "city/truth_own.h"

#include <stdlib.h>
#include <string.h>

#include "city/rnd.h"

#define GAPS_MAX 155 /* stays kept per vehicle for footholds: five a day, 31 days */

enum { WHAT_STATUS = 800 };

/* ---- status letters, shared with the registry ---- */

const char *
truth_status(const struct city *c, uint32_t worn)
{
    uint64_t h = rnd_hash(c->opts.seed, WHAT_STATUS, worn);
    static const char *const scrapped[3] = {"E", "M", "P"};
    if (worn >= c->fleet.n)
        return "";
    switch ((enum part)c->plan.part[worn]) {
    case PART_OVERDUE:
        return h % 10 == 0 ? "GQ" : "Q";
    case PART_SCRAPPED:
        return scrapped[h % 3];
    case PART_STOLEN:
        return "C";
    default:
        return h % 50 == 0 ? "G" : "A";
    }
}

/* ---- gathering ---- */

static void
add(struct truth *t, enum list list, uint64_t key, const struct city_rec *r)
{
    struct refs *l = &t->list[list];
    if (l->n == l->room) {
        size_t room = l->room ? l->room * 2 : 256;
        struct ref *p = realloc(l->p, room * sizeof *p);
        must(p != NULL);
        l->p = p;
        l->room = room;
    }
    l->p[l->n++] = (struct ref){key, r->time_ms, r->site, r->seq, r->direction};
}

const char *
truth_plate(const struct truth *t, uint32_t worn)
{
    return t->city->fleet.plate[worn];
}

static void
see_watches(struct truth *t, const struct city_rec *r)
{
    const struct watchlist_link *links;
    uint32_t n = watchlist_of(t->watches, r->worn, &links);
    if (!n || r->read > CITY_MISREAD)
        return;
    char id[CITY_RECORD_ID], code[16];
    for (uint32_t i = 0; i < n; i++) {
        const struct watchlist_row *w = &t->watches->rows[links[i].row];
        if (r->time_ms < w->from_ms || r->time_ms > w->to_ms)
            continue;
        bool exact = watchlist_match(w->pattern, r->plate);
        buf_fmt(
            &t->hits.b, "%s,%s,%s\n", watchlist_code(links[i].row, code),
            city_record_id(r, id), exact ? "exact" : "misread");
        out_row(&t->hits);
    }
}

static void
see_misread(struct truth *t, const struct city_rec *r)
{
    static const char *const words[4] = {"exact", "misread", "partial", "unread"};
    char id[CITY_RECORD_ID];
    if (r->read == CITY_EXACT)
        return;
    buf_fmt(
        &t->misreads.b, "%s,%s,%s\n", city_record_id(r, id), truth_plate(t, r->worn),
        words[r->read]);
    out_row(&t->misreads);
}

static void
see_ban(struct truth *t, const struct city_rec *r, const char *vehicle_class)
{
    const struct shape *s = &t->city->shape;
    for (uint64_t z = 0; z < SHAPE_ZONES; z++) {
        const struct shape_zone *q = &s->zone[z];
        if (plan_zone_bans(q, vehicle_class) &&
            plan_zone_holds(q, s->site[r->site].x_m, s->site[r->site].y_m) &&
            plan_zone_open(q, r->true_ms % DAY, 0))
            add(t, LIST_BANS,
                (uint64_t)r->worn << 16 | z << 12 | (uint64_t)(r->true_ms / DAY), r);
    }
}

/* Planted speeding: first and last site of the vehicle's own section within a quarter
 * of an hour. */
static void
see_section(struct truth *t, const struct city_rec *r)
{
    const struct shape *s = &t->city->shape;
    for (int k = 0; k < SHAPE_SECTIONS; k++) {
        const struct shape_section *q = &s->section[k];
        int64_t *in = &t->section_in[r->car];
        if (r->site == q->from_site) {
            *in = r->true_ms * SHAPE_SECTIONS + k;
        } else if (r->site == q->to_site && *in && *in % SHAPE_SECTIONS == k) {
            int64_t took = r->true_ms - *in / SHAPE_SECTIONS;
            int64_t kmh10 = took > 0 ? (int64_t)q->len_m * 36000 / took : 0;
            if (kmh10 > q->limit_kmh * 11) {
                buf_fmt(
                    &t->speed.b, "%s,S%02d,%d.%d\n", truth_plate(t, r->worn), k + 1,
                    (int)(kmh10 / 10), (int)(kmh10 % 10));
                out_row(&t->speed);
            }
            *in = 0;
        }
    }
}

static void
see_scene(struct truth *t, const struct city_rec *r)
{
    const struct plan *p = &t->city->plan;
    for (uint32_t i = 0; i < p->scenes_n; i++)
        if (p->scenes[i].car == r->car && p->scenes[i].day == (int)(r->true_ms / DAY))
            add(t, LIST_SCENES, i << 1 | (r->true_ms > p->scenes[i].t_ms), r);
}

static void
see_parts(struct truth *t, const struct city_rec *r)
{
    const struct plan *p = &t->city->plan;
    uint32_t n = t->city->fleet.n;
    if (plan_is_double(p, r->car)) {
        add(t, LIST_CLONES, (uint64_t)(r->car - n) << 1 | 1, r);
        return;
    }
    if (plan_is_fake(p, r->car)) {
        add(t, LIST_FAKES, r->worn, r);
        return;
    }
    switch ((enum part)p->part[r->car]) {
    case PART_CLONED:
        for (uint32_t k = 0; k < p->clones_n; k++)
            if (p->clones[k].a == r->car)
                add(t, LIST_CLONES, (uint64_t)k << 1, r);
        return;
    case PART_OVERDUE:
    case PART_SCRAPPED:
    case PART_STOLEN:
        add(t, LIST_STATUS, r->worn, r);
        return;
    case PART_SPEEDER:
        see_section(t, r);
        return;
    case PART_HITRUN:
        see_scene(t, r);
        return;
    case PART_CURFEW:
        if (r->true_ms % DAY >= 2 * HOUR_MS && r->true_ms % DAY < 5 * HOUR_MS)
            add(t, LIST_CURFEW, (uint64_t)r->worn << 12 | (uint64_t)(r->true_ms / DAY),
                r);
        return;
    case PART_BAN:
    case PART_PERMIT:
        see_ban(t, r, fleet_get(&t->city->fleet, r->worn).vehicle_class);
        return;
    default:
        return;
    }
}

/* ---- presence: from exact reads in order of the cameras' clocks ---- */

static void
see_presence(struct truth *t, const struct city_rec *r)
{
    struct seen *s = &t->seen[r->worn];
    const struct shape_site *site = &t->city->shape.site[r->site];
    struct ref ref = {0, r->time_ms, r->site, r->seq, r->direction};
    ts_ms civil = r->time_ms + CITY_OFFSET_MS;
    int minute = (int)(civil % DAY / MINUTE_MS);
    if (!s->reads) {
        s->first_ms = r->time_ms;
        s->first = ref;
        s->last_night = -1;
    } else if (r->time_ms - s->last_ms >= 5 * HOUR_MS && s->gaps < t->gap_room) {
        t->gap_site[(size_t)r->worn * (size_t)t->gap_room + s->gaps++] = s->last_site;
    }
    s->reads++;
    s->last_ms = r->time_ms;
    s->last_site = r->site;
    if (minute >= 6 * 60 && minute < 20 * 60)
        s->day_reads++;
    if (minute >= 22 * 60 || minute < 5 * 60) {
        int32_t night = (int32_t)((civil - 12 * HOUR_MS) / DAY);
        s->nights += night != s->last_night;
        s->last_night = night;
    }
    if (site->city_pass == 1) {
        s->entry_ms = r->time_ms;
        s->entry = ref;
    } else if (site->city_pass == 2) {
        s->exit_ms = r->time_ms;
    }
}

static int
by_clock(const void *a, const void *b)
{
    const struct city_rec *x = *(const struct city_rec *const *)a,
                          *y = *(const struct city_rec *const *)b;
    if (x->worn != y->worn)
        return x->worn < y->worn ? -1 : 1;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    if (x->site != y->site)
        return x->site < y->site ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void
see_day(void *ctx, int day, struct city_rec *recs, size_t n)
{
    struct truth *t = ctx;
    const struct city_rec **exact = malloc(sizeof *exact * (n + 1));
    must(exact != NULL);
    size_t m = 0;
    (void)day;
    for (size_t i = 0; i < n; i++) {
        const struct city_rec *r = &recs[i];
        if (t->city->opts.until_ms && r->arrive_ms >= t->city->opts.until_ms)
            continue; /* not written either */
        see_watches(t, r);
        see_misread(t, r);
        if (r->read == CITY_EXACT) {
            see_parts(t, r);
            if (r->worn < t->city->fleet.n)
                exact[m++] = r;
        } else if (
            r->car < t->city->fleet.n && t->city->plan.part[r->car] == PART_OBSCURED) {
            add(t, LIST_OBSCURED, r->worn, r);
        }
    }
    qsort(exact, m, sizeof *exact, by_clock);
    for (size_t i = 0; i < m; i++)
        see_presence(t, exact[i]);
    free(exact);
}

struct city_observer
truth_observer(struct truth *t)
{
    return (struct city_observer){see_day, t};
}

/* ---- life ---- */

void
truth_begin(struct truth *t, struct out *o, const char *name, const char *header)
{
    if (t->err)
        return;
    t->err = out_open(o, t->truth_dir, name, &t->note);
    if (!t->err && *header)
        buf_text(&o->b, header);
}

struct truth *
truth_new(struct city *c, const struct watchlist *w, const char *dir)
{
    struct truth *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->city = c;
    t->watches = w;
    t->dir = dir;
    t->gap_room = 5 * c->opts.days < GAPS_MAX ? 5 * c->opts.days : GAPS_MAX;
    snprintf(t->truth_dir, sizeof t->truth_dir, "%s/truth", dir);
    t->seen = calloc(c->fleet.n, sizeof *t->seen);
    t->gap_site = calloc((size_t)c->fleet.n * (size_t)t->gap_room, sizeof *t->gap_site);
    t->section_in = calloc(c->fleet.n, sizeof *t->section_in);
    if (!t->seen || !t->gap_site || !t->section_in) {
        truth_free(t);
        return NULL;
    }
    truth_begin(t, &t->hits, "watch_hits.csv", "watch,record_id,read\n");
    truth_begin(t, &t->misreads, "misreads.csv", "record_id,plate,read\n");
    truth_begin(t, &t->speed, "speed.csv", "plate,section,kmh\n");
    return t;
}

void
truth_free(struct truth *t)
{
    if (!t)
        return;
    for (int i = 0; i < LISTS; i++)
        free(t->list[i].p);
    free(t->seen);
    free(t->gap_site);
    free(t->section_in);
    out_drop(&t->hits);
    out_drop(&t->misreads);
    out_drop(&t->speed);
    free(t);
}
