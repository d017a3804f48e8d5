/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing. One radix sort by time serves both orders: a stable sort by plate on top of
 * it makes the vehicle run, a stable sort by site the place segment. Texts are cut
 * once, in arrival order, where the device's last template is the best guess. */
#include "store/sight_build.h"

#include <stdio.h>
#include <stdlib.h>

#define RADIX_BITS 11u
#define AHEAD                                                                          \
    12u /* rows asked for before they are needed: sorted order is random               \
           order in memory */
#define RARE_TEMPLATE 3u /* fewer uses in a day: kept verbatim instead */

struct item {
    uint64_t key;
    uint32_t t; /* milliseconds into the day */
    uint32_t row;
};

struct texts {
    struct text_val rec, img;
};

/* What is asked of a row out of its order: where it was, and, once its plate has a
 * rank, what the place segment wants. Small, so that many stay in the cache. */
struct place_note {
    union {
        uint32_t site, rank;
    };
    uint16_t speed;
    uint8_t odd;
};

/* One day's share of the rows. */
struct unit {
    const struct build_env *env;
    const struct sighting *rows;
    int64_t day;
    ts_ms day_start, min_ms;
    struct item *items, *spare;
    uint32_t *member; /* the n rows of the day, in their order */
    size_t n;
    struct texts *texts; /* by position in `rows` */
    struct text_dict dict;
    struct usual_map usual;
    struct follow_map follow;
    struct place_note *notes; /* by position in `rows` */
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

/* ---- sorting ---- */

static inline void
row_ahead(const struct unit *u, size_t i)
{
    if (i + AHEAD >= u->n)
        return;
    uint32_t row = u->items[i + AHEAD].row;
    const char *p = (const char *)&u->rows[row], *t = (const char *)&u->texts[row];
    __builtin_prefetch(p);
    __builtin_prefetch(p + 64);
    __builtin_prefetch(t);
    __builtin_prefetch(t + sizeof *u->texts - 1);
    __builtin_prefetch(&u->notes[row], 1);
}

/* Stable, least significant digit first; digits on which all agree are skipped. */
static void
radix(struct unit *u, bool by_time, unsigned bits)
{
    static const size_t buckets = 1u << RADIX_BITS;
    for (unsigned shift = 0; shift < bits; shift += RADIX_BITS) {
        uint32_t count[1u << RADIX_BITS] = {0};
        for (size_t i = 0; i < u->n; i++) {
            uint64_t k = by_time ? u->items[i].t : u->items[i].key;
            count[k >> shift & (buckets - 1)]++;
        }
        uint32_t at = 0;
        bool same = false;
        for (size_t b = 0; b < buckets; b++) {
            uint32_t c = count[b];
            same = same || c == u->n;
            count[b] = at;
            at += c;
        }
        if (same)
            continue;
        for (size_t i = 0; i < u->n; i++) {
            uint64_t k = by_time ? u->items[i].t : u->items[i].key;
            u->spare[count[k >> shift & (buckets - 1)]++] = u->items[i];
        }
        struct item *t = u->items;
        u->items = u->spare;
        u->spare = t;
    }
}

static int
tie_order(const struct unit *u, const struct item *a, const struct item *b)
{
    const struct sighting *x = &u->rows[a->row], *y = &u->rows[b->row];
    if (x->site.v != y->site.v)
        return x->site.v < y->site.v ? -1 : 1;
    if (x->plate.v != y->plate.v)
        return x->plate.v < y->plate.v ? -1 : 1;
    uint32_t p = sighting_tag(x->device, x->record_id);
    uint32_t q = sighting_tag(y->device, y->record_id);
    return (p > q) - (p < q);
}

/* Equal (key, time) by site, plate, tag, so that equal sets of rows give equal files.
 */
static void
break_ties(struct unit *u)
{
    for (size_t i = 1; i < u->n; i++) {
        struct item it = u->items[i];
        size_t k = i;
        while (k > 0 && u->items[k - 1].key == it.key && u->items[k - 1].t == it.t &&
               tie_order(u, &u->items[k - 1], &it) > 0) {
            u->items[k] = u->items[k - 1];
            k--;
        }
        u->items[k] = it;
    }
}

/* ---- texts ---- */

static void
vote(struct usual *u, const struct sighting *s, const struct texts *t)
{
    bool same = u->votes && u->device == s->device.v && u->rec == t->rec.tpl &&
                u->img == t->img.tpl;
    if (same) {
        u->votes++;
    } else if (u->votes) {
        u->votes--;
    } else {
        u->device = s->device.v;
        u->rec = t->rec.tpl;
        u->img = t->img.tpl;
        u->votes = 1;
    }
}

static bool
cut_texts(struct unit *u)
{
    for (size_t i = 0; i < u->n; i++) {
        uint32_t row = u->member[i];
        const struct sighting *s = &u->rows[row];
        struct texts *t = &u->texts[row];
        struct usual *slot = usual_at(&u->usual, s->site.v, s->direction);
        if (!slot)
            return false;
        struct text_at at = {s->pass_ms, s->pass_ms, {0}, u->env->zone};
        t->rec = text_split(&u->dict, slot->rec, s->record_id, &at);
        at.ref = text_time(&u->dict, &t->rec, s->pass_ms);
        at.record = s->record_id;
        t->img = text_split(&u->dict, slot->img, s->image, &at);
        vote(slot, s, t);
        if (t->rec.tpl >= TEXT_FIRST)
            u->dict.uses[t->rec.tpl - TEXT_FIRST]++;
        if (t->img.tpl >= TEXT_FIRST)
            u->dict.uses[t->img.tpl - TEXT_FIRST]++;
    }
    return true;
}

static uint32_t
renamed(const uint32_t *map, uint32_t tpl)
{
    return tpl < TEXT_FIRST ? tpl : map[tpl - TEXT_FIRST];
}

/* Drops templates that hardly repeat; their texts become literals. A picture whose
 * record id became one keeps its template: R stands for the text, however that is kept,
 * but a time in the record id no longer serves D8 and H2, so such pictures become
 * literals too. */
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
    for (size_t i = 0; i < u->n; i++) {
        struct texts *t = &u->texts[u->member[i]];
        uint32_t rec = renamed(map, t->rec.tpl);
        t->img.tpl = renamed(map, t->img.tpl);
        if (rec == TEXT_LITERAL && t->rec.tpl != TEXT_LITERAL &&
            t->img.tpl != TEXT_NONE)
            t->img.tpl = TEXT_LITERAL;
        t->rec.tpl = rec;
    }
    for (uint32_t i = 0; i < u->usual.room; i++) {
        struct usual *s = &u->usual.slots[i];
        s->rec =
            renamed(map, s->rec) == TEXT_LITERAL ? TEXT_NONE : renamed(map, s->rec);
        s->img =
            renamed(map, s->img) == TEXT_LITERAL ? TEXT_NONE : renamed(map, s->img);
    }
    free(map);
    text_dict_release(&u->dict);
    u->dict = kept;
    return true;
}

/* ---- rows ---- */

static struct looks
look_of(const struct sighting *s)
{
    return (struct looks){s->plate_color, s->vehicle_color, s->vehicle_class, s->brand};
}

/* The majority of each attribute (or a frequent one where there is none). */
static struct looks
usual_look(const struct unit *u, size_t from, size_t to)
{
    struct looks l = {0};
    unsigned v[4] = {0};
    for (size_t i = from; i < to; i++) {
        const struct sighting *s = &u->rows[u->items[i].row];
        row_ahead(u, i);
        if (!v[0])
            l.plate_color = s->plate_color;
        v[0] += l.plate_color == s->plate_color ? 1 : -1u;
        if (!v[1])
            l.class = s->vehicle_class;
        v[1] += l.class == s->vehicle_class ? 1 : -1u;
        if (!v[2])
            l.paint = s->vehicle_color;
        v[2] += l.paint == s->vehicle_color ? 1 : -1u;
        if (!v[3])
            l.brand = s->brand;
        v[3] += l.brand == s->brand ? 1 : -1u;
    }
    return l;
}

static void
to_vrow(const struct unit *u, uint32_t row, struct vrow *out)
{
    const struct sighting *s = &u->rows[row];
    const struct texts *t = &u->texts[row];
    *out = (struct vrow){
        .t = s->pass_ms,
        .site = s->site.v,
        .device = s->device.v,
        .lag_s = (int32_t)((s->arrive_ms - s->pass_ms) / 1000),
        .speed_dkmh = s->speed_dkmh,
        .look = look_of(s),
        .lane = s->lane,
        .direction = s->direction,
        .confidence = s->confidence,
        .flags = s->flags,
        .rec = t->rec,
        .img = t->img,
        .rec_text = s->record_id,
        .img_text = s->image,
        .plate_text = s->plate_text,
    };
}

static void
write_vehicles(struct unit *u)
{
    uint32_t rank = 0;
    for (size_t i = 0; i < u->n; rank++) {
        size_t end = i + 1;
        while (end < u->n && u->items[end].key == u->items[i].key)
            end++;
        struct looks look = usual_look(u, i, end);
        run_writer_begin(u->run, u->items[i].key, look);
        place_writer_plate(u->place, u->items[i].key, look);
        for (; i < end; i++) {
            struct vrow v;
            uint32_t row = u->items[i].row;
            to_vrow(u, row, &v);
            run_writer_row(u->run, &v);
            struct place_note *note = &u->notes[row];
            note->rank = rank;
            note->speed = v.speed_dkmh;
            note->odd = looks_odd(v.look, look);
        }
        run_writer_end(u->run);
    }
}

/* Which site follows which, over all plates that were read (items are sorted by plate).
 */
static bool
learn_follow(struct unit *u)
{
    struct follow_count c = {0};
    bool good = true;
    uint32_t last = 0;
    for (size_t i = 0; good && i < u->n; i++) {
        if (i + AHEAD < u->n)
            __builtin_prefetch(&u->notes[u->items[i + AHEAD].row]);
        uint32_t site = u->notes[u->items[i].row].site;
        if (i && u->items[i].key && u->items[i].key == u->items[i - 1].key)
            good = follow_count_step(&c, last, site);
        last = site;
    }
    if (good)
        return follow_learn(&c, &u->follow);
    free(c.slots);
    return false;
}

/* Items are sorted by site, then time: the rows themselves are not needed any more. */
static void
write_cells(struct unit *u, size_t from, size_t to)
{
    struct place_cell c = {.site = (uint32_t)u->items[from].key};
    for (size_t i = from; i < to; i++) {
        ts_ms t = u->day_start + u->items[i].t;
        uint16_t speed = u->notes[u->items[i].row].speed;
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
    for (size_t i = 0; i < u->n; i++) {
        const struct item *it = &u->items[i];
        if (i + AHEAD < u->n)
            __builtin_prefetch(&u->notes[u->items[i + AHEAD].row]);
        const struct place_note *note = &u->notes[it->row];
        place_writer_row(
            u->place, (uint32_t)it->key, u->day_start + it->t, note->rank, note->odd);
    }
    for (size_t i = 0, end; i < u->n; i = end) {
        for (end = i + 1; end < u->n && u->items[end].key == u->items[i].key;)
            end++;
        write_cells(u, i, end);
    }
}

/* The day's items in the order of the rows, keyed by site or by plate. */
static void
unit_items(struct unit *u, bool by_site)
{
    for (size_t i = 0; i < u->n; i++) {
        const struct sighting *s = &u->rows[u->member[i]];
        u->items[i] = (struct item){
            by_site ? s->site.v : s->plate.v, (uint32_t)(s->pass_ms - u->day_start),
            u->member[i]};
        if (!by_site)
            u->notes[u->member[i]].site = s->site.v;
    }
}

/* Collects the rows of the day of row `first` and of no earlier collected one. */
static void
unit_collect(struct unit *u, size_t all, size_t first, uint8_t *done)
{
    u->day = civil_day(u->rows[first].pass_ms, u->env->zone);
    u->day_start = civil_day_start(u->day, u->env->zone);
    ts_ms end = u->day_start + DAY_MS;
    u->n = 0;
    u->min_ms = INT64_MAX;
    for (size_t i = first; i < all; i++) {
        ts_ms t = u->rows[i].pass_ms;
        if (done[i] || t < u->day_start || t >= end)
            continue;
        done[i] = 1;
        u->member[u->n++] = (uint32_t)i;
        u->min_ms = t < u->min_ms ? t : u->min_ms;
    }
    unit_items(u, false);
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
}

static enum err
unit_build(struct unit *u, struct seg_list *out, struct note *note)
{
    uint64_t vseq = u->env->next_seq(u->env->arg);
    uint64_t pseq = u->env->next_seq(u->env->arg);
    struct seg *s = NULL;
    enum err e = ERR_NOMEM;
    if (!cut_texts(u) || !drop_rare(u))
        goto out;
    radix(u, true, 27);
    radix(u, false, 64);
    break_ties(u);
    e = learn_follow(u) ? unit_open(u, vseq, pseq, note) : ERR_NOMEM;
    if (e != OK)
        goto out;
    write_vehicles(u);
    unit_items(u, true);
    radix(u, true, 27);
    radix(u, false, 32);
    break_ties(u);
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

struct scratch {
    struct item *items, *spare;
    struct texts *texts;
    struct place_note *notes;
    uint32_t *member;
    uint8_t *done;
};

static void
scratch_release(struct scratch *x)
{
    free(x->items);
    free(x->spare);
    free(x->texts);
    free(x->notes);
    free(x->member);
    free(x->done);
}

static bool
scratch_init(struct scratch *x, size_t n)
{
    x->items = malloc(n * sizeof *x->items);
    x->spare = malloc(n * sizeof *x->spare);
    x->texts = malloc(n * sizeof *x->texts);
    x->notes = malloc(n * sizeof *x->notes);
    x->member = malloc(n * sizeof *x->member);
    x->done = calloc(n, 1);
    return x->items && x->spare && x->texts && x->notes && x->member && x->done;
}

enum err
build_rows(
    const struct build_env *env, const struct sighting *rows, size_t n,
    struct seg_list *out, struct note *note)
{
    struct scratch x = {0};
    enum err e = OK;
    must(n <= UINT32_MAX);
    if (!scratch_init(&x, n ? n : 1))
        e = ERR_NOMEM;
    for (size_t first = 0; first < n && e == OK; first++) {
        if (x.done[first])
            continue;
        struct unit u = {
            .env = env,
            .rows = rows,
            .items = x.items,
            .spare = x.spare,
            .texts = x.texts,
            .notes = x.notes,
            .member = x.member};
        unit_collect(&u, n, first, x.done);
        e = unit_build(&u, out, note);
        x.items = u.items;
        x.spare = u.spare;
    }
    scratch_release(&x);
    return e;
}
