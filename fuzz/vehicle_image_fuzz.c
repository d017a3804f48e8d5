/* SPDX-License-Identifier: Apache-2.0 */
/* The registry image: whatever the bytes, what opens can be asked. The checksum is put
 * right first, so that the bounds behind it are reached. */
#include <stdlib.h>

#include "core/hash.h"
#include "model/vehicle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
touch(void *arg, const struct vehicle *v)
{
    const struct vehicle_index *x = arg;
    struct span owner = vehicle_owner(x, v->owner);
    volatile char last = owner.n ? owner.p[owner.n - 1] : 0;
    (void)last;
    (void)vehicle_find(x, v->plate, v->plate_color);
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vehicle_index *x = NULL;
    uint8_t *p = malloc(size + 1);
    must(p != NULL);
    memcpy(p, data, size);
    if (size >= 80) {
        uint64_t n = size;
        memcpy(p + 16, &n, sizeof n);
        uint32_t crc = crc32c(0, p + 16, size - 16);
        memcpy(p + 12, &crc, sizeof crc);
    }
    if (vehicle_index_open(p, size, free, p, &x) == OK) {
        vehicle_each(x, touch, x);
        (void)vehicle_find(x, (struct plate){UINT64_MAX}, 0);
        (void)vehicle_find(x, (struct plate){1}, 0);
        vehicle_index_unref(x);
    }
    return 0;
}
