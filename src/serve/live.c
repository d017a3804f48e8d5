/* SPDX-License-Identifier: Apache-2.0 */
/* One block per snapshot: three arrays behind the head. */
#include "serve/live.h"

#include "core/err.h"

#include <stdlib.h>

struct live *
live_new(uint32_t sites_n, uint32_t devices_n, uint32_t units_n)
{
    struct live *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->refs = 1;
    l->sites = calloc(sites_n + 1, sizeof *l->sites);
    l->devices = calloc(devices_n + 1, sizeof *l->devices);
    l->units = calloc(units_n + 1, sizeof *l->units);
    l->sites_n = sites_n;
    l->devices_n = devices_n;
    l->units_n = units_n;
    if (!l->sites || !l->devices || !l->units) {
        live_unref(l);
        return NULL;
    }
    return l;
}

struct live *
live_ref(struct live *l)
{
    __atomic_fetch_add(&l->refs, 1, __ATOMIC_RELAXED);
    return l;
}

void
live_unref(struct live *l)
{
    if (!l || __atomic_sub_fetch(&l->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    free(l->sites);
    free(l->devices);
    free(l->units);
    free(l);
}

const struct live_site *
live_site(const struct live *l, struct site_id id)
{
    static const struct live_site none;
    return l && id.v < l->sites_n ? &l->sites[id.v] : &none;
}

const struct live_device *
live_device(const struct live *l, struct device_id id)
{
    static const struct live_device none;
    return l && id.v < l->devices_n ? &l->devices[id.v] : &none;
}

const struct live_unit *
live_unit(const struct live *l, struct unit_id id)
{
    static const struct live_unit none;
    return l && id.v < l->units_n ? &l->units[id.v] : &none;
}
