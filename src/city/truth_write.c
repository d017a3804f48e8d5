/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a city's truth that need all of it: references grouped by subject, what
 * was planned, and the README that says what each file holds. */
#include "city/truth_own.h"

#include <stdlib.h>
#include <string.h>

#include "city/rnd.h"

enum { WHAT_CLUE = 801 };

static void
put_id(struct out *o, const struct ref *r)
{
    struct city_rec rec = {
        .time_ms = r->time_ms,
        .site = r->site,
        .seq = r->seq,
        .direction = r->direction};
    char id[CITY_RECORD_ID];
    buf_text(&o->b, city_record_id(&rec, id));
}

static int
by_key(const void *a, const void *b)
{
    const struct ref *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    if (x->site != y->site)
        return x->site < y->site ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static struct refs *
sorted(struct truth *t, enum list list)
{
    struct refs *l = &t->list[list];
    if (l->n)
        qsort(l->p, l->n, sizeof *l->p, by_key);
    return l;
}

/* One past the last reference with the key of refs[i]. */
static size_t
group_end(const struct refs *l, size_t i)
{
    size_t j = i;
    while (j < l->n && l->p[j].key == l->p[i].key)
        j++;
    return j;
}

static void
put_ids(struct out *o, const struct refs *l, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (i > from)
            buf_u8(&o->b, ' ');
        put_id(o, &l->p[i]);
    }
}

static void
end(struct truth *t, struct out *o)
{
    struct note note;
    memset(&note, 0, sizeof note);
    enum err e = out_close(o, &note);
    if (e && !t->err) {
        t->err = e;
        t->note = note;
    }
}

static bool
clean_site(const struct truth *t, int site)
{
    const struct camera_site *s = &t->city->camera.site[site];
    return !s->skew_ms && !s->drift_ms_day && s->step_at_ms == INT64_MAX &&
           !s->next_day && site != t->city->camera.moved_site;
}

/* Two exact reads, one of each car, that no car could have made: more than 150 km/h as
 * the crow flies over at least 1.5 km, between cameras with right clocks and places. */
static bool
contradicts(
    const struct truth *t, const struct refs *l, size_t a0, size_t a1, size_t b0,
    size_t b1)
{
    const struct shape_site *s = t->city->shape.site;
    for (size_t i = a0, j0 = b0; i < a1; i++) {
        const struct ref *a = &l->p[i];
        while (j0 < b1 && l->p[j0].time_ms < a->time_ms - 30 * MINUTE_MS)
            j0++;
        for (size_t j = j0; j < b1 && l->p[j].time_ms < a->time_ms + 30 * MINUTE_MS;
             j++) {
            const struct ref *b = &l->p[j];
            int64_t gap = llabs(a->time_ms - b->time_ms);
            int32_t m = shape_dist(
                s[a->site].x_m, s[a->site].y_m, s[b->site].x_m, s[b->site].y_m);
            if (m >= 1500 && (int64_t)m * 3600 > gap * 150 && clean_site(t, a->site) &&
                clean_site(t, b->site))
                return true;
        }
    }
    return false;
}

static void
write_clones(struct truth *t)
{
    struct out o = {0};
    struct refs *l = sorted(t, LIST_CLONES);
    truth_begin(
        t, &o, "clones.csv",
        "plate,vehicle_a,vehicle_b,record_ids_a,record_ids_b,detectable\n");
    if (t->err)
        return;
    size_t i = 0;
    for (uint32_t k = 0; k < t->city->plan.clones_n; k++) {
        while (i < l->n && l->p[i].key >> 1 < k)
            i++;
        size_t a1 = i, b1;
        while (a1 < l->n && l->p[a1].key == (uint64_t)k << 1)
            a1++;
        for (b1 = a1; b1 < l->n && l->p[b1].key == ((uint64_t)k << 1 | 1);)
            b1++;
        uint32_t a = t->city->plan.clones[k].a;
        if (b1 > a1) { /* a double that nobody saw is no truth */
            buf_fmt(&o.b, "%s,V%u,V%u,", truth_plate(t, a), a, t->city->fleet.n + k);
            put_ids(&o, l, i, a1);
            buf_u8(&o.b, ',');
            put_ids(&o, l, a1, b1);
            buf_fmt(&o.b, ",%d\n", contradicts(t, l, i, a1, a1, b1));
            out_row(&o);
        }
        i = b1;
    }
    end(t, &o);
}

/* plate, record ids: one row a subject. */
static void
write_plates(struct truth *t, enum list list, const char *name)
{
    struct out o = {0};
    struct refs *l = sorted(t, list);
    truth_begin(t, &o, name, "plate,record_ids\n");
    if (t->err)
        return;
    for (size_t i = 0, j; i < l->n; i = j) {
        j = group_end(l, i);
        buf_fmt(&o.b, "%s,", truth_plate(t, (uint32_t)l->p[i].key));
        put_ids(&o, l, i, j);
        buf_u8(&o.b, '\n');
        out_row(&o);
    }
    end(t, &o);
}

static void
write_status(struct truth *t)
{
    struct out o = {0};
    struct refs *l = sorted(t, LIST_STATUS);
    truth_begin(t, &o, "status.csv", "plate,status,record_ids\n");
    if (t->err)
        return;
    for (size_t i = 0, j; i < l->n; i = j) {
        uint32_t worn = (uint32_t)l->p[i].key;
        j = group_end(l, i);
        buf_fmt(&o.b, "%s,%s,", truth_plate(t, worn), truth_status(t->city, worn));
        put_ids(&o, l, i, j);
        buf_u8(&o.b, '\n');
        out_row(&o);
    }
    end(t, &o);
}

static void
write_bans(struct truth *t)
{
    struct out o = {0};
    struct refs *l = sorted(t, LIST_BANS);
    truth_begin(t, &o, "bans.csv", "plate,zone,from,to,permit,record_ids\n");
    if (t->err)
        return;
    for (size_t i = 0, j; i < l->n; i = j) {
        uint32_t worn = (uint32_t)(l->p[i].key >> 16);
        j = group_end(l, i);
        buf_fmt(
            &o.b, "%s,%s,%lld,%lld,%d,", truth_plate(t, worn),
            t->city->shape.zone[l->p[i].key >> 12 & 15].code,
            (long long)l->p[i].time_ms, (long long)l->p[j - 1].time_ms,
            t->city->plan.part[worn] == PART_PERMIT);
        put_ids(&o, l, i, j);
        buf_u8(&o.b, '\n');
        out_row(&o);
    }
    end(t, &o);
}

static void
write_curfew(struct truth *t)
{
    struct out o = {0};
    struct refs *l = sorted(t, LIST_CURFEW);
    truth_begin(t, &o, "curfew.csv", "plate,from,to,record_ids\n");
    if (t->err)
        return;
    for (size_t i = 0, j; i < l->n; i = j) {
        j = group_end(l, i);
        buf_fmt(
            &o.b, "%s,%lld,%lld,", truth_plate(t, (uint32_t)(l->p[i].key >> 12)),
            (long long)l->p[i].time_ms, (long long)l->p[j - 1].time_ms);
        put_ids(&o, l, i, j);
        buf_u8(&o.b, '\n');
        out_row(&o);
    }
    end(t, &o);
}

/* What a witness or a piece of broken plastic tells: window, place, look, two plate
 * characters. */
static void
write_scenes(struct truth *t)
{
    static const char *const damage[3] = {
        "right mirror", "left headlamp", "front bumper"};
    const struct plan *p = &t->city->plan;
    struct out o = {0};
    struct refs *l = sorted(t, LIST_SCENES);
    truth_begin(
        t, &o, "hitrun.csv",
        "scene,vehicle,from,to,lon,lat,partial_plate,vehicle_class,vehicle_color,brand,"
        "damage,"
        "upstream,downstream,record_ids_after\n");
    if (t->err)
        return;
    for (uint32_t k = 0; k < p->scenes_n; k++) {
        const struct plan_scene *s = &p->scenes[k];
        size_t i = 0, mid, j;
        while (i < l->n && l->p[i].key < (uint64_t)k << 1)
            i++;
        for (mid = i; mid < l->n && l->p[mid].key == (uint64_t)k << 1;)
            mid++;
        for (j = mid; j < l->n && l->p[j].key == ((uint64_t)k << 1 | 1);)
            j++;
        if (!s->done || mid == i || j == mid)
            continue;
        uint64_t h = rnd_hash(t->city->opts.seed, WHAT_CLUE, k);
        struct fleet_vehicle v = fleet_get(&t->city->fleet, s->car);
        ts_ms at = t->city->opts.from_ms + s->t_ms;
        const char *plate = truth_plate(t, s->car);
        size_t n = strlen(plate);
        buf_fmt(
            &o.b, "H%02u,%s,%lld,%lld,", k + 1, plate, (long long)(at - 5 * MINUTE_MS),
            (long long)(at + 5 * MINUTE_MS));
        out_e7(&o, shape_lon(s->x_m));
        buf_u8(&o.b, ',');
        out_e7(&o, shape_lat(s->y_m));
        if ((h & 3) == 0)
            buf_fmt(&o.b, ",");
        else
            buf_fmt(&o.b, ",*%.2s", plate + n - 2);
        buf_fmt(
            &o.b, ",%s,%d,%d,%s,", v.vehicle_class, v.vehicle_color,
            (h & 4) ? v.brand : 0, damage[s->damage]);
        put_id(&o, &l->p[mid - 1]);
        buf_u8(&o.b, ',');
        put_id(&o, &l->p[mid]);
        buf_u8(&o.b, ',');
        put_ids(&o, l, mid, j);
        buf_u8(&o.b, '\n');
        out_row(&o);
    }
    end(t, &o);
}

static void
put_date(struct out *o, ts_ms midnight)
{
    struct zone z = {"Asia/Shanghai", 480};
    struct civil d = civil_of(midnight, &z);
    buf_fmt(&o->b, "%04d-%02d-%02d", d.year, d.month, d.day);
}

static void
write_convoys(struct truth *t)
{
    const struct plan *p = &t->city->plan;
    struct out o = {0};
    truth_begin(t, &o, "convoys.csv", "convoy,plates,days\n");
    if (t->err)
        return;
    unsigned k = 0;
    for (uint32_t v = 0; v < p->fleet->n; v++) {
        if (p->part[v] != PART_LEADER)
            continue;
        buf_fmt(&o.b, "C%05u,%s", ++k, truth_plate(t, v));
        for (uint32_t f = v + 1; f < p->fleet->n && p->part[f] == PART_FOLLOWER; f++)
            buf_fmt(&o.b, " %s", truth_plate(t, f));
        buf_u8(&o.b, ',');
        for (int day = 0, n = 0; day < p->days; day++)
            if (plan_together(p, v, day)) {
                if (n++)
                    buf_u8(&o.b, ' ');
                put_date(&o, t->city->opts.from_ms + day * DAY);
            }
        buf_u8(&o.b, '\n');
        out_row(&o);
    }
    end(t, &o);
}

/* The site before which a vehicle most often stays away for 5 hours or more, and how
 * often. */
static int
foothold(const struct truth *t, uint32_t v, uint16_t *site)
{
    const uint16_t *gaps = t->gap_site + (size_t)v * (size_t)t->gap_room;
    int best = 0;
    for (int i = 0; i < t->seen[v].gaps; i++) {
        int n = 0;
        for (int j = 0; j < t->seen[v].gaps; j++)
            n += gaps[j] == gaps[i];
        if (n > best || (n == best && gaps[i] < *site)) {
            best = n;
            *site = gaps[i];
        }
    }
    return best;
}

static void
put_presence(
    struct truth *t, struct out *o, uint32_t v, const char *kind, uint16_t site,
    ts_ms at, int count, const struct ref *ref)
{
    buf_fmt(&o->b, "%s,%s,", truth_plate(t, v), kind);
    if (site)
        buf_text(&o->b, t->city->shape.site[site].code);
    buf_u8(&o->b, ',');
    if (at)
        buf_fmt(&o->b, "%lld", (long long)at);
    buf_fmt(&o->b, ",%d,", count);
    if (ref)
        put_id(o, ref);
    buf_u8(&o->b, '\n');
    out_row(o);
}

static void
write_presence(struct truth *t)
{
    struct out o = {0};
    truth_begin(t, &o, "presence.csv", "plate,kind,site,time,count,record_ids\n");
    if (t->err)
        return;
    ts_ms second_day = t->city->opts.from_ms + DAY;
    for (uint32_t v = 0; v < t->city->fleet.n; v++) {
        const struct seen *s = &t->seen[v];
        if (!s->reads || t->city->plan.part[v] == PART_CLONED)
            continue;
        if (s->first_ms >= second_day &&
            t->city->shape.site[s->first.site].city_pass == 1)
            put_presence(
                t, &o, v, "first_seen", s->first.site, s->first_ms, 1, &s->first);
        if (s->nights >= 3 && s->day_reads * 5 <= s->reads)
            put_presence(t, &o, v, "night_active", 0, 0, s->nights, NULL);
        if (s->entry_ms && s->exit_ms < s->entry_ms)
            put_presence(
                t, &o, v, "in_not_out", s->entry.site, s->entry_ms, 1, &s->entry);
        uint16_t site = 0;
        int n = foothold(t, v, &site);
        if (n >= 3)
            put_presence(t, &o, v, "foothold", site, 0, n, NULL);
    }
    end(t, &o);
}

static void
write_health(struct truth *t)
{
    struct out o = {0};
    truth_begin(t, &o, "sites_health.csv", "site,from,to,kind\n");
    if (t->err)
        return;
    for (int day = 0; day < t->city->opts.days; day++)
        for (int i = 1; i <= SHAPE_SITES; i++) {
            struct camera_gap g[2];
            int n = camera_gaps(&t->city->camera, i, day, g);
            for (int k = 0; k < n; k++)
                buf_fmt(
                    &o.b, "%s,%lld,%lld,%s\n", t->city->shape.site[i].code,
                    (long long)(t->city->opts.from_ms + g[k].from_ms),
                    (long long)(t->city->opts.from_ms + g[k].to_ms),
                    g[k].kind == CAMERA_OUTAGE ? "silent" : "degraded");
            out_row(&o);
        }
    end(t, &o);
}

static void
put_fault(
    struct truth *t, struct out *o, int site, const char *kind, int64_t from_ms,
    long long value)
{
    buf_fmt(
        &o->b, "%s,%lld,%s,%lld\n", t->city->shape.site[site].code,
        (long long)(t->city->opts.from_ms + from_ms), kind, value);
}

/* The other faults of sites: what a learned model should find out by itself. */
static void
write_faults(struct truth *t)
{
    struct out o = {0};
    truth_begin(t, &o, "site_faults.csv", "site,from,kind,value\n");
    if (t->err)
        return;
    for (int i = 1; i <= SHAPE_SITES; i++) {
        const struct camera_site *s = &t->city->camera.site[i];
        if (s->skew_ms)
            put_fault(t, &o, i, "clock_skew_ms", 0, s->skew_ms);
        if (s->drift_ms_day)
            put_fault(t, &o, i, "clock_drift_ms_day", 0, s->drift_ms_day);
        if (s->step_at_ms != INT64_MAX)
            put_fault(t, &o, i, "clock_step_ms", s->step_at_ms, s->step_ms);
        if (s->swap_at_ms != INT64_MAX)
            put_fault(t, &o, i, "direction_swapped", s->swap_at_ms, 1);
        if (s->hours_late)
            put_fault(t, &o, i, "late_hours_ppm", 0, 10000);
        if (s->next_day)
            put_fault(t, &o, i, "late_next_day", 0, 1);
        if (s->retries)
            put_fault(t, &o, i, "retries_ppm", 0, 50000);
        if (s->bad_looks)
            put_fault(t, &o, i, "look_misread_ppm", 0, 100000);
        if (s->color_map)
            put_fault(t, &o, i, "color_map", 0, s->color_map);
        if (i == t->city->camera.moved_site)
            put_fault(t, &o, i, "moved_m", 0, 800);
        out_row(&o);
    }
    end(t, &o);
}

static void
write_readme(struct truth *t)
{
    struct out o = {0};
    truth_begin(t, &o, "README", "");
    if (t->err)
        return;
    buf_fmt(
        &o.b,
        "Planted truth of a demo city: seed %llu, %d days from %lld, %u records a day, "
        "%u "
        "vehicles.\n"
        "CSV, UTF-8, times epoch milliseconds, record ids separated by spaces.\n\n",
        (unsigned long long)t->city->opts.seed, t->city->opts.days,
        (long long)t->city->opts.from_ms, t->city->opts.per_day, t->city->fleet.n);
    buf_text(
        &o.b,
        "Only reads without error are listed, except in watch_hits.csv (read = "
        "misread: one\n"
        "character wrong) and misreads.csv (every read with an error, with the plate "
        "that was\n"
        "really there).\n"
        "clones.csv      detectable = 1: one exact read of each car at least 1.5 km "
        "apart and\n"
        "                faster than 150 km/h as the crow flies, at cameras with right "
        "clocks.\n"
        "bans.csv        one row a plate, zone and day; permit = 1 must raise "
        "nothing.\n"
        "speed.csv       kmh is the true average between the section's sites.\n"
        "hitrun.csv      upstream, downstream: the last record before and the first "
        "after.\n"
        "convoys.csv     days on which the vehicles drove together.\n"
        "presence.csv    by exact reads in the order of the cameras' clocks. "
        "first_seen: first\n"
        "                read on the second day or later, at an entry (city_pass 1).\n"
        "                night_active: reads on 3 or more nights (22-05, counted noon "
        "to noon) and\n"
        "                at most a fifth of all reads between 06 and 20. foothold: the "
        "site last\n"
        "                passed before 3 or more gaps of 5 hours; the lowest code on a "
        "tie.\n"
        "                in_not_out: the last entry is later than the last exit.\n"
        "                Plates of clones are left out.\n"
        "obscured.csv    vehicles that cover their plate: their (unread) records.\n"
        "gantry.csv      kind = plate: the tag of `plate` is in `vehicle`; class: the "
        "tag of that\n"
        "                lorry has a car's toll class. detectable = 1: two whole reads "
        "beside the\n"
        "                tag on one day. path: tags in two cars, one of them "
        "`vehicle`, "
        "were heard\n"
        "                under `plate`; detectable = 1: on a way of 3 km or more "
        "faster "
        "than 150 km/h\n"
        "                between whole reads of cameras with right clocks, or three "
        "gantries of one\n"
        "                day unknown to the tag.\n"
        "sites_health.csv silent and degraded (half unread) sites. site_faults.csv: "
        "the rest.\n");
    end(t, &o);
}

enum err
truth_finish(struct truth *t, struct note *note)
{
    end(t, &t->hits);
    end(t, &t->misreads);
    end(t, &t->speed);
    write_clones(t);
    write_plates(t, LIST_FAKES, "fakes.csv");
    write_plates(t, LIST_OBSCURED, "obscured.csv");
    write_status(t);
    write_bans(t);
    write_curfew(t);
    write_scenes(t);
    write_convoys(t);
    write_presence(t);
    write_health(t);
    write_faults(t);
    write_readme(t);
    if (t->err && note)
        *note = t->note;
    return t->err;
}
