/* SPDX-License-Identifier: Apache-2.0 */
/* The one box (搜索): matters, sites, units, watches, alarms by plate, people; and
 * whether the text can be a plate, which leads to a look and shows nothing by itself.
 */
#include "core/text.h"
#include "serve/api_kit.h"
#include "store/ledger_watch.h"

#define EACH 5

/* Begins a hit: what stands under its words follows, then '}'. */
static void
begin(struct req *r, const char *type, const char *id, const char *words)
{
    struct buf *out = req_out(r);
    api_list_row(r);
    buf_fmt(out, "{\"type\":\"%s\",\"id\":", type);
    buf_json(out, span_cstr(id));
    buf_text(out, ",\"text\":");
    buf_json(out, span_cstr(words));
    buf_text(out, ",\"sub\":");
}

static void
item(
    struct req *r, const char *type, const char *id, const char *words, const char *zh,
    const char *en)
{
    begin(r, type, id, words);
    api_texts(req_out(r), zh, en);
    buf_text(req_out(r), "}");
}

static bool
has(const char *text, struct span q)
{
    return memmem(text, strlen(text), q.p, q.n) != NULL;
}

static enum err
matters(struct req *r, struct kit *k, struct arena *a, struct span q)
{
    struct matter_row *rows;
    size_t n;
    struct matter_query mq = {.list = MATTERS_ALL, .text = q, .cap = EACH};
    struct org_id *orgs;
    enum err e = kit_scope(r, k->orgs, &orgs, &mq.orgs_n);
    mq.orgs = orgs;
    if (e == OK)
        e = ledger_matters(k->desk.reader, &mq, a, &rows, &n);
    for (size_t i = 0; e == OK && i < n; i++) {
        begin(r, "matter", rows[i].number, rows[i].number);
        rows_matter_title(req_out(r), &k->desk, &rows[i]);
        buf_text(req_out(r), "}");
    }
    return e;
}

static void
sites(struct req *r, struct kit *k, struct span q)
{
    int shown = 0;
    for (uint32_t i = 1; i <= k->sites->n && shown < EACH; i++) {
        const struct site *s = &k->sites->rows[i];
        char id[16];
        if ((s->org.v && !api_sees(r, k->orgs, s->org)) ||
            (!has(s->name, q) && !has(s->code, q) && !has(s->road, q)))
            continue;
        snprintf(id, sizeof id, "%u", i);
        item(r, "site", id, s->name, s->road[0] ? s->road : "点位", s->code);
        shown++;
    }
}

static enum err
units(struct req *r, struct kit *k, struct arena *a, struct span q)
{
    struct unit_row *rows;
    size_t n, shown = 0;
    enum err e = ledger_units(k->desk.reader, a, &rows, &n);
    for (size_t i = 0; e == OK && i < n && shown < EACH; i++) {
        char id[16];
        if (!has(rows[i].unit.callsign, q) || !api_sees(r, k->orgs, rows[i].unit.org))
            continue;
        const struct org *o = org_get(k->orgs, rows[i].unit.org);
        snprintf(id, sizeof id, "%u", rows[i].unit.id.v);
        item(
            r, "unit", id, rows[i].unit.callsign, o ? o->name : "警力",
            o && o->name_en[0] ? o->name_en : "unit");
        shown++;
    }
    return e;
}

static enum err
watches(struct req *r, struct kit *k, struct arena *a, struct span q)
{
    struct watch_row *rows;
    size_t n;
    struct watch_query wq = {.state = -1, .text = q, .cap = EACH};
    enum err e = ledger_watches(k->desk.reader, &wq, a, &rows, &n);
    for (size_t i = 0; e == OK && i < n; i++) {
        char id[24];
        snprintf(id, sizeof id, "%llu", (unsigned long long)rows[i].watch.id.v);
        item(r, "watch", id, rows[i].watch.plate_text, "布控", "watch");
    }
    return e;
}

/* What stands in the caller's own queue anyway. Earlier alarms of a plate would be
 * somebody's movements, found without a matter: that is a look. */
static enum err
alarms(struct req *r, struct kit *k, struct arena *a, struct plate plate)
{
    struct alarm_row *rows;
    size_t n;
    struct alarm_query aq = {.list = ALARMS_OPEN, .plate = plate, .cap = EACH};
    enum err e = ledger_alarms(k->desk.reader, &aq, a, &rows, &n);
    for (size_t i = 0; e == OK && i < n; i++) {
        char id[ALARM_ID_TEXT], text[PLATE_TEXT];
        const struct site *s = site_get(k->sites, rows[i].alarm.site);
        if (s && s->org.v && !api_sees(r, k->orgs, s->org))
            continue;
        begin(
            r, "alarm", rows_alarm_id(id, rows[i].alarm.id),
            plate_format(text, rows[i].alarm.plate));
        rows_alarm_title(req_out(r), &rows[i].alarm);
        buf_text(req_out(r), "}");
    }
    return e;
}

static enum err
find(struct req *r, struct api_env *env)
{
    struct kit k;
    struct arena a;
    struct plate plate = PLATE_NONE;
    struct plate_pattern pattern;
    bool differs;
    struct span q = span_trim(api_text(r, "q"));
    if (q.n == 0)
        return req_refuse(r, REFUSE_BAD_REQUEST, "q", NULL, NULL);
    kit_open(&k, env, r);
    arena_init(&a, 64 << 20);
    api_list_open(r);
    enum plate_kind kind = plate_parse(q, &plate, &differs);
    bool whole = plate_is_exact(plate) && kind != PLATE_JUNK;
    if (whole || (utf8_count(q) >= 3 && plate_pattern_parse(q, &pattern))) {
        char text[64];
        (void)span_copy(text, sizeof text, q);
        item(
            r, "plate", text, text,
            whole ? "查询该号牌（须有事项）" : "查询部分号牌（须有事项）",
            whole ? "look this plate up (needs a matter)"
                  : "look up part of a plate (needs a matter)");
    }
    enum err e = matters(r, &k, &a, q);
    sites(r, &k, q);
    if (e == OK)
        e = units(r, &k, &a, q);
    if (e == OK && (api_role(r) & (ROLE_DUTY | ROLE_ANALYST | ROLE_SUPERVISOR)))
        e = watches(r, &k, &a, q);
    if (e == OK && whole)
        e = alarms(r, &k, &a, plate);
    if (e == OK)
        api_list_close(r, SPAN(""), k.desk.now);
    arena_release(&a);
    kit_close(&k);
    return e;
}

static const struct api_value params[] = {
    {"q", API_TEXT, 1, 64, true, false, NULL, NULL, "搜索内容", "text"},
    {0},
};
static const struct api_route routes[] = {
    {.method = METHOD_GET,
     .path = "/search",
     .roles = KIT_LOOKERS,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .params = params,
     .cost = 5,
     .reply = "list of Found",
     .zh = "综合搜索",
     .en = "the one box",
     .fn = find},
    {0},
};
const struct api api_one_box = {"搜索", "search", routes};
