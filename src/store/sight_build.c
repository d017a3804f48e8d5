/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing. Rows are touched once in the order they came in: their texts are cut, where
 * the device's last template is the best guess, and all else of them goes into one line
 * of the cache. Sorted by plate these lines become the vehicle run; while that is
 * written, what the place segment wants of a row is noted, in plate order, so that a
 * stable sort by time and site is all that is left. */
#include "store/sight_build.h"
#include "store/sight_sort.h"

#include <stdio.h>
#include <stdlib.h>

#define AHEAD 14u         /* lines asked for before they are needed */
#define RARE_TEMPLATE 3u  /* fewer uses in a day: kept verbatim instead */
#define FOLLOW_ALL 65536u /* rows: below, next sites are learned from all */
#define FOLLOW_SPAN 4096u /* else from a quarter of each span */

/* What is asked of a row in plate order, in one line of the cache: the row itself is
 * only gone back to for a text that no template fits. */
struct slim {
    int64_t rec_dt, img_dt;
    uint64_t rec_num, img_num;
    uint32_t rec, img; /* templates */
    uint32_t site, device;
    int32_t lag_s;
    uint16_t speed_dkmh;
    code3 class, brand;
    uint8_t plate_color, paint, lane, direction, confidence, flags;
};
_Static_assert(sizeof(struct slim) == 64, "a line of the cache");
#define SLIM_NAMED UINT32_C(0x80000000) /* in rec: the row has a plate_text */

struct build_room {
    size_t rows;
    struct slim *slim;
    struct pair *pairs, *spare;
    uint32_t *member;
};

/* One day's share of the rows. Pairs are (plate, time of the day and place among the
 * members), later (site and time, plate's rank, speed and whether it looks odd). */
struct unit {
    const struct build_env *env;
    struct build_room *room;
    const struct sighting *rows;
    const uint32_t *member; /* the n rows of the day, in their order */
    size_t n;
    int64_t day;
    ts_ms day_start, min_ms;
    uint32_t *names; /* of templates, when the rare ones are gone */
    bool ascending;  /* in time, as they came */
    struct text_dict dict;
    struct usual_map usual;
    struct follow_map follow;
    struct run_writer *run;
    struct place_writer *place;
};

/* ---- lists and paths ---- */

bool
seg_list_add(struct seg_list *l, struct seg *s)
{
    if (l->n == l->room) {
        size_t room = l->room ? l->room * 2 : 16;
        struct seg **p = realloc(l->p, room * sizeof(struct seg *));
        if (!p) {
            seg_unref(s);
            return false;
        }
        l->p = p;
        l->room = room;
    }
    l->p[l->n++] = s;
    return true;
}

void
seg_list_release(struct seg_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        seg_unref(l->p[i]);
    free(l->p);
    *l = (struct seg_list){0};
}

void
build_path(char *dst, const char *dir, unsigned kind, uint64_t seq)
{
    char name[40];
    snprintf(
        name, sizeof name, "%c-%016llx.tqs", kind == SEG_PLACE ? 'p' : 'v',
        (unsigned long long)seq);
    must(os_join(dst, OS_PATH, dir, name) == OK);
}

void
build_discard(struct os_fs *fs, const char *path)
{
    enum err e = os_unlink(fs, path);
    if (e != OK)
        return; /* swept at the next start */
}

enum err
build_open(
    const struct build_env *env, unsigned kind, uint64_t seq, struct seg **out,
    struct note *note)
{
    char path[OS_PATH];
    build_path(path, env->dir, kind, seq);
    struct seg *s = NULL;
    enum err e = seg_open(env->fs, path, &s, note);
    if (e == OK)
        e = kind == SEG_PLACE ? place_prepare(s, note) : run_prepare(s, note);
    if (e == OK && s->meta.seq != seq)
        e = note_set(
            note, ERR_CORRUPT, "segment", "a segment has another's name", "数据段错名");
    if (e != OK) {
        seg_unref(s);
        return e;
    }
    *out = s;
    return OK;
}

/* ---- texts ---- */

static void
vote(struct usual *u, const struct slim *s)
{
    bool same =
        u->votes && u->device == s->device && u->rec == s->rec && u->img == s->img;
    if (same) {
        u->votes++;
    } else if (u->votes) {
        u->votes--;
    } else {
        u->device = s->device;
        u->rec = s->rec;
        u->img = s->img;
        u->votes = 1;
    }
}

static void
count_use(struct text_dict *d, uint32_t tpl)
{
    if (tpl >= TEXT_FIRST)
        d->uses[tpl - TEXT_FIRST]++;
}

static void
cut_text(struct unit *u, struct usual *slot, const struct sighting *s, struct slim *to)
{
    struct text_at at = {s->pass_ms, s->pass_ms, {0}, u->env->zone};
    struct text_val rec = text_split(&u->dict, slot->rec, s->record_id, &at);
    at.ref = text_time(&u->dict, &rec, s->pass_ms);
    at.record = s->record_id;
    struct text_val img = text_split(&u->dict, slot->img, s->image, &at);
    count_use(&u->dict, rec.tpl);
    count_use(&u->dict, img.tpl);
    to->rec = rec.tpl;
    to->rec_dt = rec.dt;
    to->rec_num = rec.num;
    to->img = img.tpl;
    to->img_dt = img.dt;
    to->img_num = img.num;
}

static bool
cut_rows(struct unit *u)
{
    uint32_t last = 0;
    u->ascending = true;
    for (size_t i = 0; i < u->n; i++) {
        const struct sighting *s = &u->rows[u->member[i]];
        struct slim *to = &u->room->slim[i];
        struct usual *slot = usual_at(&u->usual, s->site.v, s->direction);
        if (!slot)
            return false;
        to->site = s->site.v;
        to->device = s->device.v;
        to->lag_s = (int32_t)((s->arrive_ms - s->pass_ms) / 1000);
        to->speed_dkmh = s->speed_dkmh;
        to->class = s->vehicle_class;
        to->brand = s->brand;
        to->plate_color = s->plate_color;
        to->paint = s->vehicle_color;
        to->lane = s->lane;
        to->direction = s->direction;
        to->confidence = s->confidence;
        to->flags = s->flags;
        cut_text(u, slot, s, to);
        vote(slot, to);
        must(!(to->rec & SLIM_NAMED));
        if (s->plate_text.n)
            to->rec |= SLIM_NAMED;
        uint32_t t = (uint32_t)(s->pass_ms - u->day_start);
        u->ascending = u->ascending && t >= last;
        last = t;
        u->room->pairs[i] = (struct pair){s->plate.v, (uint64_t)t << 32 | i};
    }
    return true;
}

static uint32_t
renamed(const uint32_t *map, uint32_t tpl)
{
    return tpl < TEXT_FIRST ? tpl : map[tpl - TEXT_FIRST];
}

/* Drops templates that hardly repeat; their texts become literals (to_vrow). */
static bool
drop_rare(struct unit *u)
{
    struct text_dict kept = {0};
    uint32_t *map = calloc(u->dict.n ? u->dict.n : 1, sizeof *map);
    if (!map)
        return false;
    for (uint32_t i = 0; i < u->dict.n; i++)
        map[i] = u->dict.uses[i] < RARE_TEMPLATE && u->n > RARE_TEMPLATE
                     ? TEXT_LITERAL
                     : text_dict_add(&kept, u->dict.tpl[i]);
    for (uint32_t i = 0; i < u->usual.room; i++) {
        struct usual *s = &u->usual.slots[i];
        s->rec =
            renamed(map, s->rec) == TEXT_LITERAL ? TEXT_NONE : renamed(map, s->rec);
        s->img =
            renamed(map, s->img) == TEXT_LITERAL ? TEXT_NONE : renamed(map, s->img);
    }
    u->names = map;
    text_dict_release(&u->dict);
    u->dict = kept;
    return true;
}

/* ---- plate order ---- */

static inline uint32_t
place_of(const struct pair *p)
{
    return (uint32_t)p->b;
}

static inline uint32_t
time_of(const struct pair *p)
{
    return (uint32_t)(p->b >> 32);
}

static inline const struct slim *
slim_of(const struct unit *u, size_t i)
{
    return &u->room->slim[place_of(&u->room->pairs[i])];
}

static inline void
slim_ahead(const struct unit *u, size_t i)
{
    if (i + AHEAD < u->n)
        __builtin_prefetch(slim_of(u, i + AHEAD));
}

static int
tie_order(const struct unit *u, const struct pair *a, const struct pair *b)
{
    const struct sighting *x = &u->rows[u->member[place_of(a)]];
    const struct sighting *y = &u->rows[u->member[place_of(b)]];
    if (x->site.v != y->site.v)
        return x->site.v < y->site.v ? -1 : 1;
    uint32_t p = sighting_tag(x->device, x->record_id);
    uint32_t q = sighting_tag(y->device, y->record_id);
    return (p > q) - (p < q);
}

/* Equal (plate, time) by site and tag, so that equal sets of rows give equal files. */
static void
break_ties(struct unit *u)
{
    struct pair *p = u->room->pairs;
    for (size_t i = 1; i < u->n; i++) {
        struct pair it = p[i];
        size_t k = i;
        while (k > 0 && p[k - 1].a == it.a && time_of(&p[k - 1]) == time_of(&it) &&
               tie_order(u, &p[k - 1], &it) > 0) {
            p[k] = p[k - 1];
            k--;
        }
        p[k] = it;
    }
}

static void
by_plate(struct unit *u)
{
    struct build_room *r = u->room;
    if (!u->ascending)
        sort_pairs(&r->pairs, &r->spare, u->n, true, 32, 64);
    sort_pairs(&r->pairs, &r->spare, u->n, false, 0, 64);
    break_ties(u);
}

/* Which site follows which, over all plates that were read. */
static bool
learn_follow(struct unit *u)
{
    struct follow_count c = {0};
    const struct pair *p = u->room->pairs;
    bool good = true;
    uint32_t last = 0;
    for (size_t i = 0; good && i < u->n; i++) {
        if (u->n > FOLLOW_ALL && i % FOLLOW_SPAN == FOLLOW_SPAN / 4)
            i += FOLLOW_SPAN - FOLLOW_SPAN / 4;
        if (i >= u->n)
            break;
        slim_ahead(u, i);
        uint32_t site = slim_of(u, i)->site;
        if (i % FOLLOW_SPAN && p[i].a && p[i].a == p[i - 1].a)
            good = follow_count_step(&c, last, site);
        last = site;
    }
    if (good)
        return follow_learn(&c, &u->follow);
    free(c.slots);
    return false;
}

static struct looks
look_of(const struct slim *s)
{
    return (struct looks){s->plate_color, s->paint, s->class, s->brand};
}

/* The majority of each attribute (or a frequent one where there is none). */
static struct looks
usual_look(const struct unit *u, size_t from, size_t to)
{
    struct looks l = {0};
    unsigned v[4] = {0};
    for (size_t i = from; i < to; i++) {
        const struct slim *s = slim_of(u, i);
        slim_ahead(u, i);
        if (!v[0])
            l.plate_color = s->plate_color;
        v[0] += l.plate_color == s->plate_color ? 1 : -1u;
        if (!v[1])
            l.class = s->class;
        v[1] += l.class == s->class ? 1 : -1u;
        if (!v[2])
            l.paint = s->paint;
        v[2] += l.paint == s->paint ? 1 : -1u;
        if (!v[3])
            l.brand = s->brand;
        v[3] += l.brand == s->brand ? 1 : -1u;
    }
    return l;
}

/* A picture whose record id became a literal keeps its template: R stands for the text,
 * however that is kept, but a time in the record id no longer serves D8 and H2, so such
 * pictures become literals too. */
static void
to_vrow(const struct unit *u, const struct pair *p, struct vrow *out)
{
    const struct slim *s = &u->room->slim[place_of(p)];
    uint32_t was = s->rec & ~SLIM_NAMED;
    *out = (struct vrow){
        .t = u->day_start + time_of(p),
        .site = s->site,
        .device = s->device,
        .lag_s = s->lag_s,
        .speed_dkmh = s->speed_dkmh,
        .look = look_of(s),
        .lane = s->lane,
        .direction = s->direction,
        .confidence = s->confidence,
        .flags = s->flags,
        .rec = {renamed(u->names, was), s->rec_dt, s->rec_num},
        .img = {renamed(u->names, s->img), s->img_dt, s->img_num},
    };
    if (out->rec.tpl == TEXT_LITERAL && was != TEXT_LITERAL &&
        out->img.tpl != TEXT_NONE)
        out->img.tpl = TEXT_LITERAL;
    if (out->rec.tpl != TEXT_LITERAL && out->img.tpl != TEXT_LITERAL && was == s->rec)
        return;
    const struct sighting *row = &u->rows[u->member[place_of(p)]];
    out->rec_text = row->record_id;
    out->img_text = row->image;
    out->plate_text = row->plate_text;
}

static void
write_vehicles(struct unit *u)
{
    const struct pair *p = u->room->pairs;
    struct pair *place = u->room->spare;
    uint64_t rank = 0;
    for (size_t i = 0; i < u->n; rank++) {
        size_t end = i + 1;
        while (end < u->n && p[end].a == p[i].a)
            end++;
        struct looks look = usual_look(u, i, end);
        run_writer_begin(u->run, p[i].a, look);
        place_writer_plate(u->place, p[i].a, look);
        for (; i < end; i++) {
            struct vrow v;
            to_vrow(u, &p[i], &v);
            run_writer_row(u->run, &v);
            place[i].a = (uint64_t)v.site << 32 | time_of(&p[i]);
            place[i].b =
                rank << 32 | (uint64_t)v.speed_dkmh << 8 | looks_odd(v.look, look);
        }
        run_writer_end(u->run);
    }
}

/* ---- place order ---- */

/* What lies at one site and time stays in plate order. */
static void
by_place(struct unit *u)
{
    struct build_room *r = u->room;
    struct pair *t = r->pairs;
    r->pairs = r->spare;
    r->spare = t;
    sort_pairs(&r->pairs, &r->spare, u->n, false, 0, 32);
    sort_pairs(&r->pairs, &r->spare, u->n, false, 32, 64);
}

static inline uint32_t
site_of(const struct pair *p)
{
    return (uint32_t)(p->a >> 32);
}

static void
write_cells(struct unit *u, size_t from, size_t to)
{
    const struct pair *p = u->room->pairs;
    struct place_cell c = {.site = site_of(&p[from])};
    for (size_t i = from; i < to; i++) {
        ts_ms t = u->day_start + (uint32_t)p[i].a;
        uint16_t speed = (uint16_t)(p[i].b >> 8);
        int64_t bin = t / PLACE_BIN_MS - (t % PLACE_BIN_MS < 0);
        if (c.rows && bin != c.bin) {
            place_writer_cell(
                u->place, c.site, c.bin, c.rows, c.mute, c.speed_sum_dkmh);
            c.rows = c.mute = 0;
            c.speed_sum_dkmh = 0;
        }
        c.bin = bin;
        c.rows++;
        if (speed == SPEED_UNKNOWN)
            c.mute++;
        else
            c.speed_sum_dkmh += speed;
    }
    place_writer_cell(u->place, c.site, c.bin, c.rows, c.mute, c.speed_sum_dkmh);
}

static void
write_places(struct unit *u)
{
    const struct pair *p = u->room->pairs;
    for (size_t i = 0; i < u->n; i++)
        place_writer_row(
            u->place, site_of(&p[i]), u->day_start + (uint32_t)p[i].a,
            (uint32_t)(p[i].b >> 32), (uint8_t)p[i].b);
    for (size_t i = 0, end; i < u->n; i = end) {
        for (end = i + 1; end < u->n && site_of(&p[end]) == site_of(&p[i]);)
            end++;
        write_cells(u, i, end);
    }
}

/* ---- one day ---- */

static enum err
unit_open(struct unit *u, uint64_t vseq, uint64_t pseq, struct note *note)
{
    char path[OS_PATH];
    build_path(path, u->env->dir, SEG_VEHICLE, vseq);
    enum err e = run_writer_open(
        u->env->fs, path, u->env->zone, u->min_ms, &u->dict, &u->usual, &u->follow,
        &u->run, note);
    if (e != OK)
        return e;
    build_path(path, u->env->dir, SEG_PLACE, pseq);
    return place_writer_open(
        u->env->fs, path, u->env->zone, u->min_ms, &u->place, note);
}

static enum err
unit_finish(struct unit *u, uint64_t vseq, uint64_t pseq, struct note *note)
{
    struct seg_meta m = {.seq = vseq, .day_lo = u->day, .day_hi = u->day + 1};
    enum err e = run_writer_finish(u->run, &m, note);
    u->run = NULL;
    if (e != OK)
        return e;
    m = (struct seg_meta){.seq = pseq, .day_lo = u->day, .day_hi = u->day + 1};
    e = place_writer_finish(u->place, &m, note);
    u->place = NULL;
    return e;
}

static void
unit_release(struct unit *u)
{
    run_writer_drop(u->run);
    place_writer_drop(u->place);
    text_dict_release(&u->dict);
    usual_release(&u->usual);
    follow_release(&u->follow);
    free(u->names);
}

static enum err
unit_build(struct unit *u, struct seg_list *out, struct note *note)
{
    uint64_t vseq = u->env->next_seq(u->env->arg);
    uint64_t pseq = u->env->next_seq(u->env->arg);
    struct seg *s = NULL;
    enum err e = ERR_NOMEM;
    if (!cut_rows(u) || !drop_rare(u))
        goto out;
    by_plate(u);
    e = learn_follow(u) ? unit_open(u, vseq, pseq, note) : ERR_NOMEM;
    if (e != OK)
        goto out;
    write_vehicles(u);
    by_place(u);
    write_places(u);
    e = unit_finish(u, vseq, pseq, note);
    if (e == OK)
        e = build_open(u->env, SEG_VEHICLE, vseq, &s, note);
    if (e == OK)
        e = seg_list_add(out, s) ? OK : ERR_NOMEM;
    if (e == OK)
        e = build_open(u->env, SEG_PLACE, pseq, &s, note);
    if (e == OK)
        e = seg_list_add(out, s) ? OK : ERR_NOMEM;
out:
    unit_release(u);
    return e;
}

/* ---- all days ---- */

struct build_room *
build_room_new(void)
{
    return calloc(1, sizeof(struct build_room));
}

static void
room_clear(struct build_room *r)
{
    free(r->slim);
    free(r->pairs);
    free(r->spare);
    free(r->member);
    *r = (struct build_room){0};
}

void
build_room_free(struct build_room *room)
{
    if (room)
        room_clear(room);
    free(room);
}

static bool
room_for(struct build_room *r, size_t rows)
{
    if (rows <= r->rows)
        return true;
    room_clear(r);
    r->slim = aligned_alloc(64, rows * sizeof *r->slim);
    r->pairs = malloc(rows * sizeof *r->pairs);
    r->spare = malloc(rows * sizeof *r->spare);
    r->member = malloc(rows * sizeof *r->member);
    r->rows = rows;
    if (r->slim && r->pairs && r->spare && r->member)
        return true;
    room_clear(r);
    return false;
}

/* The rows of one day after those of another, in their order; how many. */
static size_t
by_day(
    struct build_room *r, const struct sighting *rows, const uint8_t *gone, size_t n,
    const struct zone *zone)
{
    int64_t least = INT64_MAX;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (gone && gone[i])
            continue;
        int64_t day = civil_day(rows[i].pass_ms, zone);
        least = day < least ? day : least;
        r->pairs[kept++] = (struct pair){(uint64_t)day, i};
    }
    for (size_t i = 0; i < kept; i++)
        r->pairs[i].a -= (uint64_t)least;
    sort_pairs(&r->pairs, &r->spare, kept, false, 0, 64);
    for (size_t i = 0; i < kept; i++)
        r->member[i] = place_of(&r->pairs[i]);
    return kept;
}

/* How many of the rows behind member `from` are of its day. */
static size_t
day_length(struct unit *u, size_t from, size_t all)
{
    size_t i = from;
    u->day = civil_day(u->rows[u->room->member[from]].pass_ms, u->env->zone);
    u->day_start = civil_day_start(u->day, u->env->zone);
    u->min_ms = INT64_MAX;
    for (; i < all; i++) {
        ts_ms t = u->rows[u->room->member[i]].pass_ms;
        if (t < u->day_start || t >= u->day_start + DAY_MS)
            break;
        u->min_ms = t < u->min_ms ? t : u->min_ms;
    }
    return i - from;
}

enum err
build_rows(
    const struct build_env *env, struct build_room *room, const struct sighting *rows,
    const uint8_t *gone, size_t n, struct seg_list *out, struct note *note)
{
    must(n <= UINT32_MAX);
    if (!room_for(room, n))
        return ERR_NOMEM;
    enum err e = OK;
    size_t kept = by_day(room, rows, gone, n, env->zone);
    for (size_t from = 0; from < kept && e == OK;) {
        struct unit u = {.env = env, .room = room, .rows = rows};
        u.member = room->member + from;
        u.n = day_length(&u, from, kept);
        from += u.n;
        e = unit_build(&u, out, note);
    }
    return e;
}
