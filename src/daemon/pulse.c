/* SPDX-License-Identifier: Apache-2.0 */
/* Counters by site in one array that grows to the highest site id seen. */
#include "daemon/pulse.h"

#include <stdlib.h>

#define SLOT_MS (5 * MINUTE_MS)
#define LETTERS 27 /* A..Z and others */

struct heart {
    struct live_site live;
    int64_t slot, day;    /* of flow_now and today */
    uint32_t fresh;       /* passes since the last map event */
    uint16_t by[LETTERS]; /* of them by the first letter of the class */
};

struct pulse {
    struct zone zone;
    struct heart *hearts;
    uint32_t n, room;
    uint32_t *touched; /* sites with fresh passes */
    uint32_t touched_n;
    struct vital *health;
    struct model *model;
};

struct pulse *
pulse_new(const struct zone *zone)
{
    struct pulse *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->zone = *zone;
    p->health = vital_new(zone);
    if (!p->health) {
        free(p);
        return NULL;
    }
    return p;
}

void
pulse_free(struct pulse *p)
{
    if (!p)
        return;
    vital_free(p->health);
    model_unref(p->model);
    free(p->hearts);
    free(p->touched);
    free(p);
}

static struct heart *
heart_of(struct pulse *p, struct site_id id)
{
    if (id.v >= p->room) {
        uint32_t room = p->room ? p->room : 1024;
        while (room <= id.v)
            room *= 2;
        struct heart *hearts = realloc(p->hearts, room * sizeof *hearts);
        uint32_t *touched = realloc(p->touched, room * sizeof *touched);
        if (hearts)
            p->hearts = hearts;
        if (touched)
            p->touched = touched;
        if (!hearts || !touched)
            return NULL; /* a map without this site: nothing stored depends on it */
        memset(p->hearts + p->room, 0, (room - p->room) * sizeof *hearts);
        p->room = room;
    }
    if (id.v >= p->n)
        p->n = id.v + 1;
    return &p->hearts[id.v];
}

static unsigned
letter_of(code3 vehicle_class)
{
    char text[CODE3_TEXT];
    code3_format(text, vehicle_class);
    return text[0] >= 'A' && text[0] <= 'Z' ? (unsigned)(text[0] - 'A') : LETTERS - 1;
}

/* Brings the five-minute and day counters to the present. */
static void
roll(struct heart *h, const struct zone *zone, ts_ms now)
{
    int64_t slot = now / SLOT_MS, day = civil_day(now, zone);
    if (h->slot != slot) {
        h->live.flow = h->slot == slot - 1 ? h->live.flow_now : 0;
        h->live.flow_now = 0;
        h->slot = slot;
    }
    if (h->day != day) {
        h->live.today = h->live.unread = 0;
        h->day = day;
    }
}

static void
beat(struct pulse *p, const struct sighting *s)
{
    struct heart *h = heart_of(p, s->site);
    if (!h || s->site.v == 0)
        return;
    vital_row(p->health, s);
    roll(h, &p->zone, s->arrive_ms);
    if (s->pass_ms > h->live.last_pass_ms)
        h->live.last_pass_ms = s->pass_ms;
    h->live.last_arrive_ms = s->arrive_ms;
    int64_t late = s->arrive_ms - s->pass_ms;
    h->live.late_ms += (late - h->live.late_ms) / 16;
    h->live.today++;
    h->live.unread += !plate_is_exact(s->plate);
    if (late < SLOT_MS)
        h->live.flow_now++;
    if (late > MINUTE_MS)
        return; /* the map shows what drives now */
    if (h->fresh++ == 0)
        p->touched[p->touched_n++] = s->site.v;
    uint16_t *by = &h->by[letter_of(s->vehicle_class)];
    *by = (uint16_t)(*by + (*by < UINT16_MAX));
}

void
pulse_seed(struct pulse *p, struct site_id site, ts_ms cell_ms, uint32_t n)
{
    struct heart *h = heart_of(p, site);
    if (!h || site.v == 0)
        return;
    roll(h, &p->zone, cell_ms);
    h->live.flow_now += n;
    h->live.last_pass_ms = cell_ms + SLOT_MS - 1;
    h->live.last_arrive_ms = cell_ms + SLOT_MS - 1;
}

void
pulse_rows(struct pulse *p, const struct sighting *rows, size_t n, const uint8_t *fate)
{
    for (size_t i = 0; i < n; i++)
        if (!fate || fate[i] == FATE_STORED)
            beat(p, &rows[i]);
}

void
pulse_model(struct pulse *p, struct model *m)
{
    struct model *old = p->model;
    p->model = model_ref(m);
    model_unref(old);
    vital_set_model(p->health, m);
    if (m && model_sites(m))
        (void)heart_of(p, (struct site_id){model_sites(m)});
}

void
pulse_judge(struct pulse *p, ts_ms now, vital_changed *changed, void *arg)
{
    vital_tick(p->health, now, changed, arg);
}

double
pulse_city(const struct pulse *p)
{
    return vital_city(p->health);
}

/* Passes that are usual in the five minutes flow_now counts, as of their end. */
static float
usual_flow(const struct pulse *p, struct site_id id, int64_t slot)
{
    return (float)habit_expected(
        model_habit(p->model, id), &p->zone, (slot - 1) * SLOT_MS, slot * SLOT_MS);
}

void
pulse_copy(struct pulse *p, ts_ms now, struct live_site *out, uint32_t n)
{
    for (uint32_t i = 0; i < n && i < p->n; i++) {
        roll(&p->hearts[i], &p->zone, now);
        struct site_id id = {i};
        out[i] = p->hearts[i].live;
        out[i].vital = *vital_of(p->health, id);
        out[i].usual = usual_flow(p, id, p->hearts[i].slot);
    }
}

uint32_t
pulse_sites(const struct pulse *p)
{
    return p->n;
}

static void
map_row(struct buf *out, uint32_t site, struct heart *h)
{
    buf_fmt(out, "{\"site\":%u,\"n\":%u,\"by\":{", site, h->fresh);
    const char *comma = "";
    for (unsigned k = 0; k < LETTERS; k++) {
        if (!h->by[k])
            continue;
        char name[] = {k < LETTERS - 1 ? (char)('A' + k) : '?', 0};
        buf_fmt(out, "%s\"%s\":%u", comma, name, h->by[k]);
        comma = ",";
    }
    buf_fmt(out, "},\"flow\":%u}", h->live.flow_now);
    h->fresh = 0;
    memset(h->by, 0, sizeof h->by);
}

bool
pulse_map(struct pulse *p, ts_ms now, struct buf *out)
{
    if (p->touched_n == 0)
        return false;
    buf_fmt(out, "{\"at_ms\":%lld,\"rows\":[", (long long)now);
    for (uint32_t i = 0; i < p->touched_n; i++) {
        if (i)
            buf_text(out, ",");
        map_row(out, p->touched[i], &p->hearts[p->touched[i]]);
    }
    buf_text(out, "]}");
    p->touched_n = 0;
    return true;
}
