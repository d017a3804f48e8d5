/* SPDX-License-Identifier: Apache-2.0 */
/* Alarms (预警): the queue, and the card with everything a person needs to judge one.
 * The card shows somebody's movements: it is a look, and an alarm's own matter is what
 * allows it. */
#include "rules/rule.h"
#include "serve/api_kit.h"
#include "store/audit_look.h"
#include "store/ledger_look.h"
#include "store/ledger_watch.h"

/* ---- the queue ---- */

static enum err
list(struct req *r, struct api_env *env)
{
    struct kit k;
    struct arena a;
    struct alarm_row *rows;
    size_t n;
    struct span state = api_text(r, "state"), cursor = api_text(r, "cursor");
    struct alarm_query q = {
        .list = span_eq_cstr(state, "closed")      ? ALARMS_CLOSED
                : span_eq_cstr(state, "withdrawn") ? ALARMS_WITHDRAWN
                : span_eq_cstr(state, "all")       ? ALARMS_ALL
                                                   : ALARMS_OPEN,
        .rule = api_text(r, "kind"),
        .site = {(uint32_t)api_int(r, "site", 0)},
        .from_ms = api_int(r, "since_ms", 0),
        .cap = (size_t)api_int(r, "limit", 100),
    };
    if (cursor.n) {
        struct span id = cursor, raised = span_cut(&id, '-');
        struct alarm_id before;
        if (!span_i64(raised, &q.before_raised_ms) || !rows_alarm_parse(id, &before))
            return req_refuse(r, REFUSE_BAD_REQUEST, "cursor", NULL, NULL);
        q.before_id = before.v;
    }
    kit_open(&k, env, r);
    arena_init(&a, 256 << 20);
    enum err e = ledger_alarms(env->reader, &q, &a, &rows, &n);
    char next[48] = "", id[ALARM_ID_TEXT];
    if (e == OK) {
        struct sight_snap *snap = sight_snapshot(k.house->sight);
        api_list_open(r);
        for (size_t i = 0; i < n; i++) {
            const struct site *s = site_get(k.sites, rows[i].alarm.site);
            if (s && s->org.v && !api_sees(r, k.orgs, s->org))
                continue;
            api_list_row(r);
            rows_alarm(req_out(r), &k.desk, snap, &rows[i]);
        }
        if (n == q.cap)
            snprintf(
                next, sizeof next, "%lld-%s", (long long)rows[n - 1].raised_ms,
                rows_alarm_id(id, rows[n - 1].alarm.id));
        api_list_close(r, span_cstr(next), k.desk.now);
        sight_snap_free(snap);
    }
    arena_release(&a);
    kit_close(&k);
    return e;
}

/* ---- the card ---- */

static void
texts(struct buf *out, const char *key, const char *zh, const char *en)
{
    buf_fmt(out, "\"%s\":", key);
    api_texts(out, zh, en);
}

static void
code_texts(struct buf *out, const char *key, const char *table, const char *code)
{
    const struct code_row *row = code_find(table, span_cstr(code));
    texts(out, key, row ? row->zh : code, row ? row->en : code);
}

static void
numbers_json(struct buf *out, const struct alarm *a, const struct rule *rule)
{
    buf_text(out, ",\"numbers\":[");
    for (uint8_t i = 0; i < a->numbers_n; i++) {
        const struct rule_number *n =
            rule ? rule_number_find(rule, a->numbers[i].name) : NULL;
        buf_fmt(
            out, "%s{\"name\":\"%s\",\"value\":%.6g", i ? "," : "", a->numbers[i].name,
            a->numbers[i].value);
        buf_text(out, ",\"zh\":");
        buf_json(out, span_cstr(n ? n->zh : a->numbers[i].name));
        buf_text(out, ",\"en\":");
        buf_json(out, span_cstr(n ? n->en : a->numbers[i].name));
        buf_text(out, ",\"unit\":");
        buf_json(out, span_cstr(n ? n->unit : ""));
        const char *limit = n ? n->limit : NULL;
        for (uint8_t j = 0; limit && j < a->numbers_n; j++)
            if (strcmp(a->numbers[j].name, limit) == 0)
                buf_fmt(
                    out, ",\"limit\":%.6g,\"op\":\"%s\"", a->numbers[j].value, n->op);
        buf_text(out, "}");
    }
    buf_text(out, "]");
}

/* What speaks for and against, in the order a person would say it. */
static void
reasons_json(struct buf *out, const struct alarm *a, const struct rule *rule)
{
    static const struct {
        unsigned bit;
        const char *zh, *en;
    } contra[] = {
        {CONTRA_COLOR, "车身颜色与登记不符",
         "the body colour contradicts the registry"},
        {CONTRA_CLASS, "车辆类型与登记不符", "the class contradicts the registry"},
        {CONTRA_BRAND, "品牌与登记不符", "the brand contradicts the registry"},
        {CONTRA_PLATE_COLOR, "号牌颜色与登记不符",
         "the plate colour contradicts the registry"},
        {CONTRA_UNREGISTERED, "登记库中没有该号牌",
         "no vehicle is registered with this plate"},
    };
    const char *comma = "";
    buf_text(out, ",\"reasons\":[");
    if (rule) {
        buf_text(out, "{");
        buf_text(out, "\"zh\":");
        buf_json(out, span_cstr(rule->what.zh));
        buf_text(out, ",\"en\":");
        buf_json(out, span_cstr(rule->what.en));
        buf_fmt(out, ",\"weight\":%.3f}", a->probability);
        comma = ",";
    }
    if (!plate_eq(a->read, a->plate) && !plate_is_none(a->read)) {
        char read[PLATE_TEXT], meant[PLATE_TEXT], zh[160], en[160];
        snprintf(
            zh, sizeof zh, "识别为 %s，推断实际为 %s", plate_format(read, a->read),
            plate_format(meant, a->plate));
        snprintf(en, sizeof en, "read as %s, taken for %s", read, meant);
        buf_fmt(
            out, "%s{\"zh\":\"%s\",\"en\":\"%s\",\"weight\":%.3f}", comma, zh, en,
            1 - a->probability);
        comma = ",";
    }
    for (size_t i = 0; i < sizeof contra / sizeof *contra; i++)
        if (a->contradiction & contra[i].bit) {
            buf_fmt(
                out, "%s{\"zh\":\"%s\",\"en\":\"%s\",\"weight\":0.5}", comma,
                contra[i].zh, contra[i].en);
            comma = ",";
        }
    buf_text(out, "]");
}

static uint64_t
evidence_json(
    struct buf *out, struct kit *k, struct sight_snap *snap,
    const struct alarm_row *row, const struct rule *rule, struct arena *arena,
    struct sighting *deciding)
{
    const struct alarm *a = &row->alarm;
    struct matter_row m = {0};
    if (row->matter && ledger_matter_find(k->desk.reader, row->matter, &m) != OK)
        m = (struct matter_row){0};
    uint64_t shown = 0;
    buf_text(out, ",\"evidence\":[");
    for (uint8_t i = 0; i < a->evidence_n; i++) {
        struct sighting s;
        if (kit_evidence(k, snap, span_cstr(m.number), a->evidence[i].id, arena, &s) !=
            OK)
            continue;
        const struct rule_text *role =
            rule ? rule_role(rule, a->evidence[i].role) : NULL;
        buf_text(out, shown ? ",{" : "{");
        texts(out, "role", role ? role->zh : "过车", role ? role->en : "pass");
        buf_text(out, ",\"sighting\":");
        rows_sighting(out, &s, k->sites);
        buf_fmt(out, ",\"late_ms\":%lld}", (long long)(s.arrive_ms - s.pass_ms));
        if (a->evidence[i].role == 0)
            *deciding = s;
        shown++;
    }
    buf_text(out, "]");
    return shown;
}

static void
contradiction(
    struct buf *out, const char **comma, const char *field, const char *zh,
    const char *en, const char *table, const char *seen, const char *registered)
{
    buf_fmt(out, "%s{\"field\":\"%s\",", *comma, field);
    texts(out, "label", zh, en);
    buf_text(out, ",");
    code_texts(out, "seen", table, seen);
    buf_text(out, ",");
    code_texts(out, "registered", table, registered);
    buf_text(out, "}");
    *comma = ",";
}

static void
contradictions_json(
    struct buf *out, const struct alarm *a, const struct sighting *s,
    const struct vehicle *v)
{
    char seen[8], registered[8];
    const char *comma = "";
    buf_text(out, ",\"contradictions\":[");
    if (v && (a->contradiction & CONTRA_COLOR)) {
        snprintf(seen, sizeof seen, "%u", s->vehicle_color);
        snprintf(registered, sizeof registered, "%u", v->vehicle_color);
        contradiction(
            out, &comma, "vehicle_color", "车身颜色", "body colour", "vehicle_color",
            seen, registered);
    }
    if (v && (a->contradiction & CONTRA_PLATE_COLOR)) {
        snprintf(seen, sizeof seen, "%u", s->plate_color);
        snprintf(registered, sizeof registered, "%u", v->plate_color);
        contradiction(
            out, &comma, "plate_color", "号牌颜色", "plate colour", "plate_color", seen,
            registered);
    }
    if (v && (a->contradiction & CONTRA_CLASS))
        contradiction(
            out, &comma, "vehicle_class", "车辆类型", "class", "vehicle_class",
            code3_format(seen, s->vehicle_class),
            code3_format(registered, v->vehicle_class));
    if (v && (a->contradiction & CONTRA_BRAND))
        contradiction(
            out, &comma, "brand", "品牌", "brand", "brand",
            code3_format(seen, s->brand), code3_format(registered, v->brand));
    buf_text(out, "]");
}

static void
watch_json(struct buf *out, struct api_env *env, const struct alarm *a)
{
    struct watch_row w;
    if (!a->watch ||
        ledger_watch_find(env->reader, (struct watch_id){a->watch}, &w) != OK) {
        buf_text(out, ",\"watch\":null");
        return;
    }
    buf_fmt(out, ",\"watch\":{\"id\":%llu,\"list\":", (unsigned long long)w.watch.id.v);
    buf_json(out, span_cstr(w.list));
    buf_text(out, ",\"why\":");
    buf_json(out, span_cstr(w.watch.reason));
    buf_text(out, ",\"author\":");
    buf_json(out, span_cstr(w.watch.author));
    buf_text(out, ",\"approver\":");
    buf_json(out, span_cstr(w.watch.approver));
    buf_fmt(
        out, ",\"to_ms\":%lld,\"source_ms\":%lld}", (long long)w.watch.to_ms,
        (long long)w.watch.list_ms);
}

static void
camera_json(struct buf *out, struct api_env *env, struct kit *k, struct site_id site)
{
    struct outcome_stat stat = {0};
    struct model *model = k->house->model(k->house->ctx);
    const struct site_model *m = model ? model_site(model, site) : NULL;
    if (ledger_outcomes(env->reader, SPAN(""), site, SPAN(""), &stat) != OK)
        stat = (struct outcome_stat){0};
    uint32_t closed = stat.good + stat.bad;
    buf_fmt(out, ",\"camera\":{\"site\":%u,\"precision\":", site.v);
    if (closed)
        buf_fmt(out, "%.4f", (double)stat.good / closed);
    else
        buf_text(out, "null");
    buf_fmt(out, ",\"closed\":%u", closed);
    if (m && m->reads)
        buf_fmt(
            out, ",\"misread_rate\":%.5f,\"clock_error_ms\":%d", (double)m->misread,
            m->offset_ms);
    else
        buf_text(out, ",\"misread_rate\":null,\"clock_error_ms\":null");
    buf_fmt(
        out, ",\"muted\":%s}",
        closed >= 20 && stat.good * 2 < closed ? "true" : "false");
    model_unref(model);
}

static void
history_json(struct buf *out, struct api_env *env, struct arena *a, struct alarm_id id)
{
    static const char *const what[] = {"raised", "revised", "withdrawn"};
    static const char *const zh[] = {"产生预警", "因后到记录修订", "因后到记录撤回"};
    static const char *const en[] = {
        "raised", "revised by a later record", "withdrawn by a later record"};
    struct alarm_revision *rows;
    size_t n;
    buf_text(out, ",\"history\":[");
    if (ledger_alarm_revisions(env->reader, id, a, &rows, &n) != OK)
        n = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned s = rows[i].state <= ALARM_WITHDRAWN ? rows[i].state : 0;
        buf_fmt(
            out, "%s{\"at_ms\":%lld,\"what\":\"%s\",", i ? "," : "",
            (long long)rows[i].at_ms, what[s]);
        texts(out, "text", zh[s], en[s]);
        buf_text(out, ",\"sightings\":[");
        for (uint8_t k = 0; k < rows[i].alarm.evidence_n; k++) {
            char sid[SIGHTING_ID_TEXT];
            buf_fmt(
                out, "%s\"%s\"", k ? "," : "",
                sighting_id_format(sid, rows[i].alarm.evidence[k].id));
        }
        buf_text(out, "]}");
    }
    buf_text(out, "]");
}

struct card { /* kept between the two stages */
    struct look_row look;
};

static enum err
card_written(struct req *r, struct api_env *env)
{
    struct card *c = *api_keep(r);
    return ledger_look_put(env->ledger, &c->look);
}

/* The permit for the card: the alarm's own matter and purpose. */
static enum err
card_permit(
    struct req *r, struct api_env *env, struct kit *k, const struct alarm_row *row,
    struct look_permit **permit)
{
    enum look_refusal refusal;
    struct look_request q = kit_card(r, row);
    struct card *c = *api_keep(r);
    audit_look_row(k->house->looks, &q, &c->look); /* its purpose */
    enum err e = audit_look_begin(
        k->house->audit, env->reader, k->house->looks, k->orgs, &q, permit, &refusal,
        req_note(r));
    if (e == ERR_DENIED)
        return kit_look_refused(r, refusal);
    return e;
}

/* The whole card; `shown` counts the passes in it. */
static enum err
card_json(
    struct req *r, struct api_env *env, struct kit *k, struct sight_snap *snap,
    const struct alarm_row *row, struct arena *arena, uint64_t *shown)
{
    const struct alarm *a = &row->alarm;
    const struct rule *rule = rule_find(span_cstr(a->rule));
    struct vehicle_index *registry = registry_snapshot(k->house->registry);
    const struct vehicle *v = vehicle_find(registry, a->plate, a->plate_color);
    struct sighting deciding = {0};
    struct buf *out = req_out(r);
    struct matter_row m;
    enum err e = OK;
    if (!v)
        v = vehicle_find(registry, a->plate, 0);
    rows_alarm(out, &k->desk, snap, row);
    out->n--; /* the object goes on */
    buf_text(out, ",\"words\":");
    rows_words(out, a->probability);
    reasons_json(out, a, rule);
    numbers_json(out, a, rule);
    *shown = evidence_json(out, k, snap, row, rule, arena, &deciding);
    buf_text(out, ",\"registry\":");
    rows_vehicle(out, registry, v, &k->house->zone);
    contradictions_json(out, a, &deciding, v);
    watch_json(out, env, a);
    camera_json(out, env, k, a->site);
    buf_text(out, ",");
    texts(out, "legal", rule ? rule->legal.zh : "", rule ? rule->legal.en : "");
    history_json(out, env, arena, a->id);
    buf_text(out, ",\"purpose\":\"alarm\",\"matter\":");
    if (row->matter && ledger_matter_find(env->reader, row->matter, &m) == OK)
        e = kit_matter_json(r, k, &m, out);
    else
        buf_text(out, "null");
    buf_text(out, "}");
    vehicle_index_unref(registry);
    return e;
}

/* Puts the look on the record; nothing is shown unless that succeeds. */
static enum err
card_looked(
    struct req *r, struct api_env *env, struct kit *k, struct look_permit *permit,
    uint64_t shown, enum err e)
{
    struct card *card = *api_keep(r);
    if (permit) {
        enum err ended = audit_look_end(
            k->house->audit, &permit, shown, e == OK ? AUDIT_OK : AUDIT_FAILED,
            k->desk.now, &card->look);
        if (e == OK)
            e = ended;
        if (e == OK)
            e = api_then(r, ON_LEDGER, card_written);
    } else if (e == OK) {
        e = kit_looked_at(
            r, env,
            &(struct kit_looked){
                .action = "alarm.card", .object = api_text(r, "id"), .count = shown});
    }
    if (e == OK)
        api_looked(r);
    return e;
}

static enum err
one(struct req *r, struct api_env *env)
{
    struct kit k;
    struct arena a;
    struct alarm_id id;
    struct alarm_row row;
    struct look_permit *permit = NULL;
    struct card *card = ARENA_NEW(req_arena(r), struct card);
    if (!card || !rows_alarm_parse(api_text(r, "id"), &id) ||
        ledger_alarm_find(env->reader, id, &row) != OK)
        return req_refuse(r, REFUSE_NOT_FOUND, NULL, NULL, NULL);
    *api_keep(r) = card;
    kit_open(&k, env, r);
    /* With a matter the permit asks who may; without one the site does. */
    const struct site *at = site_get(k.sites, row.alarm.site);
    if (!row.matter && at && at->org.v && !api_sees(r, k.orgs, at->org)) {
        kit_close(&k);
        return req_refuse(r, REFUSE_NOT_FOUND, NULL, NULL, NULL);
    }
    arena_init(&a, 64 << 20);
    /* An alarm without a matter (older than its day) is evidence that its list shows
     * already. */
    enum err e = row.matter ? card_permit(r, env, &k, &row, &permit) : OK;
    struct sight_snap *snap = e == OK ? sight_snapshot(k.house->sight) : NULL;
    uint64_t shown = 0;
    if (e == OK)
        e = snap ? card_json(r, env, &k, snap, &row, &a, &shown) : ERR_NOMEM;
    e = card_looked(r, env, &k, permit, shown, e);
    sight_snap_free(snap);
    arena_release(&a);
    kit_close(&k);
    return e;
}

static const struct api_value list_params[] = {
    {"state", API_WORD, 0, 0, false, false, "open|closed|withdrawn|all", "open", "状态",
     "state"},
    {"kind", API_TEXT, 1, 24, false, false, NULL, NULL, "规则", "rule"},
    {"site", API_ID, 0, 0, false, false, NULL, NULL, "点位", "site"},
    {"since_ms", API_TIME, 0, 0, false, false, NULL, NULL, "过车时间不早于",
     "passed at or after"},
    API_LIMIT_ROWS(1000),
    {0},
};
static const struct api_value one_params[] = {
    {"id", API_TEXT, 16, 16, true, false, NULL, NULL, "预警", "alarm"},
    {0},
};
static const struct api_route routes[] = {
    {.method = METHOD_GET,
     .path = "/alarms",
     .roles = KIT_LOOKERS,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .params = list_params,
     .reply = "list of Alarm",
     .zh = "预警队列",
     .en = "the queue",
     .fn = list},
    {.method = METHOD_GET,
     .path = "/alarms/{id}",
     .roles = KIT_LOOKERS,
     .audit = API_LOOK,
     .where = ON_QUERY_FAST,
     .params = one_params,
     .reply = "AlarmCard",
     .zh = "预警卡片",
     .en = "the card",
     .fn = one},
    {0},
};
const struct api api_alarms = {"预警", "alarms", routes};
