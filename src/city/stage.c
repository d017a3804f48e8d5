/* SPDX-License-Identifier: Apache-2.0 */
/* stage.c - who may play, where, and the records of it. */
#include "city/stage.h"

#include <stdlib.h>
#include <string.h>

#define REST_MS (2 * HOUR_MS) /* unseen for so long before a scene */
/* To the first camera: a scene begins before it is seen. */
#define LEAD_MS (62 * SECOND_MS)
#define LONG_LEAD_MS (4 * MINUTE_MS) /* where one camera alone shows nothing */
#define AGAIN_MS (75 * MINUTE_MS)    /* between two scenes of one car */

const char *
stage_name(enum stage_kind kind)
{
    static const char *const names[STAGE_KINDS] = {
        "watch", "status", "clone", "ban", "fake", "misread", "speed", "unread"};
    return names[kind];
}

enum err
stage_init(
    struct stage *s, struct city *c, const struct watchlist *w, struct note *note)
{
    uint32_t cars = plan_cars(&c->plan);
    memset(s, 0, sizeof *s);
    s->city = c;
    s->watches = w;
    s->r.s = rnd_hash(c->opts.seed, 1000, 0);
    s->seen = malloc(cars * sizeof *s->seen);
    s->played = malloc(cars * sizeof *s->played);
    bool fine = s->seen && s->played;
    for (int p = 1; p < PARTS; p++) {
        s->cast[p] = calloc(c->plan.count[p] + 1, sizeof **s->cast);
        fine &= s->cast[p] != NULL;
    }
    if (!fine) {
        stage_release(s);
        return note_set(note, ERR_NOMEM, "", "not enough memory", "内存不足");
    }
    for (uint32_t v = 0; v < cars; v++)
        s->seen[v] = s->played[v] = INT64_MIN;
    for (uint32_t v = 0; v < c->fleet.n; v++) {
        int p = c->plan.part[v];
        if (p != PART_NONE)
            s->cast[p][s->cast_n[p]++] = v;
    }
    return OK;
}

void
stage_release(struct stage *s)
{
    for (int p = 0; p < PARTS; p++)
        free(s->cast[p]);
    free(s->seen);
    free(s->played);
    free(s->recs);
    memset(s, 0, sizeof *s);
}

void
stage_saw(struct stage *s, const struct city_rec *r)
{
    s->seen[r->car] = r->true_ms;
}

bool
stage_has(const struct stage *s, uint32_t car)
{
    return s->played[car] != INT64_MIN;
}

/* ---- the cast ---- */

/* Where two places at once are what is played, or nobody can tell who it is, no rest is
 * needed. */
static bool
may_play(const struct stage *s, uint32_t car, int64_t t)
{
    if (stage_has(s, car))
        return t - s->played[car] > AGAIN_MS;
    const struct plan *p = &s->city->plan;
    int part = car < p->fleet->n ? p->part[car] : PART_NONE;
    if (plan_is_double(p, car) || part == PART_CLONED || part == PART_OBSCURED)
        return true;
    return s->seen[car] == INT64_MIN || t - s->seen[car] > REST_MS;
}

static uint32_t
somebody(struct stage *s, enum part part, int64_t t)
{
    uint32_t n = s->cast_n[part];
    for (uint32_t i = 0, at = n ? rnd_below(&s->r, n) : 0; i < n; i++) {
        uint32_t car = s->cast[part][(at + i) % n];
        if (may_play(s, car, t))
            return car;
    }
    return FLEET_NONE;
}

/* Somebody whose whole plate is watched now, without another part. */
static uint32_t
somebody_watched(struct stage *s, int64_t t)
{
    const struct watchlist *w = s->watches;
    ts_ms now = s->city->opts.from_ms + t;
    for (uint32_t i = 0, at = w->links_n ? rnd_below(&s->r, w->links_n) : 0;
         i < w->links_n; i++) {
        const struct watchlist_link *l = &w->links[(at + i) % w->links_n];
        const struct watchlist_row *row = &w->rows[l->row];
        if (l->worn < s->city->fleet.n && s->city->plan.part[l->worn] == PART_NONE &&
            !strchr(row->pattern, '?') && row->level < 3 &&
            row->from_ms + MINUTE_MS < now && now + HOUR_MS < row->to_ms &&
            may_play(s, l->worn, t))
            return l->worn;
    }
    return FLEET_NONE;
}

/* ---- the records ---- */

static int
by_arrival(const void *a, const void *b)
{
    const struct city_rec *x = a, *y = b;
    if (x->arrive_ms != y->arrive_ms)
        return x->arrive_ms < y->arrive_ms ? -1 : 1;
    return x->site < y->site ? -1 : x->site > y->site;
}

static struct city_rec *
take(struct stage *s, uint32_t car, int site, int dir, int64_t t, int kmh)
{
    const struct shape_site *q = &s->city->shape.site[site];
    struct drive_pass p = {
        .t_ms = t,
        .car = car,
        .site = (uint16_t)site,
        .dir = (uint8_t)dir,
        .lane = (uint8_t)(1 + rnd_below(&s->r, q->lanes)),
        .speed_kmh = (uint8_t)kmh,
        .flags = DRIVE_KEEP | DRIVE_EXACT,
    };
    struct city_rec rec;
    if (!(q->dirs >> dir & 1) || !camera_read(&s->city->camera, &p, &rec))
        return NULL;
    rec.arrive_ms = s->city->opts.from_ms + t + 300;
    if (rec.arrive_ms < s->now) /* the scene began a little while ago */
        rec.arrive_ms = s->now;
    if (s->n == s->room) {
        size_t room = s->room ? s->room * 2 : 64;
        struct city_rec *recs = realloc(s->recs, room * sizeof *recs);
        must(recs != NULL);
        s->recs = recs;
        s->room = room;
    }
    s->recs[s->n] = rec;
    return &s->recs[s->n++];
}

/* The car runs along the nodes from t on at one speed; how many cameras took it. */
static int
run(struct stage *s, uint32_t car, const uint8_t *node, int nodes, int64_t t, int kmh)
{
    const struct shape *sh = &s->city->shape;
    int taken = 0;
    s->played[car] = t;
    for (int i = 0; i + 1 < nodes; i++) {
        const struct shape_edge *g = shape_edge_between(sh, node[i], node[i + 1]);
        bool forward = g->a == node[i];
        int dir = forward ? g->dir_ab : g->dir_ba;
        int64_t whole = (int64_t)g->len_m * 3600 / kmh;
        for (int k = 0; k < g->n; k++) {
            int q = forward ? k : g->n - 1 - k;
            int permille = forward ? g->at[q].permille : 1000 - g->at[q].permille;
            taken +=
                take(s, car, g->at[q].site, dir, t + whole * permille / 1000, kmh) !=
                NULL;
        }
        t += whole;
        if (node[i + 1] < SHAPE_GRID)
            taken += take(s, car, sh->node_site[node[i + 1]], dir, t, kmh) != NULL;
        s->seen[car] = t;
    }
    return taken;
}

/* Five junctions along trunk row r from column c on, east- or westwards. */
static void
along_row(uint8_t node[5], int r, int c, int step)
{
    for (int i = 0; i < 5; i++)
        node[i] = (uint8_t)(r * 9 + c + i * step);
}

static bool
play_run(struct stage *s, uint32_t car, int64_t t, int64_t lead_ms)
{
    uint8_t node[5];
    if (car == FLEET_NONE)
        return false;
    int r = 1 + (int)rnd_below(&s->r, 7);
    bool east = rnd_below(&s->r, 2);
    along_row(
        node, r, east ? (int)rnd_below(&s->r, 5) : 8 - (int)rnd_below(&s->r, 5),
        east ? 1 : -1);
    return run(s, car, node, 5, t - lead_ms, 46) > 0;
}

/* The original in the west, its double in the east a few seconds later. */
static bool
play_clone(struct stage *s, int64_t t)
{
    uint8_t node[5];
    uint32_t a = somebody(s, PART_CLONED, t), double_car = FLEET_NONE;
    for (uint32_t k = 0; k < s->city->plan.clones_n; k++)
        if (s->city->plan.clones[k].a == a)
            double_car = s->city->fleet.n + k;
    if (a == FLEET_NONE || double_car == FLEET_NONE || !may_play(s, double_car, t))
        return false;
    int r = 1 + (int)rnd_below(&s->r, 7);
    along_row(node, r, 0, 1);
    int taken = run(s, a, node, 3, t - LONG_LEAD_MS, 42) > 0;
    along_row(node, (r + 3) % 9, 8, -1);
    return run(s, double_car, node, 3, t - LONG_LEAD_MS + 15000, 42) > 0 && taken;
}

static bool
play_ban(struct stage *s, int64_t t)
{
    uint8_t node[5];
    int64_t ms = t % DAY_MS;
    if (ms >= 2 * HOUR_MS && ms < 5 * HOUR_MS - 10 * MINUTE_MS)
        return play_run(s, somebody(s, PART_CURFEW, t), t, LONG_LEAD_MS);
    if (!plan_zone_open(&s->city->shape.zone[0], ms, 0))
        return false;
    for (int tries = 0; tries < 20; tries++) {
        uint32_t car = somebody(s, PART_BAN, t);
        if (car == FLEET_NONE)
            return false;
        if (fleet_kind_of(&s->city->fleet, car) != FLEET_LORRY)
            continue;
        along_row(node, 3 + (int)rnd_below(&s->r, 3), 2, 1);
        return run(s, car, node, 5, t - LONG_LEAD_MS, 38) > 0;
    }
    return false;
}

static bool
right_clock(const struct stage *s, int site)
{
    const struct camera_site *c = &s->city->camera.site[site];
    return !c->skew_ms && !c->drift_ms_day && c->step_at_ms == INT64_MAX;
}

/* Begins in the past, so that the end of the section is passed about now. */
static bool
play_speed(struct stage *s, int64_t t)
{
    uint32_t car = somebody(s, PART_SPEEDER, t);
    const struct shape_section *q = NULL;
    for (unsigned i = 0, at = rnd_below(&s->r, SHAPE_SECTIONS); i < SHAPE_SECTIONS;
         i++) {
        const struct shape_section *x =
            &s->city->shape.section[(at + i) % SHAPE_SECTIONS];
        /* The long ones of the motorway: what the clocks may be wrong by weighs least
         * there. */
        bool fits = right_clock(s, x->from_site) && right_clock(s, x->to_site);
        if (fits && (!q || x->len_m > q->len_m))
            q = x;
    }
    if (!q)
        return false;
    int kmh = q->limit_kmh * 138 / 100;
    if (car == FLEET_NONE)
        return false;
    int64_t takes = (int64_t)q->len_m * 3600 / kmh + 40000;
    return run(s, car, q->nodes, q->nodes_n, t - takes, kmh) > 0;
}

static bool
play_misread(struct stage *s, int64_t t)
{
    size_t first = s->n;
    if (!play_run(s, somebody_watched(s, t), t, LEAD_MS))
        return false;
    struct city_rec *rec = &s->recs[first];
    for (char *p = rec->plate + strlen(rec->plate) - 1; p > rec->plate + 4; p--) {
        const char *with = fleet_confused(*p);
        if (!*with || (*p & 0x80))
            continue;
        *p = *with;
        rec->read = CITY_MISREAD;
        rec->confidence = 71;
        break;
    }
    s->n = first + 1; /* only this one read */
    return true;
}

bool
stage_play(struct stage *s, enum stage_kind kind, ts_ms now)
{
    int64_t t = now - s->city->opts.from_ms;
    const struct plan *p = &s->city->plan;
    uint32_t fake = s->city->fleet.n + p->clones_n + rnd_below(&s->r, p->fakes_n);
    bool played = false;
    s->now = now;
    if (s->at)
        memmove(s->recs, s->recs + s->at, (s->n - s->at) * sizeof *s->recs);
    s->n -= s->at;
    s->at = 0;
    switch (kind) {
    case STAGE_WATCH:
        played = play_run(s, somebody_watched(s, t), t, LEAD_MS);
        break;
    case STAGE_STATUS: {
        static const enum part parts[4] = {
            PART_OVERDUE, PART_SCRAPPED, PART_OVERDUE, PART_STOLEN};
        played = play_run(s, somebody(s, parts[rnd_below(&s->r, 4)], t), t, LEAD_MS);
        break;
    }
    case STAGE_CLONE:
        played = play_clone(s, t);
        break;
    case STAGE_BAN:
        played = play_ban(s, t);
        break;
    case STAGE_FAKE:
        played = may_play(s, fake, t) && play_run(s, fake, t, LONG_LEAD_MS);
        break;
    case STAGE_MISREAD:
        played = play_misread(s, t);
        break;
    case STAGE_SPEED:
        played = play_speed(s, t);
        break;
    case STAGE_UNREAD:
        played = play_run(s, somebody(s, PART_OBSCURED, t), t, 7 * MINUTE_MS);
        break;
    case STAGE_KINDS:
        break;
    }
    if (s->n)
        qsort(s->recs, s->n, sizeof *s->recs, by_arrival);
    return played;
}

const struct city_rec *
stage_next(struct stage *s, ts_ms now)
{
    if (s->at == s->n || s->recs[s->at].arrive_ms > now)
        return NULL;
    return &s->recs[s->at++];
}
