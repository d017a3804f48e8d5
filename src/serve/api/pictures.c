/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures (图片): only as evidence of an alarm whose card the caller may open, or of a
 * pass that was in the answer of a look of his own. Each is recorded, also when it is
 * refused. */
#include "serve/api_kit.h"
#include "serve/looks.h"

/* Under which look or alarm somebody asks, as it goes on record. */
struct scope {
    struct kit_looked record;
    char purpose[24];
    char matter[32];           /* of an alarm: the number of what holds the evidence */
    enum look_refusal refusal; /* the scope is the caller's, and is closed to him */
};

/* The same that opens the card: its matter, or without one its site. */
static enum err
in_alarm(struct kit *k, struct req *r, struct sighting_id id, struct scope *sc)
{
    struct alarm_id alarm;
    struct alarm_row row;
    if (!rows_alarm_parse(api_text(r, "alarm"), &alarm) ||
        ledger_alarm_find(k->desk.reader, alarm, &row) != OK)
        return ERR_NOTFOUND;
    bool evidence = false;
    for (uint8_t i = 0; i < row.alarm.evidence_n && !evidence; i++)
        evidence = sighting_id_eq(row.alarm.evidence[i].id, id);
    const struct site *s = site_get(k->sites, row.alarm.site);
    if (!evidence || (!row.matter && s && s->org.v && !api_sees(r, k->orgs, s->org)))
        return ERR_NOTFOUND;
    sc->record.matter = row.matter;
    sc->record.purpose = SPAN("alarm");
    if (!row.matter)
        return OK;
    struct matter_row m;
    if (ledger_matter_find(k->desk.reader, row.matter, &m) == OK)
        (void)span_copy(sc->matter, sizeof sc->matter, span_cstr(m.number));
    struct look_request q = kit_card(r, &row);
    enum err e = audit_look_check(
        k->desk.reader, k->house->looks, k->orgs, &q, &sc->refusal, req_note(r));
    /* Another brigade's alarm is none at all. */
    return !e && sc->refusal == LOOK_SCOPE ? ERR_NOTFOUND : e;
}

static enum err
in_look(struct kit *k, struct req *r, const struct sighting *s, struct scope *sc)
{
    struct look_row row;
    struct look_request who = kit_looker(r);
    who.newest_ms = looks_newest(k->house);
    enum err e = audit_look_stands(
        k->desk.reader, k->house->looks, k->orgs, &who, (uint64_t)api_int(r, "look", 0),
        &row, &sc->refusal, req_note(r));
    if (e)
        return e;
    sc->record.look = row.number;
    sc->record.matter = row.matter;
    (void)span_copy(sc->purpose, sizeof sc->purpose, span_cstr(row.purpose));
    sc->record.purpose = span_cstr(sc->purpose);
    return look_scope_holds(&row.scope, s) ? OK : ERR_NOTFOUND;
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

/* From its pack; past the days of pictures from what the matter holds. */
static enum err
bytes_of(
    const struct kit *k, const struct scope *sc, const struct sighting *s,
    struct arena *a, struct span *bytes, struct note *note)
{
    enum err e = sight_picture(k->house->sight, s->image, a, bytes, note);
    if (e == ERR_NOTFOUND && sc->matter[0])
        e = sight_held_picture(
            k->house->sight, span_cstr(sc->matter), s->image, a, bytes, note);
    return e;
}

/* Reads and records; the bytes are in the arena. */
static enum err
picture(
    struct kit *k, struct req *r, struct api_env *env, struct sighting_id id,
    struct arena *a, struct span *bytes)
{
    struct sighting s;
    struct scope sc = {.record = {.action = "picture", .object = api_text(r, "ref")}};
    struct sight_snap *snap = sight_snapshot(k->house->sight);
    enum err e = snap ? OK : ERR_NOMEM;
    bool alarm = api_text(r, "alarm").n > 0;
    if (e == OK && alarm)
        e = in_alarm(k, r, id, &sc);
    if (e == OK)
        e = kit_evidence(k, snap, span_cstr(sc.matter), id, a, &s);
    if (e == OK && !alarm)
        e = in_look(k, r, &s, &sc);
    sight_snap_free(snap);
    if (e == OK && !sc.refusal)
        e = bytes_of(k, &sc, &s, a, bytes, req_note(r));
    if (e == OK || e == ERR_NOTFOUND || e == ERR_INPUT) {
        sc.record.refused = e != OK || sc.refusal;
        sc.record.count = !sc.record.refused;
        enum err kept = kit_looked_at(r, env, &sc.record);
        e = kept ? kept : e;
    }
    return e == OK && sc.refusal ? kit_look_refused(r, sc.refusal) : e;
}

static enum err
one(struct req *r, struct api_env *env)
{
    struct kit k;
    struct sighting_id id;
    struct span bytes;
    struct arena a;
    if (!sighting_id_parse(api_text(r, "ref"), &id))
        return req_refuse(r, REFUSE_NOT_FOUND, NULL, NULL, NULL);
    if ((api_text(r, "alarm").n > 0) == (api_int(r, "look", 0) > 0))
        return req_refuse(
            r, REFUSE_BAD_REQUEST, "look", "name the alarm or the look, one of them",
            "请指定预警或查询编号之一");
    kit_open(&k, env, r);
    arena_init(&a, 64 << 20);
    enum err e = picture(&k, r, env, id, &a, &bytes);
    if (e == OK) {
        req_set(r, "Content-Type", type_of(bytes));
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
     .reply_type = "image/*",
     .zh = "过车图片",
     .en = "one picture, in the scope of an alarm or look",
     .fn = one},
    {0},
};
const struct api api_pictures = {"图片", "pictures", routes};
