/* SPDX-License-Identifier: Apache-2.0 */
/* The look is recorded first; what leaves is exactly what its record counts. */
#include "serve/evidence.h"

#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/rule.h"
#include "serve/evidence_own.h"
#include "serve/rows.h"
#include "store/ledger_matter.h"

#define PICTURES_MAX ((size_t)256 << 20)

struct pack {
    const struct house *house;
    const struct evidence_ask *ask;
    const struct analysis_needs *needs;
    struct span holder;    /* number of the matter that holds what was purged */
    struct sighting *rows; /* by time */
    size_t n;
    uint64_t look;
    ts_ms at_ms;
    struct evidence_bag bag;
    size_t picture_bytes;
    char (*picture)[64]; /* name in the archive; "" none */
};

/* ---- passes ---- */

static const struct sighting_id *
wanted(const struct evidence_ask *ask, struct sighting_id *room, size_t *n)
{
    if (!ask->alarm) {
        *n = ask->ids_n;
        return ask->ids;
    }
    *n = ask->alarm->evidence_n;
    for (size_t i = 0; i < *n; i++)
        room[i] = ask->alarm->evidence[i].id;
    return room;
}

static int
by_time(const void *a, const void *b)
{
    const struct sighting *x = a, *y = b;
    if (x->pass_ms != y->pass_ms)
        return x->pass_ms < y->pass_ms ? -1 : 1;
    return x->site.v < y->site.v ? -1 : x->site.v > y->site.v;
}

/* As it is stored, or as the matter keeps it once its day was dropped. */
static enum err
fetch_one(
    struct sight_snap *snap, struct sighting_id id, const struct sighting *held,
    size_t held_n, struct arena *arena, struct sighting *out)
{
    enum err e = sight_fetch(snap, id, arena, out);
    for (size_t i = 0; e == ERR_NOTFOUND && i < held_n; i++)
        if (sighting_id_eq(sighting_id_of(&held[i]), id)) {
            *out = held[i];
            return OK;
        }
    return e;
}

static enum err
fetch(struct pack *p, struct arena *arena, struct note *note)
{
    struct sighting_id room[ALARM_EVIDENCE];
    struct sighting *held = NULL;
    size_t n, held_n = 0;
    const struct sighting_id *ids = wanted(p->ask, room, &n);
    struct sight_snap *snap = sight_snapshot(p->house->sight);
    p->rows = arena_array(arena, n + 1, sizeof *p->rows);
    p->picture = arena_array(arena, n + 1, sizeof *p->picture);
    enum err e = snap && p->rows && p->picture ? OK : ERR_TOOBIG;
    if (e == OK && p->holder.n)
        e = sight_held(p->house->sight, p->holder, arena, &held, &held_n, note);
    if (e == ERR_NOTFOUND)
        e = OK; /* nothing is held: everything is as it was stored, or gone */
    for (size_t i = 0; e == OK && i < n; i++) {
        e = fetch_one(snap, ids[i], held, held_n, arena, &p->rows[i]);
        if (e == ERR_NOTFOUND) {
            char text[SIGHTING_ID_TEXT];
            e = note_fmt(
                note, e, "passes", "the pass %s is not stored (any more)",
                "过车 %s 不存在或已过保存期", sighting_id_format(text, ids[i]));
        }
    }
    sight_snap_free(snap);
    p->n = n;
    if (e == OK && n > 1)
        qsort(p->rows, n, sizeof *p->rows, by_time);
    return e;
}

/* ---- files ---- */

void
evidence_add(struct evidence_bag *bag, const char *name, struct span bytes)
{
    uint8_t hash[32];
    char hex[65];
    crypto_generichash(hash, sizeof hash, (const uint8_t *)bytes.p, bytes.n, NULL, 0);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    buf_fmt(&bag->manifest, "%s %zu %s\n", hex, bytes.n, name);
    zip_add(&bag->zip, name, bytes);
}

static enum err
add_pictures(struct pack *p, struct arena *arena, struct note *note)
{
    for (size_t i = 0; i < p->n; i++) {
        struct span bytes;
        char id[SIGHTING_ID_TEXT];
        struct note quiet = {0};
        enum err e =
            sight_picture(p->house->sight, p->rows[i].image, arena, &bytes, &quiet);
        if (e == ERR_NOTFOUND && p->holder.n)
            e = sight_held_picture(
                p->house->sight, p->holder, p->rows[i].image, arena, &bytes, &quiet);
        if (e == ERR_NOTFOUND || e == ERR_INPUT)
            continue; /* the camera sent none, or it lies elsewhere */
        if (e != OK)
            return note_code(note, e, quiet.code);
        p->picture_bytes += bytes.n;
        if (p->picture_bytes > PICTURES_MAX)
            return note_set(
                note, ERR_TOOBIG, "passes", "too many pictures: name fewer passes",
                "图片过多：请减少过车");
        snprintf(
            p->picture[i], sizeof p->picture[i], "pictures/%03zu-%s.%s", i + 1,
            sighting_id_format(id, sighting_id_of(&p->rows[i])),
            span_starts(bytes, SPAN("\x89PNG")) ? "png" : "jpg");
        evidence_add(&p->bag, p->picture[i], bytes);
    }
    return OK;
}

/* ---- words ---- */

void
evidence_text(struct buf *b, struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        switch (s.p[i]) {
        case '<':
            buf_text(b, "&lt;");
            break;
        case '>':
            buf_text(b, "&gt;");
            break;
        case '&':
            buf_text(b, "&amp;");
            break;
        case '"':
            buf_text(b, "&quot;");
            break;
        default:
            buf_u8(b, (uint8_t)s.p[i]);
        }
}

static void
html_row(struct buf *b, const char *zh, const char *en, struct span value)
{
    buf_fmt(b, "<tr><th>%s<br><small>%s</small></th><td>", zh, en);
    evidence_text(b, value);
    buf_text(b, "</td></tr>\n");
}

static const struct site *
site_of(const struct pack *p, const struct sighting *s)
{
    return site_get(p->needs->sites, s->site);
}

static void
code_text(struct buf *b, const char *table, const char *code)
{
    const struct code_row *r = code_find(table, span_cstr(code));
    if (!code[0] || strcmp(code, "0") == 0)
        buf_text(b, "—");
    else if (r)
        buf_fmt(b, "%s / %s", r->zh, r->en);
    else
        evidence_text(b, span_cstr(code));
}

static void
html_pass(struct pack *p, size_t i)
{
    const struct sighting *s = &p->rows[i];
    const struct site *site = site_of(p, s);
    struct analysis_learned l;
    char plate[PLATE_TEXT], camera[TS_TEXT], right[TS_TEXT], code[CODE3_TEXT], num[8];
    struct buf *b = &p->bag.html;
    const struct zone *z = &p->house->zone;
    p->needs->learned(p->needs->ctx, s->site, &l);
    const struct site_model *m = NULL;
    struct model *model = p->house->model ? p->house->model(p->house->ctx) : NULL;
    m = model_site(model, s->site);
    buf_fmt(b, "<tr id=\"p%zu\"><td>%zu</td><td>", i + 1, i + 1);
    evidence_text(b, span_cstr(site ? site->name : ""));
    buf_text(b, "<br><small>");
    evidence_text(b, span_cstr(site ? site->code : ""));
    if (site && site_is_placed(site))
        buf_fmt(b, "<br>%.6f, %.6f", site->lon / 1e7, site->lat / 1e7);
    buf_fmt(
        b, "</small></td><td>%s</td><td>%s<br><small>%+.1f s ± %.1f s</small></td><td>",
        ts_format(camera, s->pass_ms, z), ts_format(right, s->pass_ms - l.offset_ms, z),
        -l.offset_ms / 1e3, l.offset_sd_ms / 1e3);
    plate_format(plate, s->plate);
    evidence_text(b, plate[0] ? span_cstr(plate) : SPAN("未识别 / unread"));
    if (s->flags & SIGHTING_BY_HAND)
        buf_text(b, "<br><strong>人工录入 / entered by hand</strong>");
    buf_text(b, "<br><small>");
    snprintf(num, sizeof num, "%u", s->plate_color);
    code_text(b, "plate_color", num);
    buf_text(b, "</small></td><td>");
    code_text(b, "vehicle_class", code3_format(code, s->vehicle_class));
    buf_text(b, "<br>");
    snprintf(num, sizeof num, "%u", s->vehicle_color);
    code_text(b, "vehicle_color", num);
    buf_text(b, "<br>");
    code_text(b, "brand", code3_format(code, s->brand));
    buf_fmt(
        b, "</td><td>%.2f %%<br>%.2f %%<br>%.2f %%<br><small>n = %u</small></td><td>",
        (double)m->misread * 100, (double)m->unread * 100, (double)m->one_off * 100,
        m->reads);
    if (p->picture[i][0])
        buf_fmt(
            b, "<a href=\"%s\"><img src=\"%s\" alt=\"%zu\"></a>", p->picture[i],
            p->picture[i], i + 1);
    else
        buf_text(b, "无图片 / none");
    buf_text(b, "</td></tr>\n");
    model_unref(model);
}

static bool
is_way(const struct sighting *x, const struct sighting *y)
{
    return plate_eq(x->plate, y->plate) && x->site.v != y->site.v;
}

/* From each pass to the next of the same plate: what was needed, and what is least. */
static void
html_ways(struct pack *p)
{
    struct buf *b = &p->bag.html;
    size_t ways = 0;
    for (size_t i = 0; i + 1 < p->n; i++)
        ways += is_way(&p->rows[i], &p->rows[i + 1]);
    if (!ways)
        return;
    buf_text(
        b, "<h2>相邻过车的用时 <small>Between passes</small></h2>\n<table><tr><th>从 → "
           "到<br><small>from → to</small></th><th>用时 s<br><small>took</small></th>"
           "<th>学得最短用时 s<br><small>least time learned</small></th><th>直线距离 "
           "m<br><small>straight line</small></th><th>所需车速 "
           "km/h<br><small>speed needed</small></th></tr>\n");
    for (size_t i = 0; i + 1 < p->n; i++) {
        const struct sighting *x = &p->rows[i], *y = x + 1;
        const struct site *a = site_of(p, x), *c = site_of(p, y);
        struct analysis_learned lx, ly;
        if (!is_way(x, y))
            continue;
        p->needs->learned(p->needs->ctx, x->site, &lx);
        p->needs->learned(p->needs->ctx, y->site, &ly);
        double took =
            (double)(y->pass_ms - ly.offset_ms - x->pass_ms + lx.offset_ms) / 1e3;
        uint32_t least = p->needs->least_ms(p->needs->ctx, x->site, y->site);
        bool placed = a && c && site_is_placed(a) && site_is_placed(c);
        double m = placed ? site_dist_m(a, c) : 0;
        buf_fmt(
            b, "<tr><td>%zu → %zu</td><td>%.1f ± %.1f</td><td>", i + 1, i + 2, took,
            hypot(lx.offset_sd_ms, ly.offset_sd_ms) / 1e3);
        if (least)
            buf_fmt(b, "%.1f", least / 1e3);
        else
            buf_text(b, "—");
        if (placed && took > 0)
            buf_fmt(b, "</td><td>%.0f</td><td>%.0f</td></tr>\n", m, m * 3.6 / took);
        else
            buf_fmt(b, "</td><td>%.0f</td><td>—</td></tr>\n", m);
    }
    buf_text(b, "</table>\n");
}

static void
html_alarm(struct pack *p)
{
    const struct alarm *a = p->ask->alarm;
    const struct rule *r = rule_find(span_cstr(a->rule));
    struct buf *b = &p->bag.html;
    double misread = 0, clock = 0;
    for (size_t i = 0; i < p->n; i++) {
        struct analysis_learned l;
        p->needs->learned(p->needs->ctx, p->rows[i].site, &l);
        misread += l.misread;
        clock = fmax(clock, l.offset_sd_ms / 1e3);
    }
    buf_text(b, "<h2>预警 <small>Alarm</small></h2>\n<table>\n");
    buf_fmt(
        b, "<tr><th>种类<br><small>kind</small></th><td>%s / %s</td></tr>\n",
        r ? r->title.zh : a->rule, r ? r->title.en : a->rule);
    buf_fmt(
        b,
        "<tr><th>属实概率<br><small>stated "
        "probability</small></th><td>%.3f</td></tr>\n",
        a->probability);
    for (unsigned i = 0; i < a->numbers_n; i++) {
        const struct rule_number *n =
            r ? rule_number_find(r, a->numbers[i].name) : NULL;
        buf_fmt(
            b, "<tr><th>%s<br><small>%s</small></th><td>%.4g %s</td></tr>\n",
            n ? n->zh : a->numbers[i].name, n ? n->en : a->numbers[i].name,
            a->numbers[i].value, n ? n->unit : "");
    }
    buf_text(b, "</table>\n<h2>其他可能 <small>Alternatives</small></h2>\n<ul>\n");
    buf_fmt(
        b,
        "<li>预警不属实的概率合计 %.3f。<br><small>All explanations in which the alarm "
        "is not true: %.3f together.</small></li>\n",
        1 - a->probability, 1 - a->probability);
    buf_fmt(
        b,
        "<li>上列过车中至少一次号牌误识：至多约 %.2f %%（各相机学得误识率之和）。"
        "<br><small>At least one of these reads is of another plate: at most about "
        "%.2f %% by the learned rates of these cameras.</small></li>\n",
        misread * 100, misread * 100);
    buf_fmt(
        b,
        "<li>相机时钟误差：最大不确定度 %.1f "
        "秒；时间已按学得误差校正。<br><small>Wrong "
        "clocks: the greatest uncertainty is %.1f s; times are corrected by what was "
        "learned.</small></li>\n",
        clock, clock);
    buf_text(
        b, "<li>登记信息未更新，或另一辆车合法使用相同号牌（换发、临时号牌）。<br>"
           "<small>The registry is out of date, or another vehicle bears this plate "
           "lawfully.</small></li>\n</ul>\n");
}

static void
html_head(struct pack *p)
{
    struct buf *b = &p->bag.html;
    const struct evidence_ask *q = p->ask;
    char at[TS_TEXT], text[64];
    buf_text(
        b,
        "<!doctype html>\n<html lang=\"zh\"><head><meta charset=\"utf-8\">\n<meta "
        "name=\"viewport\" content=\"width=device-width\"><title>证据包 "
        "Evidence</title>\n"
        "<style>body{font:15px/1.5 sans-serif;margin:2em auto;max-width:76em;padding:0 "
        "1em;color:#111}table{border-collapse:collapse;width:100%}th,td{border:1px "
        "solid "
        "#888;padding:.3em "
        ".5em;text-align:left;vertical-align:top}small{color:#444}img{width:16em}"
        "code{word-break:break-all}@media print{img{width:10em}}</style></head><body>\n"
        "<h1>");
    evidence_text(b, q->title.n ? q->title : SPAN("证据包 / Evidence"));
    buf_text(b, "</h1>\n<table>\n");
    html_row(b, "事项", "matter", q->matter.n ? q->matter : SPAN("—"));
    html_row(b, "事由", "purpose", q->who.purpose);
    html_row(b, "导出人", "exported by", span_cstr(q->who.login ? q->who.login : ""));
    html_row(b, "导出时间", "at", span_cstr(ts_format(at, p->at_ms, &p->house->zone)));
    snprintf(text, sizeof text, "%llu", (unsigned long long)p->look);
    html_row(b, "查询编号（审计记录）", "look (audit record)", span_cstr(text));
    snprintf(text, sizeof text, "%zu", p->n);
    html_row(b, "过车数", "passes", span_cstr(text));
    if (q->remark.n)
        html_row(b, "说明", "remark", q->remark);
    buf_text(b, "</table>\n");
}

static void
html_coverage(struct pack *p, const struct coverage *c)
{
    char at[TS_TEXT];
    struct buf *b = &p->bag.html;
    buf_fmt(
        b,
        "<h2>覆盖说明 <small>Coverage</small></h2>\n<p>时段内有数据的点位 %u "
        "个，数据中断 "
        "%zu 处；未见不等于未经过。<br><small>%u sites delivered in this window, with "
        "%zu "
        "gaps; not seen does not prove it was not there.</small></p>\n",
        c->sites, c->gaps_n, c->sites, c->gaps_n);
    for (size_t i = 0; i < c->gaps_n && i < 200; i++) {
        const struct site *s = site_get(p->needs->sites, c->gaps[i].site);
        buf_text(b, "<p><small>");
        evidence_text(b, span_cstr(s ? s->name : ""));
        buf_fmt(b, " %s – ", ts_format(at, c->gaps[i].from_ms, &p->house->zone));
        buf_fmt(
            b, "%s</small></p>\n", ts_format(at, c->gaps[i].to_ms, &p->house->zone));
    }
}

static void
html_foot(struct pack *p)
{
    buf_text(
        &p->bag.html,
        "<h2>核验 <small>How to check</small></h2>\n<p>manifest.txt 列出各文件的 "
        "BLAKE2b-256；manifest.sig 是审计密钥对该清单的签名。用 <code>tongqu-verify "
        "本文件.zip --key 公钥</code> "
        "核验；公钥在建立系统时公布。<br><small>manifest.txt "
        "names the BLAKE2b-256 of each file; manifest.sig is its signature by the key "
        "of "
        "the audit record. <code>tongqu-verify FILE.zip --key HEX</code> checks both; "
        "the "
        "public key was told when the system was set up.</small></p>\n"
        "<p>识别结果可能有误，结论须由人作出。<br><small>Reads may be wrong; "
        "conclusions "
        "are drawn by people.</small></p>\n</body></html>\n");
}

static enum err
html(
    struct pack *p, const struct coverage *c, const struct evidence_clips *clips,
    struct arena *arena, struct note *note)
{
    html_head(p);
    if (p->ask->alarm)
        html_alarm(p);
    buf_text(
        &p->bag.html,
        "<h2>过车 "
        "<small>Passes</small></h2>\n<table><tr><th>#</th><th>点位<br><small>site"
        "</small></th><th>相机时间<br><small>camera's "
        "clock</small></th><th>校正时间<br>"
        "<small>corrected clock</small></th><th>号牌<br><small>plate</small></th><th>"
        "外观<br><small>look</small></th><th>误识、未识、属性误识率<br><small>misread, "
        "unread, attribute "
        "wrong</small></th><th>图片<br><small>picture</small></th></tr>\n");
    for (size_t i = 0; i < p->n; i++)
        html_pass(p, i);
    buf_text(&p->bag.html, "</table>\n");
    html_ways(p);
    enum err e = evidence_add_clips(&p->bag, clips, arena, note);
    html_coverage(p, c);
    html_foot(p);
    return e;
}

static void
csv(struct pack *p, struct buf *b)
{
    buf_text(
        b,
        "\xEF\xBB\xBFn,id,plate,plate_color,vehicle_class,vehicle_color,brand,site,lon,"
        "lat,camera_time_ms,corrected_time_ms,clock_sd_ms,misread,unread,by_hand,"
        "picture\r\n");
    for (size_t i = 0; i < p->n; i++) {
        const struct sighting *s = &p->rows[i];
        const struct site *site = site_of(p, s);
        struct analysis_learned l;
        char id[SIGHTING_ID_TEXT], plate[PLATE_TEXT], vclass[CODE3_TEXT],
            brand[CODE3_TEXT];
        p->needs->learned(p->needs->ctx, s->site, &l);
        buf_fmt(
            b, "%zu,%s,%s,%u,%s,%u,%s,%s,%.7f,%.7f,%lld,%lld,%u,%.5f,%.5f,%d,%s\r\n",
            i + 1, sighting_id_format(id, sighting_id_of(s)),
            plate_format(plate, s->plate), s->plate_color,
            code3_format(vclass, s->vehicle_class), s->vehicle_color,
            code3_format(brand, s->brand), site ? site->code : "",
            (site ? site->lon : 0) / 1e7, (site ? site->lat : 0) / 1e7,
            (long long)s->pass_ms, (long long)(s->pass_ms - l.offset_ms),
            l.offset_sd_ms, l.misread, l.unread, (s->flags & SIGHTING_BY_HAND) != 0,
            p->picture[i]);
    }
}

/* ---- the whole ---- */

static enum err
seal(struct pack *p)
{
    uint8_t hash[32];
    char line[AUDIT_HEAD_TEXT];
    crypto_generichash(
        hash, sizeof hash, p->bag.manifest.p, p->bag.manifest.n, NULL, 0);
    enum err e = audit_seal(p->house->audit, p->look, p->at_ms, hash, line);
    if (e != OK)
        return e;
    zip_add(&p->bag.zip, "manifest.txt", span_of(p->bag.manifest.p, p->bag.manifest.n));
    zip_add(&p->bag.zip, "manifest.sig", span_cstr(line));
    zip_end(&p->bag.zip);
    return OK;
}

struct run {
    const struct house *house;
    const struct evidence_ask *ask;
    struct span holder;
    struct clip_entry *clips;
    size_t clips_n, frames;
    struct buf *out;
};

/* The clips of the matter, whose marked frames are passes that leave, too: the look
 * reaches over them. */
static enum err
read_clips(
    struct run *r, struct ledger_reader *reader, struct look_request *who,
    struct arena *arena, struct note *note)
{
    struct org_table *orgs = r->house->org(r->house->ctx);
    struct site_table *sites = r->house->sites(r->house->ctx);
    struct desk d = {
        .defs = r->house->loops,
        .orgs = orgs,
        .sites = sites,
        .zone = &r->house->zone,
        .reader = reader,
        .now = who->now_ms,
    };
    enum err e = clip_book_read(&d, who->matter, arena, &r->clips, &r->clips_n, note);
    for (size_t i = 0; e == OK && i < r->clips_n; i++)
        for (size_t k = 0; k < r->clips[i].frames_n; k++) {
            ts_ms at = r->clips[i].frames[k].pass.pass_ms;
            who->from_ms = at < who->from_ms ? at : who->from_ms;
            who->to_ms = at + 1 > who->to_ms ? at + 1 : who->to_ms;
            r->frames++;
        }
    org_table_unref(orgs);
    site_table_unref(sites);
    return e;
}

static enum err
answer(
    void *arg, const struct look_permit *permit, const struct analysis_needs *needs,
    struct arena *arena, uint64_t *count, struct note *note)
{
    const struct run *r = arg;
    const struct look_request *who = &r->ask->who;
    struct coverage coverage;
    struct buf rows = {0};
    struct pack p = {
        .house = r->house,
        .ask = r->ask,
        .needs = needs,
        .holder = r->holder,
        .at_ms = who->now_ms,
    };
    enum err e =
        look_permit_covers(permit, LOOK_EXPORT, who->from_ms, who->to_ms, note);
    if (e != OK)
        return e;
    const struct evidence_clips clips = {
        .house = r->house,
        .sites = needs->sites,
        .holder = r->holder,
        .clips = r->clips,
        .n = r->clips_n,
    };
    p.look = look_permit_limits(permit)->number;
    zip_init(&p.bag.zip, r->out, p.at_ms, &r->house->zone);
    e = fetch(&p, arena, note);
    if (e == OK)
        e = coverage_of(needs, who->from_ms, who->to_ms, arena, &coverage);
    if (e == OK)
        e = add_pictures(&p, arena, note);
    if (e == OK)
        e = html(&p, &coverage, &clips, arena, note);
    if (e == OK) {
        csv(&p, &rows);
        evidence_add(&p.bag, "index.html", span_of(p.bag.html.p, p.bag.html.n));
        evidence_add(&p.bag, "passes.csv", span_of(rows.p, rows.n));
        e = seal(&p);
    }
    if (e == OK && (p.bag.html.bad || rows.bad || p.bag.manifest.bad || r->out->bad))
        e = ERR_NOMEM;
    *count = p.n + r->frames;
    zip_release(&p.bag.zip);
    buf_release(&p.bag.html);
    buf_release(&rows);
    buf_release(&p.bag.manifest);
    return e;
}

enum err
evidence_run(
    const struct house *house, struct ledger_reader *reader,
    const struct evidence_ask *ask, struct arena *arena, struct buf *out,
    struct look_row *row, struct note *note)
{
    struct evidence_ask q = *ask;
    struct sighting_id room[ALARM_EVIDENCE];
    struct buf subject = {0};
    size_t n;
    const struct sighting_id *ids = wanted(&q, room, &n);
    if (n == 0)
        return note_set(
            note, ERR_INPUT, "passes", "name at least one pass, or an alarm",
            "请至少指定一条过车或一条预警");
    q.who.from_ms = INT64_MAX;
    q.who.to_ms = 0;
    for (size_t i = 0; i < n; i++) {
        q.who.from_ms = ids[i].pass_ms < q.who.from_ms ? ids[i].pass_ms : q.who.from_ms;
        q.who.to_ms =
            ids[i].pass_ms + 1 > q.who.to_ms ? ids[i].pass_ms + 1 : q.who.to_ms;
    }
    q.who.kind = LOOK_EXPORT;
    q.who.plate = PLATE_NONE;
    if (q.alarm)
        buf_fmt(
            &subject, "evidence of alarm %016llx, %zu passes",
            (unsigned long long)q.alarm->id.v, n);
    else
        buf_fmt(&subject, "evidence of %zu passes", n);
    for (size_t i = 0; i < n && subject.n < 400; i++) {
        char text[SIGHTING_ID_TEXT];
        buf_fmt(&subject, " %s", sighting_id_format(text, ids[i]));
    }
    struct matter_row m = {0};
    uint64_t holder = q.alarm ? q.alarm_matter : q.who.matter;
    if (holder && ledger_matter_find(reader, holder, &m) != OK)
        m.number[0] = 0;
    struct run run = {
        .house = house, .ask = &q, .holder = span_cstr(m.number), .out = out};
    enum err e = q.who.matter && !q.no_clips
                     ? read_clips(&run, reader, &q.who, arena, note)
                     : OK;
    if (e == ERR_NOTFOUND)
        e = OK; /* there is no such matter: the look says so, on record */
    if (run.frames)
        buf_fmt(&subject, ", %zu frames of clips", run.frames);
    q.who.subject = span_of(subject.p, subject.n);
    if (e == OK)
        e = subject.bad
                ? ERR_NOMEM
                : looks_through(
                      house, reader, &q.who, 60, answer, &run, arena, row, note);
    buf_release(&subject);
    if (e == OK)
        look_scope_listed(&row->scope, ids, n, q.who.now_ms);
    return e;
}
