/* SPDX-License-Identifier: Apache-2.0 */
/* Merging. Vehicle runs are merged plate by plate, rows of a plate by time; nothing is
 * joined to text on the way: templates of the inputs are renumbered into one
 * dictionary. Place segments are merged site by site over one union of their plate
 * lists. */
#include "store/sight_merge.h"

#include <stdatomic.h>
#include <stdlib.h>

#define ASK_ROWS 65536u /* rows between two looks at stop() */
#define WHOLE_BLOCKS 6u /* inputs whose blocks are decoded whole */

/* ---- vehicle runs ---- */

struct run_in {
    struct seg *seg;
    struct run_plates plates;
    struct run_plate at; /* the next plate, when `live` */
    bool live;
    struct run_rows rows;
    uint32_t *tpl; /* template number -> number in the output */
    /* while its plate is merged */
    uint64_t row, end;
    struct vrow v;
};

struct run_merge {
    const struct merge_job *job;
    struct run_in *in;
    struct run_in **heap; /* those with a next plate: the least one first */
    size_t heap_n;
    struct run_in **with; /* those that have the plate at hand; their rows by time */
    size_t with_n;
    struct text_dict dict;
    struct usual_map usual;
    struct follow_map follow;
    struct run_writer *w;
    uint64_t seq, seen, kept;
    enum err err;
};

static bool
in_open(struct run_merge *m, struct run_in *in, struct seg *s)
{
    const struct text_dict *d = run_dict(s);
    in->seg = s;
    in->tpl = calloc((size_t)d->n + TEXT_FIRST, sizeof *in->tpl);
    bool whole = m->job->n <= WHOLE_BLOCKS; /* of more, the blocks leave the cache */
    if (!in->tpl || !run_rows_init(&in->rows, s, m->job->env->zone, whole))
        return false;
    in->rows.stop = UINT64_MAX;
    in->tpl[TEXT_LITERAL] = TEXT_LITERAL;
    for (uint32_t i = 0; i < d->n; i++) {
        in->tpl[i + TEXT_FIRST] = text_dict_add(&m->dict, d->tpl[i]);
        if (in->tpl[i + TEXT_FIRST] == TEXT_LITERAL)
            return false;
    }
    run_plates_init(&in->plates, s, 0, PLATES_ALL);
    in->live = run_plates_next(&in->plates, &in->at);
    return true;
}

/* The usual of a site and direction is taken from the input with the most rows that has
 * it. */
static bool
merge_usual(struct run_merge *m)
{
    for (size_t i = 0; i < m->job->n; i++) {
        const struct usual_map *map = run_usual(m->in[i].seg);
        uint32_t weight = (uint32_t)(m->in[i].seg->meta.rows >> 4) + 1;
        for (uint32_t k = 0; k < map->room; k++) {
            const struct usual *from = &map->slots[k];
            if (!from->key)
                continue;
            struct usual *to = usual_at(
                &m->usual, (uint32_t)((from->key - 1) >> 8), (uint8_t)(from->key - 1));
            if (!to)
                return false;
            if (to->votes >= weight)
                continue;
            uint32_t n = run_dict(m->in[i].seg)->n + TEXT_FIRST;
            to->device = from->device;
            to->rec = from->rec < n ? m->in[i].tpl[from->rec] : TEXT_NONE;
            to->img = from->img < n ? m->in[i].tpl[from->img] : TEXT_NONE;
            to->votes = weight;
        }
    }
    return true;
}

/* The same for the lists of next sites. */
static bool
merge_follow(struct run_merge *m)
{
    for (size_t i = 0; i < m->job->n; i++) {
        const struct follow_map *map = run_follow(m->in[i].seg);
        uint64_t weight = m->in[i].seg->meta.rows;
        for (uint32_t k = 0; k < map->room; k++) {
            if (!map->slots[k].site)
                continue;
            struct follow *to = follow_at(&m->follow, map->slots[k].site - 1);
            if (!to)
                return false;
            if (to->weight >= weight)
                continue;
            *to = map->slots[k];
            to->weight = weight;
        }
    }
    return true;
}

/* The next row that is kept into in->v; false: none is left, or an error. */
static bool
load_row(struct run_merge *m, struct run_in *in)
{
    uint32_t n = run_dict(in->seg)->n + TEXT_FIRST;
    while (in->row < in->end) {
        uint64_t row = in->row++;
        ts_ms t;
        if (!run_rows_time(&in->rows, row, row == in->at.row, &t) ||
            !run_rows_get(&in->rows, row, t, in->at.look, &in->v) ||
            in->v.rec.tpl >= n || in->v.img.tpl >= n) {
            atomic_store(&in->seg->bad, true);
            m->err = ERR_CORRUPT;
            return false;
        }
        if (t < m->job->keep_from)
            continue;
        in->v.rec.tpl = in->tpl[in->v.rec.tpl];
        in->v.img.tpl = in->tpl[in->v.img.tpl];
        return true;
    }
    return false;
}

static uint32_t
tag_of(struct run_merge *m, const struct vrow *v)
{
    struct buf b = {0};
    struct text_at at = {v->t, v->t, {0}, m->job->env->zone};
    struct span id = v->rec_text;
    if (v->rec.tpl != TEXT_LITERAL) {
        if (!text_join(&m->dict, &v->rec, &at, &b))
            m->err = ERR_CORRUPT;
        id = span_of(b.p, b.n);
    }
    uint32_t tag = sighting_tag((struct device_id){v->device}, id);
    buf_release(&b);
    return tag;
}

static bool
row_before(struct run_merge *m, const struct vrow *a, const struct vrow *b)
{
    if (a->t != b->t)
        return a->t < b->t;
    if (a->site != b->site)
        return a->site < b->site;
    return tag_of(m, a) < tag_of(m, b);
}

static struct looks
pick_look(const struct run_merge *m)
{
    struct looks look = {0};
    uint64_t most = 0;
    for (size_t i = 0; i < m->with_n; i++) {
        const struct run_plate *at = &m->with[i]->at;
        if (at->rows > most) {
            most = at->rows;
            look = at->look;
        }
    }
    return look;
}

static bool
stop_asked(struct run_merge *m)
{
    if (m->seen++ % ASK_ROWS == 0 && m->job->stop && m->job->stop(m->job->stop_arg))
        m->err = ERR_STOPPING;
    return m->err != OK;
}

/* ---- inputs by their next plate ---- */

/* In the order of the inputs where the plate is the same: what a file holds does not
 * depend on how the heap lies. */
static bool
in_before(const struct run_in *a, const struct run_in *b)
{
    return a->at.plate != b->at.plate ? a->at.plate < b->at.plate : a < b;
}

static void
heap_sink(struct run_merge *m, size_t i)
{
    struct run_in *in = m->heap[i];
    for (size_t k; (k = 2 * i + 1) < m->heap_n; i = k) {
        if (k + 1 < m->heap_n && in_before(m->heap[k + 1], m->heap[k]))
            k++;
        if (!in_before(m->heap[k], in))
            break;
        m->heap[i] = m->heap[k];
    }
    m->heap[i] = in;
}

static bool
heap_make(struct run_merge *m)
{
    m->heap = calloc(m->job->n, sizeof *m->heap);
    m->with = calloc(m->job->n, sizeof *m->with);
    if (!m->heap || !m->with)
        return false;
    for (size_t i = 0; i < m->job->n; i++)
        if (m->in[i].live)
            m->heap[m->heap_n++] = &m->in[i];
    for (size_t i = m->heap_n / 2; i-- > 0;)
        heap_sink(m, i);
    return true;
}

static struct run_in *
heap_pop(struct run_merge *m)
{
    struct run_in *in = m->heap[0];
    m->heap[0] = m->heap[--m->heap_n];
    if (m->heap_n)
        heap_sink(m, 0);
    return in;
}

static void
heap_push(struct run_merge *m, struct run_in *in)
{
    size_t i = m->heap_n++;
    for (; i && in_before(in, m->heap[(i - 1) / 2]); i = (i - 1) / 2)
        m->heap[i] = m->heap[(i - 1) / 2];
    m->heap[i] = in;
}

/* ---- one plate ---- */

/* Puts with[from], whose row is new, where it belongs among those behind it. Runs of
 * days mostly follow one another, so it mostly stays. */
static void
with_settle(struct run_merge *m, size_t from)
{
    struct run_in *in = m->with[from];
    size_t i = from;
    for (; i + 1 < m->with_n && row_before(m, &m->with[i + 1]->v, &in->v); i++)
        m->with[i] = m->with[i + 1];
    m->with[i] = in;
}

/* Takes the inputs that have the plate; those with rows to keep stand in `with`. */
static uint64_t
take_plate(struct run_merge *m, struct run_in **took, size_t *took_n)
{
    uint64_t plate = m->heap[0]->at.plate;
    *took_n = 0;
    while (m->heap_n && m->heap[0]->at.plate == plate) {
        struct run_in *in = heap_pop(m);
        in->row = in->at.row;
        in->end = in->at.row + in->at.rows;
        took[(*took_n)++] = in;
    }
    return plate;
}

static void
write_rows(struct run_merge *m, uint64_t plate, struct run_in **took, size_t took_n)
{
    m->with_n = 0;
    for (size_t i = 0; i < took_n; i++)
        if (load_row(m, took[i]))
            m->with[m->with_n++] = took[i];
    if (!m->with_n || m->err != OK)
        return;
    for (size_t i = m->with_n; i-- > 0;)
        with_settle(m, i);
    run_writer_begin(m->w, plate, pick_look(m));
    for (size_t first = 0; first < m->with_n && !stop_asked(m);) {
        run_writer_row(m->w, &m->with[first]->v);
        m->kept++;
        if (load_row(m, m->with[first]))
            with_settle(m, first);
        else
            first++;
    }
    if (m->err == OK)
        run_writer_end(m->w);
}

static void
write_runs(struct run_merge *m)
{
    struct run_in **took = calloc(m->job->n, sizeof *took);
    size_t took_n;
    if (!took || !heap_make(m))
        m->err = ERR_NOMEM;
    while (m->err == OK && m->heap_n) {
        uint64_t plate = take_plate(m, took, &took_n);
        write_rows(m, plate, took, took_n);
        for (size_t i = 0; i < took_n; i++) {
            struct run_in *in = took[i];
            in->live = run_plates_next(&in->plates, &in->at);
            if (in->live)
                heap_push(m, in);
            if (in->seg->bad)
                m->err = ERR_CORRUPT;
        }
    }
    free(took);
}

static ts_ms
least_time(const struct merge_job *job)
{
    ts_ms t = INT64_MAX;
    for (size_t i = 0; i < job->n; i++)
        t = job->in[i]->meta.min_ms < t ? job->in[i]->meta.min_ms : t;
    return t > job->keep_from ? t : job->keep_from;
}

static enum err
merge_runs_into(struct run_merge *m, struct seg **out, struct note *note)
{
    char path[OS_PATH];
    struct seg_meta meta = {
        .level = m->job->level,
        .seq = m->seq,
        .day_lo = m->job->day_lo,
        .day_hi = m->job->day_hi};
    build_path(path, m->job->env->dir, SEG_VEHICLE, m->seq);
    /* the dictionary is still read for ties while the writer owns it: give it a copy */
    struct text_dict copy = {0};
    for (uint32_t i = 0; i < m->dict.n; i++)
        if (text_dict_add(&copy, m->dict.tpl[i]) != i + TEXT_FIRST) {
            text_dict_release(&copy);
            return ERR_NOMEM;
        }
    enum err e = run_writer_open(
        m->job->env->fs, path, m->job->env->zone, least_time(m->job), &copy, &m->usual,
        &m->follow, &m->w, note);
    if (e != OK)
        return e;
    write_runs(m);
    if (m->err != OK || !m->kept) {
        run_writer_drop(m->w);
        build_discard(m->job->env->fs, path);
        return m->err;
    }
    e = run_writer_finish(m->w, &meta, note);
    return e == OK ? build_open(m->job->env, SEG_VEHICLE, m->seq, out, note) : e;
}

enum err
merge_runs(
    const struct merge_job *job, struct seg **out, uint64_t *dropped, struct note *note)
{
    struct run_merge m = {.job = job, .seq = job->env->next_seq(job->env->arg)};
    uint64_t all = 0;
    *out = NULL;
    m.in = calloc(job->n, sizeof *m.in);
    enum err e = m.in ? OK : ERR_NOMEM;
    for (size_t i = 0; i < job->n && e == OK; i++) {
        e = in_open(&m, &m.in[i], job->in[i]) ? OK : ERR_NOMEM;
        all += job->in[i]->meta.rows;
    }
    if (e == OK)
        e = merge_usual(&m) && merge_follow(&m) ? merge_runs_into(&m, out, note)
                                                : ERR_NOMEM;
    for (size_t i = 0; m.in && i < job->n; i++) {
        run_rows_release(&m.in[i].rows);
        free(m.in[i].tpl);
    }
    free(m.in);
    free(m.heap);
    free(m.with);
    text_dict_release(&m.dict);
    usual_release(&m.usual);
    follow_release(&m.follow);
    *dropped = all - m.kept;
    if (e == ERR_CORRUPT)
        return note_set(
            note, e, "segment", "a vehicle run is damaged", "车辆数据段已损坏");
    return e;
}

/* ---- place segments ---- */

struct place_in {
    struct seg *seg;
    uint64_t *plates; /* by rank */
    struct looks *looks;
    uint64_t n, at;
    uint32_t *rank; /* rank -> rank in the output */
    uint8_t *other; /* by rank: where the usual look differs from the output's */
    const struct place_site *sites;
    size_t sites_n, site_at;
    struct place_rows rows;
    struct place_cells cells;
    /* while its site is merged */
    uint64_t row, end;
    bool has, has_cell;
    ts_ms t;
    uint32_t out_rank;
    uint8_t odd;
    struct place_cell cell;
};

struct place_merge {
    const struct merge_job *job;
    struct place_in *in;
    struct place_writer *w;
    uint64_t seen;
    enum err err;
};

static bool
place_in_open(struct place_in *in, struct seg *s)
{
    in->seg = s;
    in->n = s->table[PLACE_PLATES].rows;
    in->plates = place_plates_all(s, &in->looks);
    in->rank = calloc(in->n ? in->n : 1, sizeof *in->rank);
    in->other = calloc(in->n ? in->n : 1, 1);
    in->sites = place_sites(s, &in->sites_n);
    place_rows_init(&in->rows, s);
    place_cells_init(&in->cells, s);
    return in->plates && in->rank && in->other;
}

static void
place_in_release(struct place_in *in)
{
    free(in->plates);
    free(in->looks);
    free(in->rank);
    free(in->other);
}

/* The union of the plate lists; the usual look comes from the first input that has it.
 */
static void
merge_plates(struct place_merge *m)
{
    for (uint32_t rank = 0;; rank++) {
        uint64_t plate = 0;
        const struct looks *look = NULL;
        for (size_t i = 0; i < m->job->n; i++) {
            struct place_in *in = &m->in[i];
            if (in->at < in->n && (!look || in->plates[in->at] < plate)) {
                plate = in->plates[in->at];
                look = &in->looks[in->at];
            }
        }
        if (!look)
            return;
        place_writer_plate(m->w, plate, *look);
        for (size_t i = 0; i < m->job->n; i++) {
            struct place_in *in = &m->in[i];
            if (in->at >= in->n || in->plates[in->at] != plate)
                continue;
            in->other[in->at] = looks_odd(in->looks[in->at], *look);
            in->rank[in->at++] = rank;
        }
    }
}

static void
place_load(struct place_merge *m, struct place_in *in)
{
    in->has = false;
    if (in->row >= in->end)
        return;
    uint64_t row = in->row++, rank;
    uint8_t odd;
    if (!place_time(&in->rows, row, row == in->sites[in->site_at].row, &in->t) ||
        !place_rank(&in->rows, row, &rank, &odd)) {
        m->err = ERR_CORRUPT;
        return;
    }
    in->out_rank = in->rank[rank];
    in->odd = odd | in->other[rank];
    in->has = true;
}

static void
merge_site_rows(struct place_merge *m, uint32_t site)
{
    while (m->err == OK) {
        struct place_in *best = NULL;
        for (size_t i = 0; i < m->job->n; i++) {
            struct place_in *in = &m->in[i];
            if (in->has && (!best || in->t < best->t ||
                            (in->t == best->t && in->out_rank < best->out_rank)))
                best = in;
        }
        if (!best)
            return;
        place_writer_row(m->w, site, best->t, best->out_rank, best->odd);
        if (m->seen++ % ASK_ROWS == 0 && m->job->stop && m->job->stop(m->job->stop_arg))
            m->err = ERR_STOPPING;
        place_load(m, best);
    }
}

/* The least site not yet done, opening it in the inputs that have it. */
static bool
next_site(struct place_merge *m, uint32_t *site)
{
    bool any = false;
    for (size_t i = 0; i < m->job->n; i++) {
        struct place_in *in = &m->in[i];
        if (in->site_at < in->sites_n &&
            (!any || in->sites[in->site_at].site < *site)) {
            *site = in->sites[in->site_at].site;
            any = true;
        }
    }
    return any;
}

static void
merge_rows(struct place_merge *m)
{
    uint32_t site = 0;
    while (m->err == OK && next_site(m, &site)) {
        for (size_t i = 0; i < m->job->n; i++) {
            struct place_in *in = &m->in[i];
            in->has = false;
            if (in->site_at >= in->sites_n || in->sites[in->site_at].site != site)
                continue;
            in->row = in->sites[in->site_at].row;
            in->end = in->row + in->sites[in->site_at].rows;
            place_load(m, in);
        }
        merge_site_rows(m, site);
        for (size_t i = 0; i < m->job->n; i++)
            if (m->in[i].site_at < m->in[i].sites_n &&
                m->in[i].sites[m->in[i].site_at].site == site)
                m->in[i].site_at++;
    }
}

static void
merge_site_cells(struct place_merge *m, uint32_t site)
{
    for (;;) {
        struct place_cell sum = {.site = site};
        bool any = false;
        for (size_t i = 0; i < m->job->n; i++)
            if (m->in[i].has_cell && (!any || m->in[i].cell.bin < sum.bin)) {
                sum.bin = m->in[i].cell.bin;
                any = true;
            }
        if (!any)
            return;
        for (size_t i = 0; i < m->job->n; i++) {
            struct place_in *in = &m->in[i];
            if (!in->has_cell || in->cell.bin != sum.bin)
                continue;
            sum.rows += in->cell.rows;
            sum.mute += in->cell.mute;
            sum.speed_sum_dkmh += in->cell.speed_sum_dkmh;
            in->has_cell = place_cells_next(&in->cells, &in->cell);
        }
        place_writer_cell(m->w, site, sum.bin, sum.rows, sum.mute, sum.speed_sum_dkmh);
    }
}

static void
merge_cells(struct place_merge *m)
{
    uint32_t site = 0;
    for (size_t i = 0; i < m->job->n; i++)
        m->in[i].site_at = 0;
    while (m->err == OK && next_site(m, &site)) {
        for (size_t i = 0; i < m->job->n; i++) {
            struct place_in *in = &m->in[i];
            in->has_cell = false;
            if (in->site_at >= in->sites_n || in->sites[in->site_at].site != site)
                continue;
            place_cells_site(&in->cells, &in->sites[in->site_at++]);
            in->has_cell = place_cells_next(&in->cells, &in->cell);
        }
        merge_site_cells(m, site);
    }
    for (size_t i = 0; i < m->job->n; i++)
        if (m->in[i].seg->bad)
            m->err = ERR_CORRUPT;
}

static enum err
merge_places_into(
    struct place_merge *m, uint64_t seq, struct seg **out, struct note *note)
{
    char path[OS_PATH];
    struct seg_meta meta = {
        .level = m->job->level,
        .seq = seq,
        .day_lo = m->job->day_lo,
        .day_hi = m->job->day_hi};
    build_path(path, m->job->env->dir, SEG_PLACE, seq);
    enum err e = place_writer_open(
        m->job->env->fs, path, m->job->env->zone, least_time(m->job), &m->w, note);
    if (e != OK)
        return e;
    merge_plates(m);
    merge_rows(m);
    if (m->err == OK)
        merge_cells(m);
    if (m->err != OK) {
        place_writer_drop(m->w);
        build_discard(m->job->env->fs, path);
        return m->err;
    }
    e = place_writer_finish(m->w, &meta, note);
    return e == OK ? build_open(m->job->env, SEG_PLACE, seq, out, note) : e;
}

enum err
merge_places(const struct merge_job *job, struct seg **out, struct note *note)
{
    struct place_merge m = {.job = job};
    uint64_t seq = job->env->next_seq(job->env->arg);
    m.in = calloc(job->n, sizeof *m.in);
    enum err e = m.in ? OK : ERR_NOMEM;
    for (size_t i = 0; i < job->n && e == OK; i++)
        if (!place_in_open(&m.in[i], job->in[i]))
            e = job->in[i]->bad ? ERR_CORRUPT : ERR_NOMEM;
    if (e == OK)
        e = merge_places_into(&m, seq, out, note);
    for (size_t i = 0; m.in && i < job->n; i++)
        place_in_release(&m.in[i]);
    free(m.in);
    if (e == ERR_CORRUPT)
        return note_set(
            note, e, "segment", "a place segment is damaged", "点位数据段已损坏");
    return e;
}
