/* SPDX-License-Identifier: Apache-2.0 */
/* fleet.h - the vehicles of the demo city: what each is, its plate and its registry
 * row.
 *
 * Shape    vehicles are numbers 0..n-1 in ranges by kind; everything about one is a
 * hash of the seed and its number. Plates are kept in a table, so a plate finds its
 * vehicle and back.
 * Owner    fleet_init() fills the caller's struct with heap tables; fleet_release()
 * frees them.
 * Threads  immutable after init, except fleet_add(). See GA 36 (plates), GA 24.4, 24.7,
 * 24.17 (classes, plate classes, status); docs/city.md.
 */
#ifndef TQ_CITY_FLEET_H
#define TQ_CITY_FLEET_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/span.h"

enum fleet_kind {
    FLEET_TAXI,
    FLEET_HAIL,   /* ride-hailing */
    FLEET_LORRY,  /* heavy, by day on the ring */
    FLEET_VAN,    /* light lorries */
    FLEET_TIPPER, /* night work */
    FLEET_BUS,
    FLEET_COACH,
    FLEET_VISITOR,
    FLEET_RESIDENT,
    FLEET_KINDS,
};

#define FLEET_PLATE 16 /* bytes, with a NUL */
#define FLEET_NONE UINT32_MAX

struct fleet_vehicle {
    uint8_t kind;
    uint8_t plate_color, plate_class, vehicle_color, brand; /* GA/T 1400 numbers */
    char vehicle_class[4];
    char use_nature;
};

struct fleet_segment;

struct fleet {
    uint64_t seed;
    uint32_t n;     /* registered vehicles */
    uint32_t total; /* and the plates that were added: fakes */
    uint32_t room;
    uint32_t base[FLEET_KINDS + 1];
    char (*plate)[FLEET_PLATE];
    struct fleet_segment *segments;
    uint32_t segments_n;
    uint64_t *map_key;
    uint32_t *map_id;
    uint64_t map_mask;
};

/* n vehicles (2,000 to 6,000,000) and room for `extra` plates more. ERR_NOMEM. */
enum err fleet_init(
    struct fleet *f, uint64_t seed, uint32_t n, uint32_t extra,
    struct note *note) MUST_USE;
void fleet_release(struct fleet *f);

struct fleet_vehicle fleet_get(const struct fleet *f, uint32_t id);
enum fleet_kind fleet_kind_of(const struct fleet *f, uint32_t id);
/* Number of the vehicle that wears a plate; FLEET_NONE when nobody does. */
uint32_t fleet_find(const struct fleet *f, struct span plate);
/* Adds a plate nobody wears (a fake): its number. */
uint32_t fleet_add(struct fleet *f, const char *plate);

/* A plate text of the ordinary form from a hash, of this city or of some other city:
 * not checked against the fleet. */
void fleet_some_plate(uint64_t h, bool local, char dst[FLEET_PLATE]);

/* Characters that cameras mistake for one another: the set for c, "" when it is clear.
 */
const char *fleet_confused(char c);
/* Is there a registered plate one confusable character away? */
bool fleet_has_twin(const struct fleet *f, const char *plate);

#endif
