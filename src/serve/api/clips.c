/* SPDX-License-Identifier: Apache-2.0 */
/* Outside video (外部视频): a clip is kept with its matter by content, its clock is set
 * against a known pass, and a marked frame becomes a pass entered by hand. Each step is
 * an entry of the matter's journal. */
#include "serve/api_kit.h"
#include "serve/clip_book.h"

struct clip { /* kept between the stages */
    struct job job;
    struct req *r;
    struct matter_row matter;
    struct clip_entry entry;
    int64_t position_ms;
    ts_ms true_ms;
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

/* One move on the newest state of the matter; on the ledger thread. */
static enum err
journal(
    struct req *r, struct api_env *env, struct clip *c, const char *move,
    json_t *fields)
{
    struct kit k;
    kit_open(&k, env, r);
    struct matter_actor by = kit_actor(r);
    struct note *note = req_note(r);
    enum err e = clip_book_move(&k.desk, c->matter.id, move, fields, &by, note);
    if (e == ERR_NOTFOUND)
        e = req_refuse(r, REFUSE_STATE, "id", note->en, note->zh);
    kit_close(&k);
    if (e == OK)
        api_audit(r, span_cstr(c->entry.hash), span_cstr(c->matter.number));
    return e;
}

/* The clip named in the path, when it belongs to a matter that may be seen. */
static enum err
find_clip(struct req *r, struct api_env *env, struct clip *c)
{
    struct kit k;
    struct clip_entry *clips = NULL;
    const struct clip_entry *found = NULL;
    size_t n = 0;
    kit_open(&k, env, r);
    enum err e = kit_matter(r, &k, api_text(r, "id"), &c->matter);
    if (e == OK)
        e = clip_book_read(
            &k.desk, c->matter.id, req_arena(r), &clips, &n, req_note(r));
    kit_close(&k);
    if (e != OK)
        return e;
    if (clip_book_find(clips, n, api_text(r, "clip"), &found, req_note(r)) != OK)
        return req_refuse(r, REFUSE_NOT_FOUND, "clip", NULL, NULL);
    c->entry = *found;
    return OK;
}

/* Learned error of a site's clock. */
static int32_t
offset_of(struct house *house, struct site_id site)
{
    struct model *m = house->model ? house->model(house->ctx) : NULL;
    int32_t offset = model_site(m, site)->offset_ms;
    model_unref(m);
    return offset;
}

/* ---- a clip comes in ---- */

static enum err
added(struct req *r, struct api_env *env)
{
    struct clip *c = *api_keep(r);
    struct clip_entry *x = &c->entry;
    enum err e = journal(
        r, env, c, "add_clip",
        clip_book_added(&x->ref, api_text(r, "name"), x->length_ms));
    if (e == OK) {
        buf_fmt(
            req_out(r), "{\"clip\":\"%s\",\"bytes\":%zu,\"length_ms\":%lld}", x->hash,
            req_body(r).n, (long long)x->length_ms);
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
    struct clip_entry *x = &c->entry;
    if (e == OK)
        e = clip_keep(
            k.house->fs, k.house->dir, req_body(r), &x->ref, &x->length_ms,
            req_note(r));
    if (e == OK)
        doc_ref_format(x->hash, &x->ref);
    kit_close(&k);
    return e == OK ? api_then(r, ON_LEDGER, added) : e;
}

/* ---- a frame ---- */

static enum err
frame(struct req *r, struct api_env *env)
{
    struct kit k;
    struct clip *c = clip_new(r);
    if (!c)
        return ERR_TOOBIG;
    enum err e = find_clip(r, env, c);
    kit_open(&k, env, r);
    if (e == OK)
        e = clip_frame(
            k.house->dir, &c->entry.ref, api_int(r, "position_ms", 0), req_out(r),
            req_note(r));
    struct kit_looked looked = {
        .action = "clip",
        .object = span_cstr(c->entry.hash),
        .count = 1,
        .matter = c->matter.id,
        .refused = e != OK,
    };
    enum err kept = kit_looked_at(r, env, &looked);
    if (kept == OK)
        api_looked(r);
    if (e == OK) {
        req_set(r, "Content-Type", "image/jpeg");
    }
    kit_close(&k);
    return kept ? kept : e;
}

/* ---- its clock ---- */

static enum err
set_clock(struct req *r, struct api_env *env)
{
    struct sighting_id pass;
    ts_ms zero;
    struct clip *c = clip_new(r);
    if (!c)
        return ERR_TOOBIG;
    if (!sighting_id_parse(api_text(r, "pass"), &pass))
        return req_refuse(r, REFUSE_BAD_REQUEST, "pass", NULL, NULL);
    enum err e = find_clip(r, env, c);
    if (e != OK)
        return e;
    int32_t offset = offset_of(kit_house(env), (struct site_id){pass.site});
    e = journal(
        r, env, c, "set_clip_clock",
        clip_book_clock(
            c->entry.hash, pass, api_int(r, "position_ms", 0), offset, &zero));
    if (e == OK)
        buf_fmt(
            req_out(r), "{\"clip\":\"%s\",\"zero_ms\":%lld,\"clock_ms\":%d}",
            c->entry.hash, (long long)zero, offset);
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
    const struct clip_frame frame = {
        .position_ms = c->position_ms, .at_ms = c->true_ms, .pass = c->id};
    enum err e = journal(
        r, env, c, "mark_frame",
        clip_book_marked(c->entry.hash, &frame, api_text(r, "note")));
    if (e == OK)
        return api_then(r, ON_NET, append);
    sighting_batch_free(c->batch);
    c->batch = NULL;
    return e;
}

static enum err
fill(struct req *r, struct house *house, struct clip *c, struct span jpeg)
{
    struct clip_pass p = {
        .hash = c->entry.hash,
        .position_ms = c->position_ms,
        .true_ms = c->true_ms,
        .now_ms = req_at(r),
        .site = c->site,
        .offset_ms = offset_of(house, c->site),
        .plate = api_text(r, "plate"),
        .plate_color = (uint8_t)api_int(r, "plate_color", 0),
        .vehicle_color = (uint8_t)api_int(r, "vehicle_color", 0),
    };
    if (!code3_parse(api_text(r, "vehicle_class"), &p.vehicle_class) ||
        !code3_parse(api_text(r, "brand"), &p.brand))
        return req_refuse(r, REFUSE_BAD_REQUEST, "vehicle_class", NULL, NULL);
    enum err e = clip_book_pass(&p, jpeg, c->batch, &c->id, req_note(r));
    return e == ERR_INPUT ? req_refuse(r, REFUSE_BAD_REQUEST, "plate", NULL, NULL) : e;
}

static enum err
mark(struct req *r, struct api_env *env)
{
    struct kit k;
    struct buf jpeg = {0};
    struct clip *c = clip_new(r);
    if (!c)
        return ERR_TOOBIG;
    enum err e = find_clip(r, env, c);
    kit_open(&k, env, r);
    if (e == OK && !c->entry.clocked)
        e = req_refuse(
            r, REFUSE_STATE, "clip",
            "set the clip's clock first, against a pass that is known",
            "请先用一条已知过车给视频对时");
    c->position_ms = api_int(r, "position_ms", 0);
    c->site.v = (uint32_t)api_int(r, "site", 0);
    c->true_ms = c->entry.zero_ms + c->position_ms;
    if (e == OK && !site_get(k.sites, c->site))
        e = req_refuse(r, REFUSE_BAD_REQUEST, "site", NULL, NULL);
    if (e == OK)
        e = clip_frame(k.house->dir, &c->entry.ref, c->position_ms, &jpeg, req_note(r));
    c->batch = e == OK ? sighting_batch_new(1, 16 << 20) : NULL;
    if (e == OK)
        e = c->batch ? fill(r, k.house, c, span_of(jpeg.p, jpeg.n)) : ERR_NOMEM;
    if (e != OK && c->batch) {
        sighting_batch_free(c->batch);
        c->batch = NULL;
    }
    buf_release(&jpeg);
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
