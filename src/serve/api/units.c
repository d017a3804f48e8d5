/* SPDX-License-Identifier: Apache-2.0 */
/* Units (警力): where they are, what they do, and who is nearest. */
#include "serve/api_kit.h"

#include <stdlib.h>

static enum err
list(struct req *r, struct api_env *env)
{
    struct kit k;
    struct arena a;
    struct unit_row *rows;
    size_t n, shown = 0, limit = (size_t)api_int(r, "limit", 1000);
    struct span state = api_text(r, "state");
    kit_open(&k, env, r);
    arena_init(&a, 64 << 20);
    enum err e = ledger_units(env->reader, &a, &rows, &n);
    if (e == OK) {
        api_list_open(r);
        for (size_t i = 0; i < n && shown < limit; i++) {
            if (!api_sees(r, k.orgs, rows[i].unit.org))
                continue;
            if (state.n && !span_eq_cstr(state, rows_unit_state(rows[i].unit.status)))
                continue;
            api_list_row(r);
            rows_unit(req_out(r), &k.desk, k.live, &rows[i]);
            shown++;
        }
        api_list_close(r, SPAN(""), k.live->as_of_ms);
    }
    arena_release(&a);
    kit_close(&k);
    return e;
}

static enum err
state(struct req *r, struct api_env *env)
{
    struct kit k;
    struct unit_row u;
    uint8_t status;
    const struct user *me = api_user(r);
    struct unit_id id = {(uint32_t)api_int(r, "id", 0)};
    if (kit_once_seen(r, env))
        return OK;
    kit_open(&k, env, r);
    enum err e = ledger_unit_find(env->reader, id, &u);
    bool mine = me->unit.v && me->unit.v == id.v;
    bool leads = (me->roles & (ROLE_DUTY | ROLE_SUPERVISOR)) != 0;
    if (e == OK && !mine && !(leads && api_sees(r, k.orgs, u.unit.org)))
        e = ERR_NOTFOUND;
    if (e == ERR_NOTFOUND)
        e = req_refuse(r, REFUSE_NOT_FOUND, NULL, NULL, NULL);
    must(rows_unit_state_parse(api_text(r, "state"), &status)); /* API_WORD */
    if (e == OK && u.matter && (status == UNIT_OFF || status == UNIT_READY))
        e = req_refuse(
            r, REFUSE_STATE, "state",
            "the unit works for a matter: finish or release it first",
            "该单元正在处置事项，请先办结或解除");
    if (e == OK)
        e = ledger_unit_state(env->ledger, id, status, u.matter);
    if (e == OK)
        e = kit_told(env, r, TOPIC_UNIT, id.v);
    if (e == OK)
        e = ledger_unit_find(env->reader, id, &u);
    if (e == OK) {
        api_audit(r, span_cstr(u.unit.callsign), SPAN(""));
        rows_unit(req_out(r), &k.desk, k.live, &u);
        e = kit_once_keep(r, env, 200);
    }
    kit_close(&k);
    return e;
}

/* ---- who is nearest: straight lines until roads are known ---- */

struct offer {
    const struct unit_row *row;
    int64_t dist_m; /* -1 not known */
    bool able;
};

static int
nearest(const void *a, const void *b)
{
    const struct offer *x = a, *y = b;
    if (x->able != y->able)
        return x->able ? -1 : 1;
    if ((x->dist_m < 0) != (y->dist_m < 0))
        return x->dist_m < 0 ? 1 : -1;
    if (x->dist_m != y->dist_m)
        return x->dist_m < y->dist_m ? -1 : 1;
    return x->row->unit.id.v < y->row->unit.id.v ? -1 : 1;
}

static enum err
place(struct req *r, struct kit *k, struct site *out)
{
    struct alarm_id id;
    struct alarm_row alarm;
    struct matter_row m;
    struct span number = api_text(r, "matter");
    if (rows_alarm_parse(api_text(r, "alarm"), &id) &&
        ledger_alarm_find(k->desk.reader, id, &alarm) == OK) {
        const struct site *s = site_get(k->sites, alarm.alarm.site);
        *out = s ? *s : (struct site){0};
        return OK;
    }
    enum err e = number.n ? kit_matter(r, k, number, &m) : ERR_NOTFOUND;
    if (e == OK)
        *out = (struct site){.lon = m.lon, .lat = m.lat};
    return e;
}

static void
offer_json(struct req *r, struct kit *k, const struct offer *o)
{
    struct buf *out = req_out(r);
    api_list_row(r);
    rows_unit(out, &k->desk, k->live, o->row);
    out->n--;
    if (o->dist_m >= 0)
        buf_fmt(out, ",\"dist_m\":%lld", (long long)o->dist_m);
    else
        buf_text(out, ",\"dist_m\":null");
    buf_text(out, ",\"eta_s\":null,\"note\":");
    if (o->row->matter)
        api_texts(out, "正在处置其他事项", "works for another matter");
    else if (!o->able)
        api_texts(out, "未在勤", "off duty");
    else if (o->dist_m < 0)
        api_texts(out, "位置未知", "position not known");
    else
        buf_text(out, "null");
    buf_text(out, "}");
}

static enum err
suggest(struct req *r, struct api_env *env)
{
    struct kit k;
    struct arena a;
    struct unit_row *rows;
    size_t n, kept = 0, limit = (size_t)api_int(r, "limit", 20);
    struct site at = {0};
    kit_open(&k, env, r);
    arena_init(&a, 64 << 20);
    enum err e = place(r, &k, &at);
    if (e == OK)
        e = ledger_units(env->reader, &a, &rows, &n);
    struct offer *offers = e == OK ? arena_array(&a, n + 1, sizeof *offers) : NULL;
    if (e == OK && !offers)
        e = ERR_NOMEM;
    for (size_t i = 0; e == OK && i < n; i++) {
        if (!api_sees(r, k.orgs, rows[i].unit.org))
            continue;
        const struct live_unit *l = live_unit(k.live, rows[i].unit.id);
        bool fresh = l->fix_ms > rows[i].unit.fix_ms;
        struct site from = {
            .lon = fresh ? l->lon : rows[i].unit.lon,
            .lat = fresh ? l->lat : rows[i].unit.lat};
        offers[kept++] = (struct offer){
            .row = &rows[i],
            .dist_m = site_is_placed(&at) && site_is_placed(&from)
                          ? (int64_t)site_dist_m(&from, &at)
                          : -1,
            .able = rows[i].unit.status == UNIT_READY && rows[i].matter == 0,
        };
    }
    if (e == OK) {
        qsort(offers, kept, sizeof *offers, nearest);
        api_list_open(r);
        for (size_t i = 0; i < kept && i < limit; i++)
            offer_json(r, &k, &offers[i]);
        api_list_close(r, SPAN(""), k.live->as_of_ms);
    }
    arena_release(&a);
    kit_close(&k);
    return e;
}

#define STATES "off|free|assigned|en_route|on_scene|busy"

static const struct api_value list_params[] = {
    {"state", API_WORD, 0, 0, false, false, STATES, NULL, "状态", "state"},
    API_LIMIT_ROWS(1000),
    {0},
};
static const struct api_value id_params[] = {
    {"id", API_ID, 0, 0, true, false, NULL, NULL, "警力单元", "unit"},
    {0},
};
static const struct api_value state_body[] = {
    {"state", API_WORD, 0, 0, true, false, STATES, NULL, "状态", "state"},
    {"once", API_TEXT, 1, 64, false, true, NULL, NULL, "重放标识", "repeat mark"},
    {0},
};
static const struct api_value suggest_params[] = {
    {"alarm", API_TEXT, 16, 16, false, false, NULL, NULL, "预警", "alarm"},
    {"matter", API_TEXT, 1, 40, false, false, NULL, NULL, "事项编号", "matter"},
    {"limit", API_INT, 1, 200, false, false, NULL, "20", "条数", "rows at most"},
    {0},
};
static const struct api_route routes[] = {
    {.method = METHOD_GET,
     .path = "/units",
     .roles = KIT_LOOKERS,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .params = list_params,
     .reply = "list of Unit",
     .zh = "警力列表",
     .en = "units with positions",
     .fn = list},
    {.method = METHOD_POST,
     .path = "/units/{id}/state",
     .roles = ROLE_DUTY | ROLE_SQUAD | ROLE_SUPERVISOR,
     .audit = API_CHANGE,
     .where = ON_LEDGER,
     .params = id_params,
     .body = state_body,
     .reply = "Unit",
     .zh = "设置警力状态",
     .en = "available, busy, off duty",
     .fn = state},
    {.method = METHOD_GET,
     .path = "/units/suggest",
     .roles = ROLE_DUTY | ROLE_SQUAD | ROLE_SUPERVISOR,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .params = suggest_params,
     .reply = "list of UnitOffer",
     .zh = "推荐最近警力",
     .en = "nearest units",
     .fn = suggest},
    {0},
};
const struct api api_units = {"警力", "units", routes};
