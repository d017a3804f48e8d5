/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures (图片): only as evidence of an alarm or of a look the caller may see. */
#include "serve/api_kit.h"
#include "store/ledger_look.h"

static bool
in_alarm(struct kit *k, struct req *r, struct sighting_id id)
{
    struct alarm_id alarm;
    struct alarm_row row;
    if (!rows_alarm_parse(api_text(r, "alarm"), &alarm) ||
        ledger_alarm_find(k->desk.reader, alarm, &row) != OK)
        return false;
    const struct site *s = site_get(k->sites, row.alarm.site);
    if (s && s->org.v && !api_sees(r, k->orgs, s->org))
        return false;
    for (uint8_t i = 0; i < row.alarm.evidence_n; i++)
        if (sighting_id_eq(row.alarm.evidence[i].id, id))
            return true;
    return false;
}

/* A look's pictures are for the person who looked, as long as the look holds the pass.
 */
static bool
in_look(struct kit *k, struct req *r, const struct sighting *s)
{
    struct look_row row;
    uint64_t number = (uint64_t)api_int(r, "look", 0);
    if (!number || ledger_look_find(k->desk.reader, number, &row) != OK ||
        row.user.v != api_user(r)->id.v || row.state != LOOK_DONE)
        return false;
    bool when = s->pass_ms >= row.from_ms && s->pass_ms <= row.to_ms;
    return when && (plate_is_none(row.plate) || plate_eq(row.plate, s->plate));
}

static const char *
type_of(struct span bytes)
{
    if (span_starts(bytes, SPAN("\xFF\xD8\xFF")))
        return "image/jpeg";
    if (span_starts(bytes, SPAN("\x89PNG")))
        return "image/png";
    return "application/octet-stream";
}

static enum err
one(struct req *r, struct api_env *env)
{
    struct kit k;
    struct sighting_id id;
    struct sighting s;
    struct span bytes;
    struct arena a;
    if (!sighting_id_parse(api_text(r, "ref"), &id))
        return req_refuse(r, REFUSE_NOT_FOUND, NULL, NULL, NULL);
    kit_open(&k, env, r);
    arena_init(&a, 64 << 20);
    struct sight_snap *snap = sight_snapshot(k.house->sight);
    enum err e = snap ? sight_fetch(snap, id, &a, &s) : ERR_NOMEM;
    sight_snap_free(snap);
    if (e == OK && !in_alarm(&k, r, id) && !in_look(&k, r, &s))
        e = ERR_NOTFOUND;
    if (e == OK)
        e = sight_picture(k.house->sight, s.image, &a, &bytes, req_note(r));
    if (e == OK)
        e = kit_looked_at(r, env, "picture", api_text(r, "ref"), 1);
    if (e == OK) {
        req_set(r, "Content-Type", type_of(bytes));
        req_set(r, "Cache-Control", "private, max-age=600");
        buf_put(req_out(r), bytes.p, bytes.n);
        api_looked(r);
    } else if (e == ERR_NOTFOUND || e == ERR_INPUT) {
        e = req_refuse(r, REFUSE_NOT_FOUND, NULL, NULL, NULL);
    }
    arena_release(&a);
    kit_close(&k);
    return e;
}

static const struct api_value params[] = {
    {"ref", API_TEXT, 1, 48, true, false, NULL, NULL, "图片", "picture"},
    {"alarm", API_TEXT, 16, 16, false, false, NULL, NULL, "预警", "alarm"},
    {"look", API_ID, 0, 0, false, false, NULL, NULL, "查询编号", "look"},
    {0},
};
static const struct api_route routes[] = {
    {.method = METHOD_GET,
     .path = "/pictures/{ref}",
     .roles = KIT_LOOKERS,
     .audit = API_LOOK,
     .where = ON_QUERY_FAST,
     .params = params,
     .reply = "picture",
     .zh = "过车图片",
     .en = "one picture, in the scope of an alarm or look",
     .fn = one},
    {0},
};
const struct api api_pictures = {"图片", "pictures", routes};
