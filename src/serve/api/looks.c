/* SPDX-License-Identifier: Apache-2.0 */
/* Looks (查询): asking for somebody's movements, the board of those that wait for a
 * second person. */
#include "serve/api_kit.h"
#include "serve/looks.h"
#include "store/ledger_look.h"

struct asked { /* kept between the stages */
    struct look_row row;
    ts_ms confirm_by_ms;
};

static void
watches_json(struct buf *out, const struct looks_answer *a)
{
    buf_text(out, ",\"watches\":[");
    for (size_t i = 0; i < a->watch_n; i++) {
        buf_fmt(
            out, "%s{\"id\":%llu,\"list\":", i ? "," : "",
            (unsigned long long)a->watch[i]->id.v);
        buf_json(out, span_cstr(a->watch[i]->code));
        buf_text(out, ",\"why\":");
        buf_json(out, span_cstr(a->watch[i]->reason));
        buf_fmt(out, ",\"to_ms\":%lld}", (long long)a->watch[i]->to_ms);
    }
    buf_text(out, "]");
}

static void
answer_json(
    struct req *r, const struct kit *k, const struct looks_answer *a,
    struct span matter)
{
    struct buf *out = req_out(r);
    const struct look_row *row = &a->row;
    buf_fmt(
        out, "{\"n\":%llu,\"at_ms\":%lld,\"kind\":\"%s\",\"matter\":",
        (unsigned long long)row->number, (long long)row->at_ms,
        look_kind_get((enum look_kind)row->kind)->name);
    if (matter.n)
        buf_json(out, matter);
    else
        buf_text(out, "null");
    buf_fmt(
        out, ",\"purpose\":\"%s\",\"emergency\":%s,\"confirm_by_ms\":", row->purpose,
        row->emergency ? "true" : "false");
    if (row->confirm_by_ms)
        buf_fmt(out, "%lld", (long long)row->confirm_by_ms);
    else
        buf_text(out, "null");
    buf_fmt(
        out, ",\"count\":%zu,\"truncated\":%s,\"rows\":[", a->rows.n,
        a->rows.more ? "true" : "false");
    for (size_t i = 0; i < a->rows.n; i++) {
        if (i)
            buf_text(out, ",");
        rows_sighting(out, &a->rows.rows[i], k->sites);
    }
    buf_text(out, "],\"registry\":");
    rows_vehicle(out, a->registry, a->vehicle, &k->house->zone);
    watches_json(out, a);
    looks_coverage_json(
        out, a->covered ? &a->coverage : NULL, k->sites, k->live, k->orgs,
        api_user(r)->org);
    if (row->kind == LOOK_TRAJECTORY)
        looks_gaps_json(out, a, k->sites);
    buf_text(out, "}");
}

static enum err
written(struct req *r, struct api_env *env)
{
    struct asked *a = *api_keep(r);
    return ledger_look_put(env->ledger, &a->row);
}

static enum err
read_sites(struct req *r, struct kit *k, struct site_id *out, size_t *n)
{
    json_t *list = api_json(r, "sites"), *v;
    size_t i;
    *n = 0;
    json_array_foreach(list, i, v)
    {
        struct site_id id = {(uint32_t)json_integer_value(v)};
        if (*n == PASSES_SITES || !site_get(k->sites, id))
            return req_refuse(r, REFUSE_BAD_REQUEST, "sites", NULL, NULL);
        out[(*n)++] = id;
    }
    return OK;
}

static enum err
ask(struct req *r, struct api_env *env)
{
    struct kit k;
    struct arena arena;
    struct looks_answer answer = {0};
    struct site_id sites[PASSES_SITES];
    struct matter_row m = {0};
    const struct user *u = api_user(r);
    char address[64];
    struct asked *keep = ARENA_NEW(req_arena(r), struct asked);
    if (!keep)
        return ERR_TOOBIG;
    *api_keep(r) = keep;
    (void)span_copy(address, sizeof address, req_peer(r));
    struct span matter = api_text(r, "matter");
    const struct look_kind_row *kind = look_kind_find(api_text(r, "kind"));
    must(kind != NULL); /* API_WORD */
    struct looks_ask q = {
        .who =
            {
                .kind = kind->kind,
                .user = u->id,
                .roles = u->roles,
                .login = u->login,
                .address = address,
                .org = u->org,
                .unit = u->unit,
                .purpose = api_text(r, "purpose"),
                .from_ms = api_int(r, "from_ms", 0),
                .to_ms = api_int(r, "to_ms", 0),
                .emergency = api_int(r, "emergency", 0) != 0,
                .why = api_text(r, "why"),
                .now_ms = req_at(r),
            },
        .plate = api_text(r, "plate"),
        .plate_color = (uint8_t)api_int(r, "plate_color", 0),
        .vehicle_color = (uint8_t)api_int(r, "vehicle_color", 0),
        .sites = sites,
        .limit = (size_t)api_int(r, "limit", 5000),
    };
    if (!code3_parse(api_text(r, "vehicle_class"), &q.vehicle_class) ||
        !code3_parse(api_text(r, "brand"), &q.brand))
        return req_refuse(r, REFUSE_BAD_REQUEST, "vehicle_class", NULL, NULL);
    if (kind->kind != LOOK_PLATE_CHECK && q.who.to_ms <= q.who.from_ms)
        return req_refuse(
            r, REFUSE_BAD_REQUEST, "to_ms", "the end must lie behind the beginning",
            "结束时间须晚于开始时间");
    kit_open(&k, env, r);
    arena_init(&arena, 512 << 20);
    enum err e = read_sites(r, &k, sites, &q.sites_n);
    if (e == OK && matter.n) {
        e = ledger_matter_by_number(env->reader, matter, &m);
        q.who.matter = m.id;
        if (e == ERR_NOTFOUND)
            e = req_refuse(
                r, REFUSE_LOOK_NO_MATTER, "matter", "there is no such matter",
                "没有这个事项");
    }
    if (e == OK)
        e = looks_run(k.house, env->reader, &q, &arena, &answer, req_note(r));
    if (e == ERR_DENIED && req_note(r)->code[0])
        e = kit_look_refused(r, looks_refusal(req_note(r)->code));
    if (e == OK) {
        keep->row = answer.row;
        answer_json(r, &k, &answer, matter);
        api_looked(r);
        e = api_then(r, ON_LEDGER, written);
    } else if (q.who.matter || q.who.emergency || !matter.n) {
        api_looked(r); /* the refusal is in the chain */
    }
    looks_release(&answer);
    arena_release(&arena);
    kit_close(&k);
    return e;
}

/* ---- the board ---- */

static void
look_json(struct buf *out, struct api_env *env, const struct look_row *row)
{
    struct user_row by = {0}, confirmer = {0};
    struct matter_row m;
    if (ledger_user_find(env->reader, row->user, &by) != OK)
        by = (struct user_row){0};
    buf_fmt(
        out, "{\"n\":%llu,\"at_ms\":%lld,\"by\":{\"id\":%u,\"name\":",
        (unsigned long long)row->number, (long long)row->at_ms, row->user.v);
    buf_json(out, span_cstr(by.user.name));
    buf_fmt(
        out, "},\"kind\":\"%s\",\"matter\":",
        look_kind_get((enum look_kind)row->kind)->name);
    if (row->matter && ledger_matter_find(env->reader, row->matter, &m) == OK)
        buf_json(out, span_cstr(m.number));
    else
        buf_text(out, "null");
    buf_fmt(
        out, ",\"purpose\":\"%s\",\"emergency\":%s,\"why\":", row->purpose,
        row->emergency ? "true" : "false");
    buf_json(out, span_cstr(row->why));
    if (row->confirm_by_ms)
        buf_fmt(out, ",\"confirm_by_ms\":%lld", (long long)row->confirm_by_ms);
    else
        buf_text(out, ",\"confirm_by_ms\":null");
    buf_text(out, ",\"confirmed_by\":");
    if (row->confirmed_by.v &&
        ledger_user_find(env->reader, row->confirmed_by, &confirmer) == OK)
        buf_json(out, span_cstr(confirmer.user.name));
    else
        buf_text(out, "null");
    if (row->confirmed_ms)
        buf_fmt(out, ",\"confirmed_ms\":%lld", (long long)row->confirmed_ms);
    else
        buf_text(out, ",\"confirmed_ms\":null");
    buf_fmt(out, ",\"count\":%llu}", (unsigned long long)row->count);
}

/* Supervisors see and confirm the looks of their own part of the tree, auditors all. */
static bool
supervises(
    struct req *r, struct api_env *env, const struct kit *k, const struct look_row *row)
{
    struct user_row by;
    const struct user *u = api_user(r);
    if (row->user.v == u->id.v || (u->roles & ROLE_AUDITOR))
        return true;
    return ledger_user_find(env->reader, row->user, &by) == OK &&
           api_sees(r, k->orgs, by.user.org);
}

static enum err
list(struct req *r, struct api_env *env)
{
    struct kit k;
    struct arena a;
    struct look_row *rows;
    size_t n;
    const struct user *u = api_user(r);
    struct span state = api_text(r, "state"), cursor = api_text(r, "cursor");
    bool all = span_eq_cstr(state, "all");
    if (all && !(u->roles & (ROLE_SUPERVISOR | ROLE_AUDITOR)))
        return req_refuse(r, REFUSE_FORBIDDEN, "state", NULL, NULL);
    struct look_query q = {
        .unconfirmed = span_eq_cstr(state, "unconfirmed"),
        .cap = (size_t)api_int(r, "limit", 100),
    };
    if (!all && (!q.unconfirmed || !(u->roles & (ROLE_SUPERVISOR | ROLE_AUDITOR))))
        q.user = u->id;
    if (cursor.n && !span_u64(cursor, &q.before))
        return req_refuse(r, REFUSE_BAD_REQUEST, "cursor", NULL, NULL);
    arena_init(&a, 64 << 20);
    kit_open(&k, env, r);
    enum err e = ledger_looks(env->reader, &q, &a, &rows, &n);
    char next[24] = "";
    if (e == OK) {
        api_list_open(r);
        for (size_t i = 0; i < n; i++) {
            if (!supervises(r, env, &k, &rows[i]))
                continue;
            api_list_row(r);
            look_json(req_out(r), env, &rows[i]);
        }
        if (n == q.cap)
            snprintf(next, sizeof next, "%llu", (unsigned long long)rows[n - 1].number);
        api_list_close(r, span_cstr(next), req_at(r));
    }
    arena_release(&a);
    kit_close(&k);
    return e;
}

static enum err
confirm(struct req *r, struct api_env *env)
{
    struct kit k;
    struct look_row row;
    struct matter_row m = {0};
    char text[401];
    struct span matter = api_text(r, "matter");
    kit_open(&k, env, r);
    bool mine =
        ledger_look_find(env->reader, (uint64_t)api_int(r, "n", 0), &row) == OK &&
        supervises(r, env, &k, &row);
    kit_close(&k);
    if (!mine)
        return req_refuse(r, REFUSE_NOT_FOUND, NULL, NULL, NULL);
    (void)span_copy(text, sizeof text, api_text(r, "note"));
    if (matter.n && ledger_matter_by_number(env->reader, matter, &m) != OK)
        return req_refuse(r, REFUSE_BAD_REQUEST, "matter", NULL, NULL);
    enum err e = ledger_look_confirm(
        env->ledger, (uint64_t)api_int(r, "n", 0), api_user(r)->id,
        api_int(r, "accept", 0) != 0, m.id, text, req_at(r), &row, req_note(r));
    if (e == ERR_DENIED)
        return kit_conflict(r, REFUSE_SAME_PERSON, req_note(r));
    if (e == ERR_GATE)
        return kit_conflict(r, REFUSE_STATE, req_note(r));
    if (e == OK)
        e = kit_told(env, r, TOPIC_LOOK, row.number);
    if (e == OK) {
        api_audit(r, api_text(r, "n"), matter);
        look_json(req_out(r), env, &row);
    }
    return e;
}

static const struct api_value ask_body[] = {
    {"kind", API_WORD, 0, 0, true, false, "trajectory|sightings|plate_check", NULL,
     "查询种类", "kind"},
    {"matter", API_TEXT, 1, 40, false, true, NULL, NULL, "事项编号",
     "number of an open matter"},
    {"purpose", API_TEXT, 1, 24, false, true, NULL, NULL, "事由",
     "code of the purpose"},
    {"plate", API_TEXT, 1, 24, false, true, NULL, NULL, "号牌",
     "plate, or part of one"},
    {"plate_color", API_INT, 0, 99, false, true, NULL, NULL, "号牌颜色",
     "plate colour"},
    {"sites", API_INTS, 0, 64, false, true, NULL, NULL, "点位", "sites"},
    {"vehicle_class", API_TEXT, 0, 3, false, true, NULL, NULL, "车辆类型", "class"},
    {"vehicle_color", API_INT, 0, 99, false, true, NULL, NULL, "车身颜色",
     "body colour"},
    {"brand", API_TEXT, 0, 3, false, true, NULL, NULL, "品牌", "brand"},
    {"from_ms", API_TIME, 0, 0, false, true, NULL, NULL, "起始", "from"},
    {"to_ms", API_TIME, 0, 0, false, true, NULL, NULL, "截止", "to"},
    {"limit", API_INT, 1, 50000, false, true, NULL, NULL, "最多行数", "rows at most"},
    {"emergency", API_FLAG, 0, 0, false, true, NULL, NULL, "紧急查询", "emergency"},
    {"why", API_REASON, 2, 400, false, true, NULL, NULL, "紧急原因", "why it is one"},
    {"once", API_TEXT, 1, 64, false, true, NULL, NULL, "重放标识", "repeat mark"},
    {0},
};
static const struct api_value list_params[] = {
    {"state", API_WORD, 0, 0, false, false, "unconfirmed|mine|all", "mine", "范围",
     "which"},
    API_LIMIT_ROWS(1000),
    {0},
};
static const struct api_value n_params[] = {
    {"n", API_ID, 0, 0, true, false, NULL, NULL, "查询编号", "number of the look"},
    {0},
};
static const struct api_value confirm_body[] = {
    {"accept", API_FLAG, 0, 0, true, false, NULL, NULL, "同意", "accepted"},
    {"note", API_LINES, 0, 400, false, true, NULL, NULL, "说明", "note"},
    {"matter", API_TEXT, 1, 40, false, true, NULL, NULL, "补关联事项",
     "matter it belongs to"},
    {0},
};
static const struct api_route routes[] = {
    {.method = METHOD_POST,
     .path = "/looks",
     .roles = KIT_LOOKERS,
     .audit = API_LOOK,
     .where = ON_QUERY_BATCH,
     .body = ask_body,
     .cost = 20,
     .reply = "LookAnswer",
     .zh = "查询轨迹与过车",
     .en = "ask for somebody's movements",
     .fn = ask},
    {.method = METHOD_GET,
     .path = "/looks",
     .roles = ROLE_DUTY | ROLE_ANALYST | ROLE_SUPERVISOR | ROLE_AUDITOR,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .params = list_params,
     .reply = "list of Look",
     .zh = "查询记录",
     .en = "own looks, and the board of unconfirmed ones",
     .fn = list},
    {.method = METHOD_POST,
     .path = "/looks/{n}/confirm",
     .roles = ROLE_SUPERVISOR,
     .audit = API_CHANGE,
     .where = ON_LEDGER,
     .params = n_params,
     .body = confirm_body,
     .reply = "Look",
     .zh = "补批紧急查询",
     .en = "confirm an emergency look",
     .fn = confirm},
    {0},
};
const struct api api_looks = {"查询", "looks", routes};
