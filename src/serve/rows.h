/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - the JSON of rows that lists, cards and events share (docs/api.md): one
 * writer per noun, so that an event and a list can never differ.
 *
 * Owner    everything is appended to the caller's buffer.
 * Threads  any, with that thread's reader in the desk.
 * Errors   a row that cannot be read any more is written as null; bool functions say
 * false.
 */
#ifndef TQ_SERVE_ROWS_H
#define TQ_SERVE_ROWS_H

#include "serve/desk.h"
#include "serve/house.h"
#include "serve/needs.h"
#include "store/ledger_people.h"

/* "blue", "yellow", "orange", "red". */
const char *rows_level(uint8_t level);
/* Words for a probability: "likely". */
void rows_words(struct buf *out, double probability);
/* "2140f3..." of an alarm id, and back. */
#define ALARM_ID_TEXT 17
char *rows_alarm_id(char dst[ALARM_ID_TEXT], struct alarm_id id);
bool rows_alarm_parse(struct span s, struct alarm_id *out);

/* "key":"value". */
void rows_text(struct buf *out, const char *key, const char *value);
/* ,"key":N with the comma; null when 0. */
void rows_ms(struct buf *out, const char *key, ts_ms t);
/* Positions as "lon":..,"lat":.. (null when both are 0). */
void rows_lonlat(struct buf *out, int32_t lon, int32_t lat);
/* {"id":3,"name":"..."}, or null. */
void rows_org(struct buf *out, const struct org_table *orgs, struct org_id id);
/* Is there a picture of ours to open? */
bool rows_has_picture(const struct sighting *s);
/* One sighting as the console reads it (docs/api.md "Sighting"). */
void rows_sighting(
    struct buf *out, const struct sighting *s, const struct site_table *sites);

/* `snap` may be NULL: then the look of the vehicle is not shown. */
void rows_alarm(
    struct buf *out, struct desk *d, struct sight_snap *snap,
    const struct alarm_row *row);
/* {"zh","en"}: its rule, plate and subject. */
void rows_alarm_title(struct buf *out, const struct alarm *a);
/* {"zh","en"}: what the alarm that opened it says, while the ledger has that; else what
 * was written when it was opened, the same twice. */
void rows_matter_title(struct buf *out, struct desk *d, const struct matter_row *row);
void rows_matter(struct buf *out, struct desk *d, const struct matter_row *row);
void rows_unit(
    struct buf *out, struct desk *d, const struct live *live,
    const struct unit_row *row);
/* `model` may be NULL. */
void rows_site(
    struct buf *out, const struct org_table *orgs, const struct live *live,
    const struct model *model, const struct site *site, ts_ms now);

/* "ok", "late", "clock", "degraded", "silent", "offline", "unplaced". */
const char *
rows_site_state(const struct live *live, const struct site *site, ts_ms now);
/* "ok", "clock", "degraded", "silent" of enum vital_state. */
const char *rows_vital_name(uint8_t state);
/* Is something wrong with it that a person should mend? */
bool rows_site_ails(const struct live *live, const struct site *site, ts_ms now);
/* What a judged state says, in the figures that were compared, as {"zh","en"}; null for
 * ok. `now`: how long it lasts; for an entry of the journal, when it was said. */
void rows_vital_text(struct buf *out, const struct vital_site *v, ts_ms now);
void rows_device(
    struct buf *out, const struct site_table *sites, const struct live *live,
    const struct device *row);
/* The registry record of a card; null for NULL. */
void rows_vehicle(
    struct buf *out, const struct vehicle_index *registry, const struct vehicle *v,
    const struct zone *zone);
const char *rows_unit_state(uint8_t status);
bool rows_unit_state_parse(struct span s, uint8_t *out);

/* A journal entry as an event: fills ev with roles, scope and data (written to `data`).
 * False: nobody is told of such entries. */
bool rows_event(
    struct desk *d, const struct house *house, const struct ledger_entry *entry,
    struct buf *data, struct event_out *ev);

#endif
