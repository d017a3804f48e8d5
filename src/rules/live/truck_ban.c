/* SPDX-License-Identifier: Apache-2.0 */
/* Lorries in a ban zone without a permit (货车闯禁行). All passes inside one zone that
 * follow one another within the gap are one trip and one alarm; two or more sites make
 * it a through trip. */
#include "rules/scene.h"

enum { TRIP_GAP_MIN, LEAST_PERCENT };
static const struct rule_param params[] = {
    {"trip_gap_min", "min", 5, 240, 60, "同一趟次相邻过车的最长间隔",
     "longest time between two passes of one trip"},
    {"least_percent", "%", 1, 99, 50, "预警的最低概率",
     "least probability of an alarm"},
};
static const struct rule_number numbers[] = {
    {"passes", "", "禁区内过车次数", "passages inside", "", NULL},
    {"sites", "", "禁区内点位数", "different sites inside", "", NULL},
    {"inside_min", "min", "禁区内首末过车间隔",
     "from the first pass inside to the last", "", NULL},
};
static const struct rule_text roles[] = {
    {"首次进入", "first pass inside"}, {"区内再次通行", "later pass inside"}};

/* The registered class; of a plate nobody registered, the class that most of its
 * passages show. */
static code3
class_of(const struct scene *s)
{
    code3 best = 0;
    unsigned most = 0;
    if (s->vehicle)
        return s->vehicle->vehicle_class;
    for (unsigned i = 0; i < s->n; i++) {
        code3 class = s->passages[i].s->vehicle_class;
        unsigned n = 0;
        for (unsigned k = 0; k < s->n; k++)
            n += s->passages[k].s->vehicle_class == class;
        if (class && n > most) {
            most = n;
            best = class;
        }
    }
    return most > 1 ? best : 0;
}

static bool
glance(const struct glance *g)
{
    code3 class = g->registered ? g->seen->vehicle_class : g->s->vehicle_class;
    uint64_t zones = g->site->zones;
    for (size_t i = 0; zones; i++, zones >>= 1) {
        const struct ban_zone *z = &g->ground->zones[i];
        if ((zones & 1) && zone_names_class(z, class) &&
            zone_open(z, g->s->pass_ms, g->zone))
            return true;
    }
    return false;
}

static bool
offends(const struct scene *s, size_t zone, const struct passage *p)
{
    const struct ban_zone *z = &s->ground->zones[zone];
    return (p->site->zones >> zone & 1) && zone_open(z, p->pass_ms, s->zone) &&
           !ground_permitted(s->ground, s->plate, p->s->plate_color, z->id, p->pass_ms);
}

struct trip {
    unsigned first, last; /* of passages */
    double passes, sites, missed;
};

static void
raise(struct scene *s, size_t zone, const struct trip *t)
{
    struct passage *first = &s->passages[t->first];
    double probability = 1 - t->missed;
    if (!first->in_day || probability * 100 < s->param[LEAST_PERCENT])
        return;
    struct alarm *a = scene_alarm(
        s, s->plate.v ^ (uint64_t)s->ground->zones[zone].id << 48, first->key, first);
    if (!a)
        return;
    a->probability = probability;
    alarm_subject(a, s->ground->zones[zone].code);
    for (unsigned i = t->first; i <= t->last; i++)
        if (offends(s, zone, &s->passages[i]))
            alarm_add(a, &s->passages[i], i > t->first);
    alarm_number(a, "passes", t->passes);
    alarm_number(a, "sites", t->sites);
    alarm_number(
        a, "inside_min",
        (double)(s->passages[t->last].at_ms - first->at_ms) / MINUTE_MS);
}

static bool
new_site(const struct scene *s, size_t zone, const struct trip *t, unsigned at)
{
    for (unsigned i = t->first; i < at; i++)
        if (s->passages[i].s->site.v == s->passages[at].s->site.v &&
            offends(s, zone, &s->passages[i]))
            return false;
    return true;
}

static void
step_zone(struct scene *s, size_t zone)
{
    struct trip t = {.passes = 0};
    double gap_ms = s->param[TRIP_GAP_MIN] * MINUTE_MS;
    for (unsigned i = 0; i < s->n; i++) {
        struct passage *p = &s->passages[i];
        if (!offends(s, zone, p))
            continue;
        if (t.passes > 0 && (double)(p->at_ms - s->passages[t.last].at_ms) > gap_ms) {
            raise(s, zone, &t);
            t.passes = 0;
        }
        if (t.passes == 0)
            t = (struct trip){.first = i, .missed = 1};
        t.sites += new_site(s, zone, &t, i);
        t.passes++;
        t.last = i;
        t.missed *= 1 - passage_right(s, p);
    }
    if (t.passes > 0)
        raise(s, zone, &t);
}

static void
step(struct scene *s)
{
    bool near = false;
    for (unsigned i = 0; i < s->n && !near; i++)
        near = s->passages[i].site->zones != 0;
    code3 class = near ? class_of(s) : 0;
    for (size_t z = 0; class && z < s->ground->zones_n; z++)
        if (zone_names_class(&s->ground->zones[z], class))
            step_zone(s, z);
}

const struct rule rule_truck_ban = {
    .name = "truck_ban",
    .title = {"货车闯禁行", "lorry in a ban zone"},
    .legal =
        {"《道路交通安全法》第三十九条（限制、禁止通行）、第九十条",
         "Road Traffic Safety Law articles 39 (restricted and prohibited passage) and "
         "90"},
    .what =
        {"禁行车型在禁行时段通过禁行区内点位且没有有效通行证",
         "a vehicle of a banned class passes a site inside the zone in ban hours "
         "without a permit"},
    .inputs = RULE_SIGHTINGS | RULE_REGISTRY | RULE_ZONES | RULE_PERMITS,
    .key = RULE_BY_PLATE,
    .params = params,
    .params_n = sizeof params / sizeof params[0],
    .numbers = numbers,
    .numbers_n = sizeof numbers / sizeof numbers[0],
    .roles = roles,
    .roles_n = sizeof roles / sizeof roles[0],
    .glance = glance,
    .step = step,
};
