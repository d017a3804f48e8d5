/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays sorted for binary search; a city has some thousand devices and some hundred
 * units. */
#include "daemon/roster.h"

#include <stdlib.h>

static int
by_code(const void *a, const void *b)
{
    return strcmp(((const struct device *)a)->code, ((const struct device *)b)->code);
}

struct key_order {
    const uint8_t *hash;
    uint32_t at;
};

static int
by_hash(const void *a, const void *b)
{
    return memcmp(
        ((const struct key_order *)a)->hash, ((const struct key_order *)b)->hash, 32);
}

static bool
index_keys(struct roster *r)
{
    struct key_order *order = calloc(r->devices_n + 1, sizeof *order);
    r->by_key = calloc(r->devices_n + 1, sizeof *r->by_key);
    if (!order || !r->by_key) {
        free(order);
        return false;
    }
    for (size_t i = 0; i < r->devices_n; i++)
        order[i] = (struct key_order){r->devices[i].key_hash, (uint32_t)i};
    qsort(order, r->devices_n, sizeof *order, by_hash);
    for (size_t i = 0; i < r->devices_n; i++)
        r->by_key[i] = order[i].at;
    free(order);
    return true;
}

static bool
index_crews(struct roster *r, const struct user_row *users, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (users[i].user.id.v >= r->user_top)
            r->user_top = users[i].user.id.v + 1;
    r->crews = calloc(r->user_top + 1, sizeof *r->crews);
    for (size_t i = 0; r->crews && i < n; i++)
        r->crews[users[i].user.id.v] = users[i].user.unit.v;
    return r->crews != NULL;
}

enum err
roster_read(struct ledger_reader *reader, struct roster **out)
{
    struct arena a;
    arena_init(&a, 256 << 20);
    struct roster *r = calloc(1, sizeof *r);
    struct unit_row *units = NULL;
    struct device *devices = NULL;
    struct user_row *users = NULL;
    size_t units_n = 0, devices_n = 0, users_n = 0;
    enum err e = r ? OK : ERR_NOMEM;
    if (e == OK)
        e = ledger_units(reader, &a, &units, &units_n);
    if (e == OK)
        e = ledger_devices(reader, &a, &devices, &devices_n);
    if (e == OK)
        e = ledger_users(reader, &a, &users, &users_n);
    if (e != OK)
        goto out;
    r->refs = 1;
    r->units = calloc(units_n + 1, sizeof *units);
    r->devices = calloc(devices_n + 1, sizeof *devices);
    e = ERR_NOMEM;
    if (!r->units || !r->devices)
        goto out;
    if (units_n)
        memcpy(r->units, units, units_n * sizeof *units);
    if (devices_n)
        memcpy(r->devices, devices, devices_n * sizeof *devices);
    r->units_n = units_n;
    r->devices_n = devices_n;
    qsort(r->devices, devices_n, sizeof *devices, by_code);
    for (size_t i = 0; i < units_n; i++)
        if (units[i].unit.id.v >= r->unit_top)
            r->unit_top = units[i].unit.id.v + 1;
    for (size_t i = 0; i < devices_n; i++)
        if (devices[i].id.v >= r->device_top)
            r->device_top = devices[i].id.v + 1;
    if (index_keys(r) && index_crews(r, users, users_n))
        e = OK;
out:
    arena_release(&a);
    if (e == OK)
        *out = r;
    else if (r) {
        r->refs = 1;
        roster_unref(r);
    }
    return e;
}

struct roster *
roster_ref(struct roster *r)
{
    __atomic_fetch_add(&r->refs, 1, __ATOMIC_RELAXED);
    return r;
}

void
roster_unref(struct roster *r)
{
    if (!r || __atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    free(r->units);
    free(r->devices);
    free(r->by_key);
    free(r->crews);
    free(r);
}

const struct unit_row *
roster_unit(const struct roster *r, struct unit_id id)
{
    for (size_t i = 0; i < r->units_n; i++)
        if (r->units[i].unit.id.v == id.v)
            return &r->units[i];
    return NULL;
}

const struct unit_row *
roster_crewed(const struct roster *r, struct user_id user)
{
    uint32_t unit = user.v < r->user_top ? r->crews[user.v] : 0;
    return unit ? roster_unit(r, (struct unit_id){unit}) : NULL;
}

const struct unit_row *
roster_callsign(const struct roster *r, struct span callsign)
{
    for (size_t i = 0; i < r->units_n; i++)
        if (span_eq_cstr(callsign, r->units[i].unit.callsign))
            return &r->units[i];
    return NULL;
}

const struct device *
roster_device(const struct roster *r, struct span code)
{
    struct device key = {0};
    if (!span_copy(key.code, sizeof key.code, code))
        return NULL;
    return bsearch(&key, r->devices, r->devices_n, sizeof key, by_code);
}

const struct device *
roster_key(const struct roster *r, const uint8_t hash[32])
{
    static const uint8_t none[32];
    if (memcmp(hash, none, sizeof none) == 0)
        return NULL;
    size_t lo = 0, hi = r->devices_n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct device *d = &r->devices[r->by_key[mid]];
        int order = memcmp(d->key_hash, hash, 32);
        if (order == 0)
            return d;
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}
