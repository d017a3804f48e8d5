/* SPDX-License-Identifier: Apache-2.0 */
/* The sums of docs/why/probability.md. Rates come from the site's model, shares of
 * looks from the registry itself. */
#include "rules/identity.h"

#include <stdlib.h>

#include "core/hash.h"
#include "model/toll.h"

#define RARE 2e-4   /* no look is thought rarer than this */
#define WORSE 0.02  /* reads wrong in several characters, relative to one */
#define ABSENT 0.15 /* weight of a registered vehicle that was not seen of late */
#define GRAVE_BITS (UINT64_C(1) << 20)
#define FLAT_COLOR 0.1
#define FLAT_CLASS 0.08
#define FLAT_BRAND 0.03
#define AGAIN 0.3 /* one wrong character is wrong again, alike, at the next camera */
#define WORSE_AGAIN 0.02  /* several are */
#define LEAST_SHARE 0.002 /* confusions below this are not followed */

/* ---- census ---- */

enum err
census_init(struct census *c)
{
    *c = (struct census){0};
    c->color = calloc(256, sizeof *c->color);
    c->vehicle_class = calloc(65536, sizeof *c->vehicle_class);
    c->brand = calloc(65536, sizeof *c->brand);
    c->prefix = calloc(PREFIXES, sizeof *c->prefix);
    c->grave = calloc(GRAVE_BITS / 64, sizeof *c->grave);
    if (c->color && c->vehicle_class && c->brand && c->prefix && c->grave)
        return OK;
    census_release(c);
    return ERR_NOMEM;
}

void
census_release(struct census *c)
{
    free(c->color);
    free(c->vehicle_class);
    free(c->brand);
    free(c->prefix);
    free(c->grave);
    *c = (struct census){0};
}

static bool
count_vehicle(void *arg, const struct vehicle *v)
{
    struct census *c = arg;
    c->color[v->vehicle_color]++;
    c->vehicle_class[v->vehicle_class]++;
    c->brand[v->brand]++;
    c->prefix[prefix_of(v->plate)]++;
    return true;
}

static bool
mark_grave(void *arg, const struct vehicle *v)
{
    struct census *c = arg;
    uint64_t bit = hash_u64(v->plate.v) & (GRAVE_BITS - 1);
    if (v->status & (STATUS_STOLEN | STATUS_SCRAPPED))
        c->grave[bit / 64] |= UINT64_C(1) << bit % 64;
    return true;
}

bool
census_may_be_grave(const struct census *c, struct plate p)
{
    uint64_t bit = hash_u64(p.v) & (GRAVE_BITS - 1);
    return c->grave[bit / 64] >> bit % 64 & 1;
}

void
census_take(struct census *c, const struct vehicle_index *registry)
{
    memset(c->grave, 0, GRAVE_BITS / 8);
    if (registry)
        vehicle_each(registry, mark_grave, c);
    uint64_t n = registry ? vehicle_count(registry) : 0;
    uint64_t change = n > c->count ? n - c->count : c->count - n;
    if (change * 100 <= c->count)
        return;
    memset(c->color, 0, 256 * sizeof *c->color);
    memset(c->vehicle_class, 0, 65536 * sizeof *c->vehicle_class);
    memset(c->brand, 0, 65536 * sizeof *c->brand);
    memset(c->prefix, 0, PREFIXES * sizeof *c->prefix);
    c->count = n;
    if (!n)
        return;
    vehicle_each(registry, count_vehicle, c);
    c->version = vehicle_version(registry);
    for (unsigned i = 0; i < 256; i++)
        c->color[i] /= (float)n;
    for (unsigned i = 0; i < 65536; i++) {
        c->vehicle_class[i] /= (float)n;
        c->brand[i] /= (float)n;
    }
}

/* ---- near twins ---- */

static void
twin_put(struct twin_table *t, unsigned got, unsigned real, float share)
{
    unsigned n = t->of[got].n, at = n;
    if (n == 48)
        return;
    while (at > 0 && t->of[got].share[at - 1] < share) {
        t->of[got].share[at] = t->of[got].share[at - 1];
        t->of[got].real[at] = t->of[got].real[at - 1];
        at--;
    }
    t->of[got].share[at] = share;
    t->of[got].real[at] = (uint8_t)real;
    t->of[got].n++;
}

void
twin_table_init(struct twin_table *t)
{
    memset(t, 0, sizeof *t);
    unsigned first = plate_code('0'), last = plate_code('Z');
    for (unsigned got = 1; got < 128; got++)
        for (unsigned real = first; real <= last; real++) {
            double share = plate_confusion(real, got);
            if (share >= LEAST_SHARE)
                twin_put(t, got, real, (float)share);
        }
}

size_t
twins_of(const struct twin_table *t, struct plate read, struct twin out[TWINS_MAX])
{
    unsigned length = plate_length(read);
    size_t n = 0;
    for (unsigned i = 1; i < length; i++) {
        unsigned got = plate_at(read, i);
        for (unsigned k = 0; k < t->of[got].n && n < TWINS_MAX; k++)
            out[n++] = (struct twin){
                plate_with(read, i, t->of[got].real[k]),
                t->of[got].share[k] / (float)(length - 2 ? length - 2 : 1)};
    }
    return n;
}

/* ---- looks ---- */

/* A toll class says how large a vehicle is, not what it is: nothing to compare with the
 * registry code by code. */
static code3
class_read(const struct sighting *s)
{
    return toll_number(s->vehicle_class) ? 0 : s->vehicle_class;
}

unsigned
look_off(const struct vehicle *v, const struct sighting *s)
{
    unsigned off = 0;
    if (v->vehicle_color && s->vehicle_color && v->vehicle_color != s->vehicle_color)
        off |= OFF_COLOR;
    code3 class = class_read(s);
    if (v->vehicle_class && class && v->vehicle_class != class)
        off |= OFF_CLASS;
    if (v->brand && s->brand && v->brand != s->brand)
        off |= OFF_BRAND;
    return off;
}

unsigned
look_contradiction(
    const struct vehicle *v, const struct sighting *s, const struct site_row *site)
{
    unsigned bits = 0;
    if (!color_agrees(v->vehicle_color, s->vehicle_color))
        bits |= CONTRA_COLOR;
    if (!class_agrees(v->vehicle_class, s->vehicle_class))
        bits |= CONTRA_CLASS;
    if (v->brand && s->brand && v->brand != s->brand)
        bits |= CONTRA_BRAND;
    if (site->color_trusted && v->plate_color && s->plate_color &&
        v->plate_color != s->plate_color)
        bits |= CONTRA_PLATE_COLOR;
    return bits;
}

static double
share(const float *shares, unsigned code)
{
    return shares[code] > RARE ? shares[code] : RARE;
}

struct fit {
    double apart;    /* attributes misread each by itself */
    double together; /* all of them at once */
};

/* `common` is how common the read value is, `flat` the chance of it when a camera
 * guesses. What is not registered may be anything, and costs what it costs of a vehicle
 * nobody knows: or a blank row would fit every look better than the right one. */
static void
fit_one(
    struct fit *f, unsigned registered, unsigned read, double common, double flat,
    double wrong)
{
    double guess = (common + flat) / 2;
    if (!read)
        return;
    if (!registered) {
        f->apart *= common;
        f->together *= common;
        return;
    }
    f->apart *= registered == read ? 1 - wrong : wrong * guess;
    f->together *= guess;
}

double
look_given(
    const struct census *c, const struct vehicle *v, const struct sighting *s,
    const struct site_row *site)
{
    double wrong = site->one_off / 3;
    struct fit f = {1, 1};
    fit_one(
        &f, v->vehicle_color, s->vehicle_color, share(c->color, s->vehicle_color),
        FLAT_COLOR, wrong);
    fit_one(
        &f, v->vehicle_class, class_read(s), share(c->vehicle_class, class_read(s)),
        FLAT_CLASS, wrong);
    fit_one(&f, v->brand, s->brand, share(c->brand, s->brand), FLAT_BRAND, wrong);
    return (1 - site->many_off) * f.apart + site->many_off * f.together;
}

double
look_any(const struct census *c, const struct sighting *s)
{
    double p = 1;
    if (s->vehicle_color)
        p *= share(c->color, s->vehicle_color);
    if (class_read(s))
        p *= share(c->vehicle_class, s->vehicle_class);
    if (s->brand)
        p *= share(c->brand, s->brand);
    return p;
}

double
look_again(
    const struct census *c, const struct sighting *first, const struct sighting *s,
    const struct site_row *site)
{
    struct vehicle like = {
        .vehicle_color = first->vehicle_color,
        .vehicle_class = class_read(first),
        .brand = first->brand};
    return look_given(c, &like, s, site);
}

/* ---- weights ---- */

double
weigh_twin(
    const struct weigher *w, const struct twin *t, const struct vehicle *v,
    const struct sighting *s, const struct site_row *site)
{
    double active = model_seen(w->model, t->plate) ? 1 : ABSENT;
    double look = v ? look_given(w->census, v, s, site) : look_any(w->census, s);
    return active * site->misread * t->share * look;
}

static const struct company *
company_of(const struct weigher *w, struct plate p)
{
    struct twin twins[TWINS_MAX];
    struct company *c = w->company;
    if (c->known && plate_eq(c->plate, p))
        return c;
    size_t n = twins_of(w->twins, p, twins);
    c->plate = p;
    c->known = true;
    c->n = 0;
    for (size_t i = 0; i < n; i++) {
        const struct vehicle *v = vehicle_find(w->registry, twins[i].plate, 0);
        if (v)
            c->twin[c->n++] = (struct company_twin){twins[i], v};
    }
    return c;
}

struct identity
weigh(const struct weigher *w, const struct sighting *s, const struct site_row *site)
{
    struct identity id = {0};
    id.unknown = site->misread * WORSE * look_any(w->census, s);
    if (!w->registry)
        return id;
    id.vehicle = vehicle_find(w->registry, s->plate, 0);
    if (id.vehicle)
        id.right = (model_seen(w->model, s->plate) ? 1 : ABSENT) * (1 - site->misread) *
                   look_given(w->census, id.vehicle, s, site);
    const struct company *c = company_of(w, s->plate);
    for (unsigned i = 0; i < c->n; i++) {
        const struct company_twin *t = &c->twin[i];
        double weight = weigh_twin(w, &t->as, t->vehicle, s, site);
        id.twins++;
        id.misread += weight;
        if (weight > id.twin_weight) {
            id.twin_weight = weight;
            id.twin = t->as.plate;
            id.twin_share = t->as.share;
        }
    }
    return id;
}

double
misread_again(const struct identity *first)
{
    double misread = first->misread + first->unknown;
    if (misread <= 0)
        return 0;
    double again = AGAIN * first->misread + WORSE_AGAIN * first->unknown;
    return again / (first->right + misread);
}

double
covered(const struct weigher *w, struct plate p)
{
    if (!w->registry || !w->census->count)
        return 0;
    double learned = model_covered(w->model, p);
    if (learned >= 0)
        return learned;
    double part = w->census->prefix[prefix_of(p)] / (double)w->census->count;
    return part > 0.02 ? 0.99 : 0.5;
}
