/* SPDX-License-Identifier: Apache-2.0 */
/* identity.h - whose plate was that? Weighs, for one read, the registered vehicle of
 * that text against every vehicle one misread character away, against a vehicle nobody
 * registered.
 *
 * Shape    weights are relative: one passage of one active registered vehicle counts 1.
 * Only their ratios mean anything.
 * Owner    borrows the snapshots for the call.
 * Threads  pure, over snapshots.
 * See      docs/why/probability.md sections 1 to 3.
 */
#ifndef TQ_RULES_IDENTITY_H
#define TQ_RULES_IDENTITY_H

#include "model/alarm.h"
#include "model/vehicle.h"
#include "rules/ground.h"

/* ---- how common looks and prefixes are in the registry ---- */
#define PREFIXES (1u << 14) /* first two characters of a plate */
struct census {
    uint64_t count, version;      /* of the registry it was taken from */
    float *color;                 /* 256 shares */
    float *vehicle_class, *brand; /* 65536 shares each, by code3 */
    uint32_t *prefix;             /* PREFIXES counts */
    uint64_t *grave;              /* filter of stolen and scrapped vehicles' plates */
};
static inline unsigned
prefix_of(struct plate p)
{
    return (unsigned)(p.v >> 49) & (PREFIXES - 1);
}
enum err census_init(struct census *c) MUST_USE;
void census_release(struct census *c);
/* Fills the filter of grave status; counts again when the registry changed by more than
 * a hundredth. */
void census_take(struct census *c, const struct vehicle_index *registry);
/* False: certainly not a stolen or scrapped vehicle's plate. */
bool census_may_be_grave(const struct census *c, struct plate p);

/* ---- near twins ---- */
struct twin {
    struct plate plate; /* what the vehicle may really wear */
    float share; /* probability that it is read so, given one of its characters is
                    misread */
};
#define TWINS_MAX 384
struct twin_table { /* for each character read: what it may have been */
    struct {
        uint8_t n;
        uint8_t real[48];
        float share[48]; /* descending */
    } of[128];
};
void twin_table_init(struct twin_table *t);
size_t
twins_of(const struct twin_table *t, struct plate read, struct twin out[TWINS_MAX]);

/* ---- looks ---- */
enum { OFF_COLOR = 1, OFF_CLASS = 2, OFF_BRAND = 4 };
/* Attributes that are read and registered and not equal. */
unsigned look_off(const struct vehicle *v, const struct sighting *s);
/* enum contradiction bits: attributes that cannot be the same vehicle's. */
unsigned look_contradiction(
    const struct vehicle *v, const struct sighting *s, const struct site_row *site);
/* Probability of the look that was read, given the vehicle; and without knowing it. */
double look_given(
    const struct census *c, const struct vehicle *v, const struct sighting *s,
    const struct site_row *site);
double look_any(const struct census *c, const struct sighting *s);
/* The look of a later read, given that an earlier one was of the same (unknown)
 * vehicle. */
double look_again(
    const struct census *c, const struct sighting *first, const struct sighting *s,
    const struct site_row *site);

/* The registered near twins of one plate: the same for all its passages, so they are
 * looked up once a judgement. Goes stale when the registry changes: then clear `known`.
 */
struct company {
    struct plate plate;
    bool known;
    unsigned n;
    struct company_twin {
        struct twin as;
        const struct vehicle *vehicle;
    } twin[TWINS_MAX];
};

struct weigher {
    const struct vehicle_index *registry; /* NULL: none */
    struct company *company;              /* of the plate that was weighed last */
    const struct census *census;
    const struct twin_table *twins;
    const struct model *model;
};

struct identity {
    const struct vehicle *vehicle; /* registered under the text as read; NULL none */
    double right;                  /* that vehicle, read rightly */
    double misread;                /* a registered near twin, misread: sum */
    double unknown;    /* another vehicle, read worse than by one character */
    struct plate twin; /* the likeliest near twin; PLATE_NONE */
    double twin_weight;
    float twin_share;
    unsigned twins; /* registered near twins */
};

struct identity
weigh(const struct weigher *w, const struct sighting *s, const struct site_row *site);
/* Weight of vehicle v (worn plate t.plate) having been misread as s. */
double weigh_twin(
    const struct weigher *w, const struct twin *t, const struct vehicle *v,
    const struct sighting *s, const struct site_row *site);
/* Probability that the vehicle whose read was weighed as `first` is misread so again at
 * another camera: dirt and bolts stay, a misread in several characters seldom comes
 * back. */
double misread_again(const struct identity *first);
/* Share of this prefix's vehicles that are registered here, 0..1. */
double covered(const struct weigher *w, struct plate p);

#endif
