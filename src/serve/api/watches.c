/* SPDX-License-Identifier: Apache-2.0 */
/* Watches (布控): proposed by one, decided by another, ended by a date, with the price
 * said before. */
#include "serve/api_kit.h"
#include "store/ledger_watch.h"

static void
person(
    struct buf *out, const char *key, struct api_env *env, struct user_id id,
    const char *login)
{
    struct user_row u = {0};
    if (id.v == 0 && !login[0]) {
        buf_fmt(out, ",\"%s\":null", key);
        return;
    }
    if (id.v)
        if (ledger_user_find(env->reader, id, &u) != OK)
            u = (struct user_row){0};
    buf_fmt(out, ",\"%s\":{\"id\":%u,\"name\":", key, id.v);
    buf_json(out, span_cstr(u.user.name[0] ? u.user.name : login));
    buf_text(out, "}");
}

static const char *
state_of(const struct watch_row *w, ts_ms now)
{
    switch (w->watch.state) {
    case WATCH_PROPOSED:
        return "proposed";
    case WATCH_REJECTED:
        return "rejected";
    case WATCH_WITHDRAWN:
        return "withdrawn";
    default:
        return w->watch.to_ms <= now ? "ended" : "active";
    }
}

static const char *
level_word(uint8_t level)
{
    static const char *const words[] = {"yellow", "red", "orange", "yellow"};
    return words[level < 4 ? level : 0];
}

static void
watch_json(struct buf *out, struct api_env *env, const struct watch_row *w, ts_ms now)
{
    struct matter_row m;
    buf_fmt(out, "{\"id\":%llu,\"pattern\":", (unsigned long long)w->watch.id.v);
    buf_json(out, span_cstr(w->watch.plate_text));
    if (w->watch.plate_color)
        buf_fmt(out, ",\"plate_color\":%u", w->watch.plate_color);
    else
        buf_text(out, ",\"plate_color\":null");
    buf_text(out, ",\"list\":");
    buf_json(out, span_cstr(w->list));
    buf_fmt(out, ",\"level\":\"%s\",\"why\":", level_word(w->watch.level));
    buf_json(out, span_cstr(w->watch.reason));
    buf_text(out, ",\"matter\":");
    if (w->watch.matter && ledger_matter_find(env->reader, w->watch.matter, &m) == OK)
        buf_json(out, span_cstr(m.number));
    else
        buf_text(out, "null");
    buf_fmt(
        out, ",\"one_misread\":%s,\"state\":\"%s\",\"from_ms\":%lld,\"to_ms\":%lld",
        w->one_misread ? "true" : "false", state_of(w, now),
        (long long)w->watch.from_ms, (long long)w->watch.to_ms);
    person(out, "author", env, w->author, w->watch.author);
    bool decided = w->watch.state != WATCH_PROPOSED;
    person(
        out, "approver", env, decided ? w->approver : (struct user_id){0},
        decided ? w->watch.approver : "");
    if (w->decided_ms)
        buf_fmt(out, ",\"decided_ms\":%lld", (long long)w->decided_ms);
    else
        buf_text(out, ",\"decided_ms\":null");
    buf_text(out, ",\"note\":");
    if (w->note[0])
        buf_json(out, span_cstr(w->note));
    else
        buf_text(out, "null");
    if (w->expected_false_day >= 0)
        buf_fmt(out, ",\"expected_false_per_day\":%.4f", w->expected_false_day);
    else
        buf_text(out, ",\"expected_false_per_day\":null");
    buf_fmt(
        out, ",\"alarms\":%u,\"confirmed\":%u,\"seq\":%u}", w->alarms, w->confirmed,
        w->seq);
}

static enum err
list(struct req *r, struct api_env *env)
{
    static const struct {
        const char *name;
        int state;
    } states[] = {
        {"proposed", WATCH_PROPOSED},
        {"active", WATCH_APPROVED},
        {"ended", WATCH_APPROVED},
        {"rejected", WATCH_REJECTED},
        {"withdrawn", WATCH_WITHDRAWN}};
    struct arena a;
    struct watch_row *rows;
    size_t n;
    struct span state = api_text(r, "state"), cursor = api_text(r, "cursor");
    struct watch_query q = {
        .state = -1, .text = api_text(r, "q"), .cap = (size_t)api_int(r, "limit", 100)};
    for (size_t i = 0; i < 5; i++)
        if (span_eq_cstr(state, states[i].name))
            q.state = states[i].state;
    if (span_eq_cstr(state, "active"))
        q.live_at_ms = req_at(r);
    if (cursor.n && !span_u64(cursor, &q.before))
        return req_refuse(r, REFUSE_BAD_REQUEST, "cursor", NULL, NULL);
    arena_init(&a, 64 << 20);
    enum err e = ledger_watches(env->reader, &q, &a, &rows, &n);
    char next[24] = "";
    if (e == OK) {
        bool ended = span_eq_cstr(state, "ended");
        api_list_open(r);
        for (size_t i = 0; i < n; i++) {
            if (ended && rows[i].watch.to_ms > req_at(r))
                continue;
            api_list_row(r);
            watch_json(req_out(r), env, &rows[i], req_at(r));
        }
        if (n == q.cap)
            snprintf(
                next, sizeof next, "%llu", (unsigned long long)rows[n - 1].watch.id.v);
        api_list_close(r, span_cstr(next), req_at(r));
    }
    arena_release(&a);
    return e;
}

/* ---- the price of a watch, before it starts ---- */

struct price {
    double false_day, passes_day;
    uint32_t plates; /* registered plates that the pattern means */
};

/* Plates one confusable character away from a watched one: each sends a false read now
 * and then. */
static double
twins(const struct vehicle_index *registry, struct plate p)
{
    double sum = 0;
    for (unsigned i = 2; i < plate_length(p); i++)
        for (unsigned code = 2; code < 127; code++) {
            if (code == plate_at(p, i) || !plate_code_text(code))
                continue;
            double confusion = plate_confusion(code, plate_at(p, i));
            if (confusion < 0.01)
                continue;
            struct plate twin = plate_with(p, i, code);
            if (vehicle_find(registry, twin, 0))
                sum += confusion;
        }
    return sum;
}

struct counting {
    const struct plate_pattern *pattern;
    uint32_t n;
};

static bool
count_match(void *arg, const struct vehicle *v)
{
    struct counting *c = arg;
    c->n += plate_pattern_match(c->pattern, v->plate);
    return true;
}

/* passes a day x share of reads with one wrong character x the chance that the wrong
 * one is ours. A pattern with wildcards takes every vehicle that fits: all but one of
 * them are false. */
static void
reckon(
    struct house *h, const struct plate_pattern *pattern, bool one_misread,
    struct price *out)
{
    struct vehicle_index *registry =
        h->registry ? registry_snapshot(h->registry) : NULL;
    struct sight_health health;
    struct model *model = h->model(h->ctx);
    sight_health(h->sight, &health);
    double vehicles = (double)vehicle_count(registry);
    struct price p = {0};
    double per_vehicle = 3; /* passes a day of one vehicle, until a day has been seen */
    uint32_t reads = 0;
    double misread = 0.004, sum = 0;
    for (uint32_t i = 1; model && i < model_sites(model); i++) {
        const struct site_model *m = model_site(model, (struct site_id){i});
        reads += m->reads;
        sum += (double)m->misread * m->reads;
    }
    if (reads) {
        misread = sum / reads;
        if (vehicles > 0)
            per_vehicle = (double)reads / vehicles;
    }
    p.passes_day = per_vehicle * vehicles;
    if (pattern->exact) {
        p.plates = 1;
        if (one_misread)
            p.false_day = per_vehicle * misread / 6 * twins(registry, pattern->lo);
    } else {
        struct counting c = {pattern, 0};
        vehicle_each(registry, count_match, &c);
        p.plates = c.n;
        p.false_day = c.n > 1 ? per_vehicle * (c.n - 1) : 0;
    }
    model_unref(model);
    vehicle_index_unref(registry);
    *out = p;
}

static enum err
read_pattern(struct req *r, struct plate_pattern *out)
{
    if (plate_pattern_parse(api_text(r, "pattern"), out))
        return OK;
    return req_refuse(
        r, REFUSE_BAD_REQUEST, "pattern",
        "write a plate, with ? for one character and * for any number",
        "请填写号牌，可用 ? 代替一个字符、* 代替若干字符");
}

static enum err
estimate(struct req *r, struct api_env *env)
{
    struct plate_pattern pattern;
    struct price p;
    enum err e = read_pattern(r, &pattern);
    if (e != OK)
        return e;
    reckon(kit_house(env), &pattern, api_int(r, "one_misread", 1) != 0, &p);
    double days =
        (double)(api_int(r, "to_ms", 0) - api_int(r, "from_ms", 0)) / (double)DAY_MS;
    buf_fmt(
        req_out(r),
        "{\"false_per_day\":%.4f,\"false_total\":%.2f,\"passes_per_day\":%.0f,"
        "\"plates\":%u,"
        "\"text\":{\"zh\":\"按各点位误读率与登记库中的近似号牌推算；匹配 %u "
        "个登记号牌\",\"en\":\"reckoned from the misread rates of the sites and the "
        "near twins in "
        "the registry; %u registered plates fit\"}}",
        p.false_day, p.false_day * (days > 0 ? days : 0), p.passes_day, p.plates,
        p.plates, p.plates);
    return OK;
}

static enum err
propose(struct req *r, struct api_env *env)
{
    struct watch_row w = {.one_misread = api_int(r, "one_misread", 1) != 0};
    struct plate_pattern pattern;
    struct price p;
    struct matter_row m = {0};
    const struct user *u = api_user(r);
    struct span level = api_text(r, "level"), matter = api_text(r, "matter");
    enum err e = read_pattern(r, &pattern);
    if (e != OK)
        return e;
    if (matter.n && ledger_matter_by_number(env->reader, matter, &m) != OK)
        return req_refuse(r, REFUSE_BAD_REQUEST, "matter", NULL, NULL);
    struct watch *x = &w.watch;
    if (!span_copy(x->plate_text, sizeof x->plate_text, api_text(r, "pattern")) ||
        !span_copy(x->reason, sizeof x->reason, api_text(r, "why")))
        return req_refuse(
            r, REFUSE_BAD_REQUEST, "why", "at most 95 bytes",
            "至多 95 字节（约 31 个汉字）");
    if (!span_copy(w.list, sizeof w.list, api_text(r, "list")))
        return req_refuse(r, REFUSE_BAD_REQUEST, "list", NULL, NULL);
    x->level = span_eq_cstr(level, "red") ? 1 : span_eq_cstr(level, "orange") ? 2 : 3;
    x->plate_color = (uint8_t)api_int(r, "plate_color", 0);
    x->from_ms = api_int(r, "from_ms", 0);
    x->to_ms = api_int(r, "to_ms", 0);
    x->list_ms = w.created_ms = req_at(r);
    x->matter = m.id;
    snprintf(x->author, sizeof x->author, "%s", u->login);
    w.author = u->id;
    reckon(kit_house(env), &pattern, w.one_misread, &p);
    w.expected_false_day = p.false_day;
    e = ledger_watch_propose(env->ledger, &w, req_note(r));
    if (e == OK)
        e = kit_told(env, r, TOPIC_WATCH, w.watch.id.v);
    if (e == OK) {
        api_audit(r, SPAN("watch"), matter);
        watch_json(req_out(r), env, &w, req_at(r));
        api_created(r);
    }
    return e;
}

static enum err
decide(struct req *r, struct api_env *env, enum watch_decision what)
{
    char text[401];
    struct watch_row w;
    (void)span_copy(text, sizeof text, api_text(r, "note"));
    struct watch_decide d = {
        .id = {(uint64_t)api_int(r, "id", 0)},
        .seq = (uint32_t)api_int(r, "seq", 0),
        .what = what,
        .by = api_user(r)->id,
        .login = api_user(r)->login,
        .at_ms = req_at(r),
        .note = text,
    };
    enum err e = ledger_watch_decide(env->ledger, &d, &w, req_note(r));
    if (e == ERR_DENIED)
        return kit_conflict(r, REFUSE_SAME_PERSON, req_note(r));
    if (e == ERR_GATE)
        return kit_conflict(r, REFUSE_STATE, req_note(r));
    if (e == OK)
        e = kit_told(env, r, TOPIC_WATCH, w.watch.id.v);
    if (e == OK) {
        api_audit(r, api_text(r, "id"), SPAN(""));
        watch_json(req_out(r), env, &w, req_at(r));
    }
    return e;
}

static enum err
approve(struct req *r, struct api_env *env)
{
    return decide(r, env, WATCH_APPROVE);
}

static enum err
reject(struct req *r, struct api_env *env)
{
    return decide(r, env, WATCH_REJECT);
}

static enum err
withdraw(struct req *r, struct api_env *env)
{
    return decide(r, env, WATCH_WITHDRAW);
}

static const struct api_value list_params[] = {
    {"state", API_WORD, 0, 0, false, false, "proposed|active|rejected|withdrawn|ended",
     NULL, "状态", "state"},
    {"q", API_TEXT, 1, 64, false, false, NULL, NULL, "号牌、编号或事由",
     "part of plate, code or reason"},
    API_LIMIT_ROWS(1000),
    {0},
};
static const struct api_value propose_body[] = {
    {"pattern", API_TEXT, 1, 24, true, false, NULL, NULL, "号牌",
     "plate, or part of one"},
    {"plate_color", API_INT, 0, 99, false, true, NULL, NULL, "号牌颜色",
     "plate colour"},
    {"list", API_TEXT, 1, 23, true, false, NULL, NULL, "名单", "list"},
    {"level", API_WORD, 0, 0, true, false, "blue|yellow|orange|red", NULL, "级别",
     "level"},
    {"why", API_REASON, 2, 400, true, false, NULL, NULL, "事由", "reason"},
    {"matter", API_TEXT, 1, 40, false, true, NULL, NULL, "事项编号", "matter"},
    {"one_misread", API_FLAG, 0, 0, false, true, NULL, NULL, "容许一字误读",
     "one misread character counts"},
    {"from_ms", API_TIME, 0, 0, true, false, NULL, NULL, "起始", "from"},
    {"to_ms", API_TIME, 0, 0, true, false, NULL, NULL, "截止", "to"},
    {0},
};
static const struct api_value estimate_body[] = {
    {"pattern", API_TEXT, 1, 24, true, false, NULL, NULL, "号牌",
     "plate, or part of one"},
    {"plate_color", API_INT, 0, 99, false, true, NULL, NULL, "号牌颜色",
     "plate colour"},
    {"one_misread", API_FLAG, 0, 0, false, true, NULL, NULL, "容许一字误读",
     "one misread character counts"},
    {"from_ms", API_TIME, 0, 0, true, false, NULL, NULL, "起始", "from"},
    {"to_ms", API_TIME, 0, 0, true, false, NULL, NULL, "截止", "to"},
    {0},
};
static const struct api_value id_params[] = {
    {"id", API_ID, 0, 0, true, false, NULL, NULL, "布控", "watch"},
    {0},
};
static const struct api_value yes_body[] = {
    {"seq", API_INT, 0, 4e9, true, false, NULL, NULL, "所见版本", "seq as read"},
    {"note", API_LINES, 0, 400, false, true, NULL, NULL, "意见", "note"},
    {0},
};
static const struct api_value no_body[] = {
    {"seq", API_INT, 0, 4e9, true, false, NULL, NULL, "所见版本", "seq as read"},
    {"note", API_REASON, 2, 400, true, false, NULL, NULL, "理由", "reason"},
    {0},
};
static const struct api_route routes[] = {
    {.method = METHOD_GET,
     .path = "/watches",
     .roles = ROLES_WATCH,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .params = list_params,
     .reply = "list of Watch",
     .zh = "布控列表",
     .en = "watches",
     .fn = list},
    {.method = METHOD_POST,
     .path = "/watches",
     .roles = ROLES_WATCH,
     .audit = API_CHANGE,
     .where = ON_LEDGER,
     .body = propose_body,
     .reply = "Watch",
     .status = 201,
     .zh = "申请布控",
     .en = "propose a watch",
     .fn = propose},
    {.method = METHOD_POST,
     .path = "/watches/estimate",
     .roles = ROLES_WATCH,
     .audit = API_NONE,
     .where = ON_QUERY_BATCH,
     .body = estimate_body,
     .reply = "WatchEstimate",
     .zh = "预计误报数",
     .en = "expected false alarms",
     .fn = estimate},
    {.method = METHOD_POST,
     .path = "/watches/{id}/approve",
     .roles = ROLE_SUPERVISOR,
     .audit = API_CHANGE,
     .where = ON_LEDGER,
     .params = id_params,
     .body = yes_body,
     .reply = "Watch",
     .zh = "批准布控",
     .en = "the second person says yes",
     .fn = approve},
    {.method = METHOD_POST,
     .path = "/watches/{id}/reject",
     .roles = ROLE_SUPERVISOR,
     .audit = API_CHANGE,
     .where = ON_LEDGER,
     .params = id_params,
     .body = no_body,
     .reply = "Watch",
     .zh = "驳回布控",
     .en = "the second person says no",
     .fn = reject},
    {.method = METHOD_POST,
     .path = "/watches/{id}/withdraw",
     .roles = ROLES_WATCH,
     .audit = API_CHANGE,
     .where = ON_LEDGER,
     .params = id_params,
     .body = no_body,
     .reply = "Watch",
     .zh = "撤销布控",
     .en = "end a watch early",
     .fn = withdraw},
    {0},
};
const struct api api_watches = {"布控", "watches", routes};
