/* SPDX-License-Identifier: Apache-2.0 */
/* An entry of the journal as an event for those consoles whose role and part of the
 * city may see it. */
#include "serve/rows.h"

#include "store/ledger_place.h"

#define LOOKERS (ROLE_DUTY | ROLE_ANALYST | ROLE_SQUAD | ROLE_SUPERVISOR)

static bool
alarm_event(
    struct desk *d, const struct house *house, struct alarm_id id, struct buf *data,
    struct event_out *ev)
{
    struct alarm_row row;
    if (ledger_alarm_find(d->reader, id, &row) != OK)
        return false;
    struct sight_snap *snap = house->sight ? sight_snapshot(house->sight) : NULL;
    rows_alarm(data, d, snap, &row);
    sight_snap_free(snap);
    const struct site *site = site_get(d->sites, row.alarm.site);
    ev->topic = ev->name = "alarm";
    ev->roles = LOOKERS;
    ev->org = site ? site->org : (struct org_id){0};
    struct matter_row m;
    if (row.matter && ledger_matter_find(d->reader, row.matter, &m) == OK)
        ev->unit = m.owner_unit;
    return true;
}

static bool
matter_event(struct desk *d, uint64_t id, struct buf *data, struct event_out *ev)
{
    struct matter_row row;
    if (ledger_matter_find(d->reader, id, &row) != OK)
        return false;
    rows_matter(data, d, &row);
    ev->topic = ev->name = "matter";
    ev->roles = LOOKERS;
    ev->org = row.org;
    ev->unit = row.owner_unit;
    return true;
}

static bool
unit_event(
    struct desk *d, const struct house *house, uint64_t id, struct buf *data,
    struct event_out *ev)
{
    struct unit_row row;
    if (ledger_unit_find(d->reader, (struct unit_id){(uint32_t)id}, &row) != OK)
        return false;
    struct live *live = house->live(house->ctx);
    rows_unit(data, d, live, &row);
    live_unref(live);
    ev->topic = ev->name = "unit";
    ev->roles = LOOKERS;
    ev->org = row.unit.org;
    return true;
}

static bool
site_event(
    struct desk *d, const struct house *house, uint64_t id, struct buf *data,
    struct event_out *ev)
{
    const struct site *site = site_get(d->sites, (struct site_id){(uint32_t)id});
    if (!site)
        return false;
    struct live *live = house->live(house->ctx);
    struct model *model = house->model(house->ctx);
    rows_site(data, d->orgs, live, model, site, d->now);
    model_unref(model);
    live_unref(live);
    ev->topic = ev->name = "site";
    ev->roles = LOOKERS | ROLE_ADMIN;
    ev->org = site->org;
    return true;
}

bool
rows_event(
    struct desk *d, const struct house *house, const struct ledger_entry *entry,
    struct buf *data, struct event_out *ev)
{
    *ev = (struct event_out){.journal = entry->n};
    bool told = false;
    switch (entry->topic) {
    case TOPIC_ALARM:
        told = alarm_event(d, house, (struct alarm_id){entry->object}, data, ev);
        break;
    case TOPIC_MATTER:
        told = matter_event(d, entry->object, data, ev);
        break;
    case TOPIC_UNIT:
        told = unit_event(d, house, entry->object, data, ev);
        break;
    case TOPIC_SITE:
    case TOPIC_VITAL:
        told = site_event(d, house, entry->object, data, ev);
        break;
    default:
        break;
    }
    ev->data = span_of(data->p, data->n);
    return told;
}
