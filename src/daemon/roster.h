/* SPDX-License-Identifier: Apache-2.0 */
/* roster.h - units and devices as an immutable snapshot with the look-ups that network
 * threads need: unit by callsign, device by code, device by key.
 *
 * Owner    refcounted.
 * Threads  immutable once made.
 */
#ifndef TQ_DAEMON_ROSTER_H
#define TQ_DAEMON_ROSTER_H

#include "store/ledger_people.h"

struct roster {
    uint32_t refs; /* atomic */
    struct unit_row *units;
    size_t units_n;
    struct device *devices; /* by code */
    size_t devices_n;
    uint32_t *by_key;                        /* indexes into devices, by key hash */
    uint32_t *crews;                         /* unit id by user id; 0 none */
    uint32_t unit_top, device_top, user_top; /* highest id + 1 */
};

enum err roster_read(struct ledger_reader *r, struct roster **out) MUST_USE;
struct roster *roster_ref(struct roster *r);
void roster_unref(struct roster *r); /* NULL is fine */

const struct unit_row *roster_unit(const struct roster *r, struct unit_id id);
/* The unit a person crews; NULL when none. */
const struct unit_row *roster_crewed(const struct roster *r, struct user_id user);
const struct unit_row *roster_callsign(const struct roster *r, struct span callsign);
const struct device *roster_device(const struct roster *r, struct span code);
const struct device *roster_key(const struct roster *r, const uint8_t hash[32]);

#endif
