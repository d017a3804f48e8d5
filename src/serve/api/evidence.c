/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence (证据包): passes and pictures of an alarm, or named one by one, as a signed
 * archive. */
#include "serve/api_kit.h"
#include "serve/evidence.h"
#include "store/ledger_look.h"

static enum err
written(struct req *r, struct api_env *env)
{
    struct look_row *row = *api_keep(r);
    return ledger_look_put(env->ledger, row);
}

static enum err
read_ids(struct req *r, struct sighting_id *ids, size_t *n)
{
    const json_t *list = api_json(r, "passes");
    *n = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text || !sighting_id_parse(span_cstr(text), &ids[*n]))
            return req_refuse(r, REFUSE_BAD_REQUEST, "passes", NULL, NULL);
        (*n)++;
    }
    return OK;
}

static enum err
read_alarm(
    struct req *r, struct api_env *env, const struct kit *k, struct alarm_row *row)
{
    struct alarm_id id;
    if (!rows_alarm_parse(api_text(r, "alarm"), &id) ||
        ledger_alarm_find(env->reader, id, row) != OK)
        return req_refuse(r, REFUSE_NOT_FOUND, "alarm", NULL, NULL);
    const struct site *s = site_get(k->sites, row->alarm.site);
    if (s && s->org.v && !api_sees(r, k->orgs, s->org))
        return req_refuse(r, REFUSE_NOT_FOUND, "alarm", NULL, NULL);
    return OK;
}

static enum err
give(struct req *r, struct api_env *env)
{
    struct kit k;
    struct arena arena;
    struct alarm_row alarm;
    struct evidence_ask q = {0};
    bool recorded = false;
    char name[64];
    struct look_row *row = ARENA_NEW(req_arena(r), struct look_row);
    struct sighting_id *ids = arena_array(req_arena(r), EVIDENCE_PASSES, sizeof *ids);
    if (!row || !ids)
        return ERR_TOOBIG;
    *api_keep(r) = row;
    kit_open(&k, env, r);
    arena_init(&arena, 512 << 20);
    enum err e = kit_who(r, env, LOOK_EXPORT, &q.who);
    if (e == OK && api_has(r, "alarm")) {
        e = read_alarm(r, env, &k, &alarm);
        q.alarm = e == OK ? &alarm.alarm : NULL;
        q.alarm_matter = e == OK ? alarm.matter : 0;
    } else if (e == OK) {
        e = read_ids(r, ids, &q.ids_n);
        q.ids = ids;
    }
    q.matter = api_text(r, "matter");
    q.title = api_text(r, "title");
    q.remark = api_text(r, "remark");
    q.no_clips = api_int(r, "no_clips", 0) != 0;
    if (e == OK) {
        e = evidence_run(
            k.house, env->reader, &q, &arena, req_out(r), row, req_note(r));
        recorded = e != ERR_INPUT;
    }
    if (e == ERR_DENIED && req_note(r)->code[0])
        e = kit_look_refused(r, looks_refusal(req_note(r)->code));
    if (e == OK) {
        snprintf(
            name, sizeof name, "attachment; filename=\"evidence-%llu.zip\"",
            (unsigned long long)row->number);
        req_set(r, "Content-Type", "application/zip");
        req_set(r, "Content-Disposition", name);
        e = api_then(r, ON_LEDGER, written);
    }
    if (recorded)
        api_looked(r);
    arena_release(&arena);
    kit_close(&k);
    return e;
}

static const struct api_value export_body[] = {
    {"matter", API_TEXT, 1, 40, false, true, NULL, NULL, "事项编号",
     "number of an open matter"},
    {"purpose", API_TEXT, 1, 24, false, true, NULL, NULL, "事由",
     "code of the purpose"},
    {"alarm", API_TEXT, 16, 16, false, true, NULL, NULL, "预警", "alarm"},
    {"passes", API_LIST, 1, EVIDENCE_PASSES, false, true, NULL, NULL, "过车编号",
     "ids of passes"},
    {"title", API_TEXT, 0, 120, false, true, NULL, NULL, "标题", "title"},
    {"remark", API_LINES, 0, 2000, false, true, NULL, NULL, "说明", "remark"},
    {"no_clips", API_FLAG, 0, 0, false, true, NULL, NULL, "不装入外部视频",
     "leave out the video that the matter keeps"},
    {"emergency", API_FLAG, 0, 0, false, true, NULL, NULL, "紧急查询", "emergency"},
    {"why", API_REASON, 2, 400, false, true, NULL, NULL, "紧急原因", "why it is one"},
    {0},
};
static const struct api_route routes[] = {
    {.method = METHOD_POST,
     .path = "/evidence",
     .roles = KIT_LOOKERS,
     .audit = API_LOOK,
     .where = ON_QUERY_BATCH,
     .body = export_body,
     .cost = 50,
     .reply = "archive",
     .reply_type = "application/zip",
     .zh = "导出签名证据包",
     .en = "a signed archive of passes and pictures",
     .fn = give},
    {0},
};
const struct api api_evidence = {"证据包", "evidence", routes};
