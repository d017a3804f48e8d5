/* SPDX-License-Identifier: Apache-2.0 */
/* The audit chain (审计): who looked at or changed what; reading it is a record too. */
#include "serve/api_kit.h"
#include "store/audit_look.h"

static void
hex(char *dst, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        snprintf(dst + 2 * i, 3, "%02x", p[i]);
}

static void
span_or_null(struct buf *out, const char *key, struct span s)
{
    buf_fmt(out, ",\"%s\":", key);
    if (s.n)
        buf_json(out, s);
    else
        buf_text(out, "null");
}

/* The route whose "METHOD path" an action is; NULL when it is none. */
static const struct api_route *
route_of(struct span action)
{
    struct span path = action, method = span_cut(&path, ' ');
    for (const struct api *const *a = api_rows; path.n && *a; a++)
        for (const struct api_route *x = (*a)->routes; x->path; x++)
            if (span_eq_cstr(path, x->path) &&
                span_eq_cstr(method, method_name(x->method)))
                return x;
    return NULL;
}

/* Words for what was done; others are shown as they are kept. */
static void
label(struct buf *out, struct span action)
{
    static const struct {
        const char *action, *zh, *en;
    } rows[] = {
        {"look.begin", "查询开始", "look begun"},
        {"look.end", "查询结束", "look ended"},
        {"look.refused", "查询被拒", "look refused"},
        {"alarm.card", "查看预警卡片", "alarm card read"},
        {"picture", "查看图片", "picture read"},
        {"clip", "查看外来视频", "outside video read"},
        {"audit.read", "查阅审计", "audit record read"},
        {"audit.flags", "查看需要问的查询", "searches worth a question read"},
        {"audit.torn", "审计文件末尾残缺，已另存",
         "a torn end of the audit file set aside"},
        {"audit.behind", "审计记录短于外部留存的记录头",
         "the record does not reach the head kept outside"},
        {"import", "导入数据", "data imported"},
        {"backup", "备份", "backup made"},
        {"purge", "到期清除", "expired data dropped"},
        {"matter.open", "建立事项", "matter opened"},
        {"user.add", "新增账号", "account added"},
        {"device.add", "新增设备", "device added"},
    };
    char text[96];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (span_eq_cstr(action, rows[i].action)) {
            api_texts(out, rows[i].zh, rows[i].en);
            return;
        }
    const struct api_route *route = route_of(action);
    if (route) {
        api_texts(out, route->zh, route->en);
        return;
    }
    (void)span_copy(text, sizeof text, action);
    api_texts(out, text, text);
}

static void
row_json(struct buf *out, struct api_env *env, const struct audit_row *row)
{
    static const char *const classes[] = {
        "system", "look", "change", "security", "system"};
    static const char *const outcomes[] = {"ok", "refused", "failed"};
    const struct audit_record *a = &row->record;
    const char *role = "";
    char hash[17];
    struct matter_row m;
    for (const struct role_row *x = role_rows(); x->role; x++)
        if (a->role & x->role)
            role = x->name;
    hex(hash, row->hash, 8);
    buf_fmt(
        out, "{\"n\":%llu,\"at_ms\":%lld", (unsigned long long)a->number,
        (long long)a->at_ms);
    /* The end of a look names its person by number; the beginning has the name. */
    struct user_row u = {0};
    if (!a->login.n && a->user &&
        ledger_user_find(env->reader, (struct user_id){a->user}, &u) != OK)
        u = (struct user_row){0};
    span_or_null(out, "user", a->login.n ? a->login : span_cstr(u.user.login));
    buf_fmt(out, ",\"role\":\"%s\"", role);
    span_or_null(out, "from", a->address);
    buf_fmt(out, ",\"class\":\"%s\",\"what\":", classes[a->class < 5 ? a->class : 0]);
    buf_json(out, a->action);
    buf_text(out, ",\"label\":");
    label(out, a->action);
    span_or_null(out, "object", a->object.n ? a->object : a->subject);
    span_or_null(out, "subject", a->subject);
    /* Of a look the detail repeats its parameters as a hash: only what is said. */
    span_or_null(
        out, "detail",
        span_eq_cstr(a->action, "look.begin") ? (struct span){0} : a->detail);
    /* A look has its matter by id; a change said the number that people use. */
    bool named = a->matter
                     ? ledger_matter_find(env->reader, a->matter, &m) == OK
                     : a->class == AUDIT_CHANGE && a->detail.n &&
                           ledger_matter_by_number(env->reader, a->detail, &m) == OK;
    if (named)
        span_or_null(out, "matter", span_cstr(m.number));
    else
        buf_text(out, ",\"matter\":null");
    span_or_null(out, "purpose", a->purpose);
    buf_fmt(out, ",\"outcome\":\"%s\"", outcomes[a->outcome < 3 ? a->outcome : 2]);
    if (a->count == AUDIT_NO_COUNT)
        buf_text(out, ",\"count\":null");
    else
        buf_fmt(out, ",\"count\":%llu", (unsigned long long)a->count);
    buf_fmt(out, ",\"hash\":\"%s\"}", hash);
}

static enum err
list(struct req *r, struct api_env *env)
{
    struct arena a;
    struct audit_row *rows;
    size_t n;
    struct span cursor = api_text(r, "cursor");
    struct audit_query q = {
        .from_ms = api_int(r, "from_ms", 0),
        .to_ms = api_int(r, "to_ms", 0),
        .user = (uint32_t)api_int(r, "user", 0),
        .action = api_text(r, "what"),
        .object = api_text(r, "object"),
        .cap = (size_t)api_int(r, "limit", 100),
    };
    if (cursor.n && !span_u64(cursor, &q.before))
        return req_refuse(r, REFUSE_BAD_REQUEST, "cursor", NULL, NULL);
    arena_init(&a, 256 << 20);
    enum err e = audit_read(kit_house(env)->audit, &q, &a, &rows, &n);
    if (e == OK)
        e = kit_looked_at(
            r, env,
            &(struct kit_looked){
                .action = "audit.read", .object = q.object, .count = n});
    char next[24] = "";
    if (e == OK) {
        api_list_open(r);
        for (size_t i = 0; i < n; i++) {
            api_list_row(r);
            row_json(req_out(r), env, &rows[i]);
        }
        if (n == q.cap)
            snprintf(
                next, sizeof next, "%llu",
                (unsigned long long)rows[n - 1].record.number);
        api_list_close(r, span_cstr(next), req_at(r));
        api_looked(r);
    }
    arena_release(&a);
    return e;
}

static enum err
head(struct req *r, struct api_env *env)
{
    struct audit_head newest, sign;
    char text[65];
    audit_heads(kit_house(env)->audit, &newest, &sign);
    hex(text, newest.hash, 32);
    buf_fmt(
        req_out(r), "{\"n\":%llu,\"hash\":\"%s\",\"at_ms\":%lld",
        (unsigned long long)newest.number, text, (long long)newest.at_ms);
    if (sign.number)
        buf_fmt(
            req_out(r),
            ",\"signed_ms\":%lld,\"sent\":[{\"where\":\"audit/"
            "heads\",\"at_ms\":%lld,\"ok\":true}]}",
            (long long)sign.at_ms, (long long)sign.at_ms);
    else
        buf_text(req_out(r), ",\"signed_ms\":null,\"sent\":[]}");
    return OK;
}

static void
flag_json(struct req *r, struct api_env *env, const struct misuse_finding *x)
{
    struct buf *out = req_out(r);
    struct user_row u = {0};
    if (ledger_user_find(env->reader, x->user, &u) != OK)
        u = (struct user_row){0};
    api_list_row(r);
    buf_text(out, "{\"user\":");
    buf_json(out, span_cstr(u.user.login));
    buf_fmt(out, ",\"kind\":\"%s\",\"text\":", misuse_name(x->kind));
    api_texts(out, x->zh, x->en);
    buf_fmt(out, ",\"at_ms\":%lld,\"looks\":[", (long long)x->at_ms);
    for (uint32_t k = 0; k < x->looks_n; k++)
        buf_fmt(out, "%s%llu", k ? "," : "", (unsigned long long)x->looks[k]);
    buf_text(out, "]}");
}

static enum err
flags(struct req *r, struct api_env *env)
{
    struct arena a;
    struct misuse_finding *rows, *refused;
    size_t n, refused_n;
    struct misuse_limits limits = misuse_limits_default();
    ts_ms to = api_int(r, "to_ms", req_at(r) + 1), /* with what happened just now */
        from = api_int(r, "from_ms", to - 30 * DAY_MS);
    arena_init(&a, 64 << 20);
    enum err e = ledger_misuse(env->reader, &limits, from, to, &a, &rows, &n);
    if (e == OK)
        e = audit_refusals(
            kit_house(env)->audit, &limits, from, to, &a, &refused, &refused_n);
    if (e == OK)
        e = kit_looked_at(
            r, env,
            &(struct kit_looked){.action = "audit.flags", .count = n + refused_n});
    if (e == OK) {
        api_list_open(r);
        for (size_t i = 0; i < n; i++)
            flag_json(r, env, &rows[i]);
        for (size_t i = 0; i < refused_n; i++)
            flag_json(r, env, &refused[i]);
        api_list_close(r, SPAN(""), req_at(r));
        api_looked(r);
    }
    arena_release(&a);
    return e;
}

static const struct api_value list_params[] = {
    {"from_ms", API_TIME, 0, 0, false, false, NULL, NULL, "起始", "from"},
    {"to_ms", API_TIME, 0, 0, false, false, NULL, NULL, "截止", "to"},
    {"user", API_ID, 0, 0, false, false, NULL, NULL, "账号", "account"},
    {"what", API_TEXT, 1, 64, false, false, NULL, NULL, "动作前缀",
     "beginning of the action"},
    {"object", API_TEXT, 1, 64, false, false, NULL, NULL, "对象", "object"},
    API_LIMIT_ROWS(1000),
    {0},
};
static const struct api_value flag_params[] = {
    {"from_ms", API_TIME, 0, 0, false, false, NULL, NULL, "起始", "from"},
    {"to_ms", API_TIME, 0, 0, false, false, NULL, NULL, "截止", "to"},
    {0},
};
static const struct api_route routes[] = {
    {.method = METHOD_GET,
     .path = "/audit",
     .roles = ROLE_AUDITOR | ROLE_SECURITY,
     .audit = API_LOOK,
     .where = ON_QUERY_BATCH,
     .params = list_params,
     .reply = "list of AuditRecord",
     .zh = "审计记录",
     .en = "who looked at or changed what",
     .fn = list},
    {.method = METHOD_GET,
     .path = "/audit/head",
     .roles = ROLE_AUDITOR | ROLE_SECURITY,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .reply = "AuditHead",
     .zh = "审计链头",
     .en = "newest head of the chain",
     .fn = head},
    {.method = METHOD_GET,
     .path = "/audit/flags",
     .roles = ROLE_AUDITOR | ROLE_SECURITY | ROLE_SUPERVISOR,
     .audit = API_LOOK,
     .where = ON_QUERY_BATCH,
     .params = flag_params,
     .reply = "list of AuditFlag",
     .zh = "可疑查询",
     .en = "searchers worth a question",
     .fn = flags},
    {0},
};
const struct api api_audit_chain = {"审计", "audit", routes};
