/* SPDX-License-Identifier: Apache-2.0 */
/* Outside video (外部视频): a clip is kept with its matter by content, its clock is set
 * against a known pass, and a marked frame becomes a pass entered by hand. Each step is
 * an entry of the matter's journal. */
#include <string.h>

#include "serve/api_kit.h"
#include "serve/clip.h"

struct clip { /* kept between the stages */
    struct job job;
    struct req *r;
    struct matter_row matter;
    struct doc_ref ref;
    char hash[DOC_REF_TEXT], doc[DOC_REF_TEXT + 4];
    int64_t length_ms, position_ms, true_ms;
    struct sighting_batch *batch;
    struct sighting_id id;
    struct site_id site;
};

static struct clip *
clip_new(struct req *r)
{
    struct clip *c = ARENA_NEW(req_arena(r), struct clip);
    *api_keep(r) = c;
    if (c)
        c->r = r;
    return c;
}

static void
name_it(struct clip *c)
{
    doc_ref_format(c->hash, &c->ref);
    snprintf(c->doc, sizeof c->doc, "doc:%s", c->hash);
}

/* One move on the newest state of the matter; on the ledger thread. */
static enum err
journal(
    struct req *r, struct api_env *env, struct clip *c, const char *move,
    json_t *fields)
{
    struct kit k;
    struct matter m = {0};
    kit_open(&k, env, r);
    struct matter_actor by = kit_actor(r);
    enum err e = fields ? desk_load(&k.desk, c->matter.id, &m, req_note(r)) : ERR_NOMEM;
    if (e == OK)
        e = desk_move(
            &k.desk, c->matter.id, span_cstr(move), m.seq, fields, &by, req_note(r));
    if (e == ERR_NOTFOUND ||
        (e == ERR_INPUT && strcmp(req_note(r)->field, "move") == 0))
        e = req_refuse(
            r, REFUSE_STATE, "id",
            "this matter takes no clips: open a hit-and-run for them",
            "此事项不能添加视频：请另立“肇事逃逸侦查”事项");
    matter_release(&m);
    kit_close(&k);
    json_decref(fields);
    if (e == OK)
        api_audit(r, span_cstr(c->hash), span_cstr(c->matter.number));
    return e;
}

/* The journal of the matter as the API shows it; NULL: not to be seen. */
static json_t *
journal_of(struct req *r, struct api_env *env, struct clip *c)
{
    struct kit k;
    struct buf b = {0};
    json_t *all = NULL, *list = NULL;
    kit_open(&k, env, r);
    if (kit_matter(r, &k, api_text(r, "id"), &c->matter) == OK &&
        kit_matter_json(r, &k, &c->matter, &b) == OK && !b.bad)
        all = json_loadb((const char *)b.p, b.n, 0, NULL);
    list = json_incref(json_object_get(all, "journal"));
    json_decref(all);
    buf_release(&b);
    kit_close(&k);
    return list;
}

/* What the newest entry of a move on this clip says of a field; NULL none. */
static json_t *
said_of(const json_t *list, const struct clip *c, const char *move, const char *field)
{
    json_t *found = NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);
        const json_t *fields = json_object_get(row, "fields");
        const char *name = json_string_value(json_object_get(row, "move"));
        const char *clip = json_string_value(json_object_get(fields, "clip"));
        if (name && clip && strcmp(name, move) == 0 && strcmp(clip, c->hash) == 0)
            found = json_object_get(fields, field);
    }
    return found;
}

/* The clip named in the path, when it belongs to the matter. */
static enum err
find_clip(struct req *r, struct api_env *env, struct clip *c, json_t **list)
{
    if (!doc_ref_parse(api_text(r, "clip"), &c->ref))
        return req_refuse(r, REFUSE_NOT_FOUND, "clip", NULL, NULL);
    name_it(c);
    *list = journal_of(r, env, c);
    if (!said_of(*list, c, "add_clip", "clip"))
        return req_refuse(r, REFUSE_NOT_FOUND, "clip", NULL, NULL);
    c->length_ms = json_integer_value(said_of(*list, c, "add_clip", "clip_ms"));
    return OK;
}

/* ---- a clip comes in ---- */

static enum err
added(struct req *r, struct api_env *env)
{
    struct clip *c = *api_keep(r);
    struct span name = api_text(r, "name");
    enum err e = journal(
        r, env, c, "add_clip",
        json_pack(
            "{s:s, s:s%, s:I, s:[s]}", "clip", c->hash, "clip_name", name.p, name.n,
            "clip_ms", (json_int_t)c->length_ms, "evidence_files", c->doc));
    if (e == OK) {
        buf_fmt(
            req_out(r), "{\"clip\":\"%s\",\"bytes\":%zu,\"length_ms\":%lld}", c->hash,
            req_body(r).n, (long long)c->length_ms);
        api_created(r);
    }
    return e;
}

static enum err
add(struct req *r, struct api_env *env)
{
    struct kit k;
    struct clip *c = clip_new(r);
    if (!c)
        return ERR_TOOBIG;
    kit_open(&k, env, r);
    enum err e = kit_matter(r, &k, api_text(r, "id"), &c->matter);
    if (e == OK && !c->matter.open)
        e = req_refuse(r, REFUSE_LOOK_MATTER_CLOSED, "id", NULL, NULL);
    if (e == OK && req_body(r).n == 0)
        e = req_refuse(
            r, REFUSE_BAD_REQUEST, "clip", "the body is the clip",
            "请求体应为视频文件");
    if (e == OK)
        e = docs_put(k.house->fs, k.house->dir, req_body(r), &c->ref, req_note(r));
    if (e == OK) {
        name_it(c);
        e = clip_length(k.house->dir, &c->ref, &c->length_ms, req_note(r));
        if (e != OK) { /* what is no evidence is not kept */
            enum err dropped = docs_drop(k.house->fs, k.house->dir, &c->ref);
            e = dropped ? dropped : e;
        }
    }
    kit_close(&k);
    return e == OK ? api_then(r, ON_LEDGER, added) : e;
}

/* ---- a frame ---- */

static enum err
frame(struct req *r, struct api_env *env)
{
    struct kit k;
    json_t *list = NULL;
    struct clip *c = clip_new(r);
    if (!c)
        return ERR_TOOBIG;
    kit_open(&k, env, r);
    enum err e = find_clip(r, env, c, &list);
    if (e == OK)
        e = clip_frame(
            k.house->dir, &c->ref, api_int(r, "position_ms", 0), req_out(r),
            req_note(r));
    struct kit_looked looked = {
        .action = "clip",
        .object = span_cstr(c->hash),
        .count = 1,
        .matter = c->matter.id,
        .refused = e != OK,
    };
    enum err kept = kit_looked_at(r, env, &looked);
    if (kept == OK)
        api_looked(r);
    if (e == OK) {
        req_set(r, "Content-Type", "image/jpeg");
        req_set(r, "Cache-Control", "private, max-age=600");
    }
    json_decref(list);
    kit_close(&k);
    return kept ? kept : e;
}

/* ---- its clock ---- */

static enum err
set_clock(struct req *r, struct api_env *env)
{
    struct sighting_id pass;
    json_t *list = NULL;
    struct clip *c = clip_new(r);
    if (!c)
        return ERR_TOOBIG;
    if (!sighting_id_parse(api_text(r, "pass"), &pass))
        return req_refuse(r, REFUSE_BAD_REQUEST, "pass", NULL, NULL);
    enum err e = find_clip(r, env, c, &list);
    json_decref(list);
    if (e != OK)
        return e;
    struct house *house = kit_house(env);
    struct model *m = house->model ? house->model(house->ctx) : NULL;
    int32_t offset = model_site(m, (struct site_id){pass.site})->offset_ms;
    model_unref(m);
    char text[SIGHTING_ID_TEXT];
    int64_t zero = pass.pass_ms - offset - api_int(r, "position_ms", 0);
    e = journal(
        r, env, c, "set_clip_clock",
        json_pack(
            "{s:s, s:I, s:s}", "clip", c->hash, "clip_zero", (json_int_t)zero,
            "known_pass", sighting_id_format(text, pass)));
    if (e == OK)
        buf_fmt(
            req_out(r), "{\"clip\":\"%s\",\"zero_ms\":%lld,\"clock_ms\":%d}", c->hash,
            (long long)zero, offset);
    return e;
}

/* ---- a marked frame becomes a pass ---- */

static void
stored(struct job *job, struct api_env *env)
{
    (void)env;
    struct clip *c = (struct clip *)((char *)job - offsetof(struct clip, job));
    bool kept = !job->failed && (c->batch->fate[0] == FATE_STORED ||
                                 c->batch->fate[0] == FATE_DUPLICATE);
    sighting_batch_free(c->batch);
    c->batch = NULL;
    api_done(c->r, kept ? OK : job->failed ? job->failed : ERR_FULL);
}

static enum err
append(struct req *r, struct api_env *env)
{
    struct clip *c = *api_keep(r);
    const struct serve_needs *n = env->needs;
    char id[SIGHTING_ID_TEXT];
    buf_fmt(
        req_out(r), "{\"pass\":\"%s\",\"time_ms\":%lld}", sighting_id_format(id, c->id),
        (long long)c->true_ms);
    api_created(r);
    c->job.run = stored;
    c->job.failed = OK;
    enum err e = n->append(n->ctx, c->batch, req_http(r), &c->job);
    if (e == OK) {
        api_wait(r);
        return OK;
    }
    sighting_batch_free(c->batch);
    c->batch = NULL;
    return e;
}

static enum err
marked(struct req *r, struct api_env *env)
{
    struct clip *c = *api_keep(r);
    char id[SIGHTING_ID_TEXT];
    struct span note = api_text(r, "note");
    json_t *fields = json_pack(
        "{s:s, s:I, s:s, s:I}", "clip", c->hash, "clip_position",
        (json_int_t)c->position_ms, "marked_pass", sighting_id_format(id, c->id),
        "marked_at", (json_int_t)c->true_ms);
    if (fields && note.n)
        json_object_set_new(fields, "evidence_note", json_stringn(note.p, note.n));
    enum err e = journal(r, env, c, "mark_frame", fields);
    if (e == OK)
        return api_then(r, ON_NET, append);
    sighting_batch_free(c->batch);
    c->batch = NULL;
    return e;
}

static enum err
fill(struct req *r, const struct house *house, struct clip *c, struct span jpeg)
{
    struct sighting_batch *b = c->batch;
    struct sighting *s = sighting_batch_add(b);
    bool differs;
    struct model *m = house->model ? house->model(house->ctx) : NULL;
    must(s != NULL);
    /* As that site's own camera would have dated it, so that one correction fits all.
     */
    s->pass_ms = c->true_ms + model_site(m, c->site)->offset_ms;
    model_unref(m);
    s->arrive_ms = req_at(r);
    s->site = c->site;
    s->flags = SIGHTING_BY_HAND;
    s->plate_color = (uint8_t)api_int(r, "plate_color", 0);
    s->vehicle_color = (uint8_t)api_int(r, "vehicle_color", 0);
    if (api_text(r, "plate").n &&
        plate_parse(api_text(r, "plate"), &s->plate, &differs) == PLATE_UNREAD)
        return req_refuse(r, REFUSE_BAD_REQUEST, "plate", NULL, NULL);
    if (!code3_parse(api_text(r, "vehicle_class"), &s->vehicle_class) ||
        !code3_parse(api_text(r, "brand"), &s->brand))
        return req_refuse(r, REFUSE_BAD_REQUEST, "vehicle_class", NULL, NULL);
    s->record_id =
        arena_fmt(&b->arena, "hand-%.16s-%lld", c->hash, (long long)c->position_ms);
    struct span picture = arena_span(&b->arena, jpeg);
    if (!s->record_id.p || !picture.p || !sighting_batch_picture(b, 0, picture, 1))
        return ERR_TOOBIG;
    c->id = sighting_id_of(s);
    return OK;
}

static enum err
mark(struct req *r, struct api_env *env)
{
    struct kit k;
    json_t *list = NULL;
    struct buf jpeg = {0};
    struct clip *c = clip_new(r);
    if (!c)
        return ERR_TOOBIG;
    kit_open(&k, env, r);
    enum err e = find_clip(r, env, c, &list);
    json_t *zero = e == OK ? said_of(list, c, "set_clip_clock", "clip_zero") : NULL;
    if (e == OK && !zero)
        e = req_refuse(
            r, REFUSE_STATE, "clip",
            "set the clip's clock first, against a pass that is known",
            "请先用一条已知过车给视频对时");
    c->position_ms = api_int(r, "position_ms", 0);
    c->site.v = (uint32_t)api_int(r, "site", 0);
    c->true_ms = json_integer_value(zero) + c->position_ms;
    if (e == OK && !site_get(k.sites, c->site))
        e = req_refuse(r, REFUSE_BAD_REQUEST, "site", NULL, NULL);
    if (e == OK)
        e = clip_frame(k.house->dir, &c->ref, c->position_ms, &jpeg, req_note(r));
    c->batch = e == OK ? sighting_batch_new(1, 16 << 20) : NULL;
    if (e == OK)
        e = c->batch ? fill(r, k.house, c, span_of(jpeg.p, jpeg.n)) : ERR_NOMEM;
    if (e != OK && c->batch) {
        sighting_batch_free(c->batch);
        c->batch = NULL;
    }
    buf_release(&jpeg);
    json_decref(list);
    kit_close(&k);
    return e == OK ? api_then(r, ON_LEDGER, marked) : e;
}

static const struct api_value add_params[] = {
    {"id", API_TEXT, 1, 40, true, false, NULL, NULL, "事项编号",
     "number of the matter"},
    {"name", API_TEXT, 1, 120, true, false, NULL, NULL, "视频名称",
     "what it is called"},
    {0},
};
static const struct api_value frame_params[] = {
    {"id", API_TEXT, 1, 40, true, false, NULL, NULL, "事项编号",
     "number of the matter"},
    {"clip", API_TEXT, 64, 64, true, false, NULL, NULL, "视频", "clip"},
    {"position_ms", API_INT, 0, CLIP_MS, true, false, NULL, NULL, "画面位置",
     "position in the clip"},
    {0},
};
static const struct api_value clip_params[] = {
    {"id", API_TEXT, 1, 40, true, false, NULL, NULL, "事项编号",
     "number of the matter"},
    {"clip", API_TEXT, 64, 64, true, false, NULL, NULL, "视频", "clip"},
    {0},
};
static const struct api_value clock_body[] = {
    {"position_ms", API_INT, 0, CLIP_MS, true, false, NULL, NULL, "画面位置",
     "where the clip shows the vehicle"},
    {"pass", API_TEXT, 1, 48, true, false, NULL, NULL, "已知过车",
     "its pass, as a look shows it"},
    {0},
};
static const struct api_value mark_body[] = {
    {"position_ms", API_INT, 0, CLIP_MS, true, false, NULL, NULL, "画面位置",
     "position in the clip"},
    {"site", API_INT, 1, 4e9, true, false, NULL, NULL, "点位", "where it was taken"},
    {"plate", API_TEXT, 1, 24, false, true, NULL, NULL, "号牌",
     "plate; ? for a character that cannot be read"},
    {"plate_color", API_INT, 0, 99, false, true, NULL, NULL, "号牌颜色",
     "plate colour"},
    {"vehicle_class", API_TEXT, 0, 3, false, true, NULL, NULL, "车辆类型", "class"},
    {"vehicle_color", API_INT, 0, 99, false, true, NULL, NULL, "车身颜色",
     "body colour"},
    {"brand", API_TEXT, 0, 3, false, true, NULL, NULL, "品牌", "brand"},
    {"note", API_LINES, 2, 1000, false, true, NULL, NULL, "说明", "what it shows"},
    {0},
};
static const struct api_route routes[] = {
    {.method = METHOD_POST,
     .path = "/matters/{id}/clips",
     .roles = KIT_LOOKERS,
     .audit = API_CHANGE,
     .where = ON_WORK,
     .params = add_params,
     .body_type = "application/octet-stream",
     .body_cap = CLIP_BYTES,
     .cost = 100,
     .reply = "Clip",
     .status = 201,
     .zh = "导入外部视频",
     .en = "keep an outside clip with a matter",
     .fn = add},
    {.method = METHOD_GET,
     .path = "/matters/{id}/clips/{clip}/frame",
     .roles = KIT_LOOKERS,
     .audit = API_LOOK,
     .where = ON_WORK,
     .params = frame_params,
     .cost = 20,
     .reply = "picture",
     .reply_type = "image/jpeg",
     .zh = "视频画面",
     .en = "one frame of a clip",
     .fn = frame},
    {.method = METHOD_POST,
     .path = "/matters/{id}/clips/{clip}/clock",
     .roles = KIT_LOOKERS,
     .audit = API_CHANGE,
     .where = ON_LEDGER,
     .params = clip_params,
     .body = clock_body,
     .reply = "ClipClock",
     .zh = "视频对时",
     .en = "set a clip's clock by a known pass",
     .fn = set_clock},
    {.method = METHOD_POST,
     .path = "/matters/{id}/clips/{clip}/marks",
     .roles = KIT_LOOKERS,
     .audit = API_CHANGE,
     .where = ON_WORK,
     .params = clip_params,
     .body = mark_body,
     .cost = 20,
     .reply = "Mark",
     .status = 201,
     .zh = "标注画面为过车",
     .en = "a marked frame becomes a pass entered by hand",
     .fn = mark},
    {0},
};
const struct api api_clips = {"外部视频", "outside video", routes};
