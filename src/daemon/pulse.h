/* SPDX-License-Identifier: Apache-2.0 */
/* pulse.h - what each site is doing now: counted from the rows as they are stored, for
 * the live map, the site list and the health of sites.
 *
 * Owner    the rules thread (it sees every stored row once).
 * Threads  one; what leaves are snapshots (serve/live.h).
 */
#ifndef TQ_DAEMON_PULSE_H
#define TQ_DAEMON_PULSE_H

#include "core/cur.h"
#include "rules/vital.h"
#include "serve/live.h"

struct pulse;

struct pulse *pulse_new(const struct zone *zone);
void pulse_free(struct pulse *p);
/* Rows that are not FATE_STORED are passed over; fate NULL: all are. */
void
pulse_rows(struct pulse *p, const struct sighting *rows, size_t n, const uint8_t *fate);
/* Before any row: what the store says of a site's last five-minute cells (after a
 * restart). */
void pulse_seed(struct pulse *p, struct site_id site, ts_ms cell_ms, uint32_t n);
/* What is usual at the sites; takes a reference, NULL: nothing is known. */
void pulse_model(struct pulse *p, struct model *m);
/* Judges the sites; changed() is told of each whose health is another now. */
void pulse_judge(struct pulse *p, ts_ms now, vital_changed *changed, void *arg);
/* How the whole city drives against its habit (1 as usual); -1 not known. */
double pulse_city(const struct pulse *p);
/* The sites' rows as of now into out[0..n); n is the highest site id + 1. */
void pulse_copy(struct pulse *p, ts_ms now, struct live_site *out, uint32_t n);
uint32_t pulse_sites(const struct pulse *p);
/* Passes since the last call as the `map` event of docs/api.md: counts and classes,
 * never a plate. False when nothing passed. */
bool pulse_map(struct pulse *p, ts_ms now, struct buf *out);

#endif
