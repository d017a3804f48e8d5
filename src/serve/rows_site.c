/* SPDX-License-Identifier: Apache-2.0 */
/* A site as the console shows it: where it stands, how it is, and why, in words. */
#include "serve/rows.h"

#include <math.h>
#include <stdio.h>

#define SILENT_MS (30 * MINUTE_MS) /* until a site's own habit is learned */
#define LATE_MS MINUTE_MS

const char *
rows_vital_name(uint8_t state)
{
    static const char *const names[] = {
        [VITAL_OK] = "ok",
        [VITAL_CLOCK] = "clock",
        [VITAL_DEGRADED] = "degraded",
        [VITAL_SILENT] = "silent"};
    return names[state <= VITAL_SILENT ? state : VITAL_OK];
}

const char *
rows_site_state(const struct live *live, const struct site *s, ts_ms now)
{
    const struct live_site *l = live_site(live, s->id);
    if (!site_is_placed(s))
        return "unplaced";
    if (l->devices && !l->devices_online)
        return "offline";
    if (l->vital.state != VITAL_OK)
        return rows_vital_name(l->vital.state);
    /* Where the habit is known, its judge has spoken. */
    if (l->usual < 0 && now - l->last_arrive_ms > SILENT_MS)
        return "silent";
    return l->late_ms > LATE_MS ? "late" : "ok";
}

bool
rows_site_ails(const struct live *live, const struct site *s, ts_ms now)
{
    const char *state = rows_site_state(live, s, now);
    return strcmp(state, "ok") != 0 && strcmp(state, "late") != 0;
}

static void
both(struct buf *out, const char *zh, const char *en)
{
    buf_text(out, "{\"zh\":");
    buf_json(out, span_cstr(zh));
    buf_text(out, ",\"en\":");
    buf_json(out, span_cstr(en));
    buf_text(out, "}");
}

void
rows_vital_text(struct buf *out, const struct vital_site *v, ts_ms now)
{
    char zh[200] = "", en[200] = "";
    double clock_s = fabs(v->clock_ms / 1000.0), sd_s = v->clock_sd_ms / 1000.0;
    long long min = (long long)((now - v->since_ms) / MINUTE_MS);
    switch (v->state) {
    case VITAL_SILENT:
        snprintf(
            zh, sizeof zh,
            "已 %lld 分钟没有过车，平时此时每小时 %.0f 辆，应有约 %.0f 辆", min,
            (double)v->usual, (double)v->expected);
        snprintf(
            en, sizeof en,
            "no pass for %lld min; usually %.0f an hour now, so about %.0f are missing",
            min, (double)v->usual, (double)v->expected);
        break;
    case VITAL_DEGRADED:
        snprintf(
            zh, sizeof zh, "近期 %.0f%% 的过车没有完整号牌，平时为 %.1f%%",
            v->unread * 100.0, v->usual * 100.0);
        snprintf(
            en, sizeof en,
            "%.0f %% of the last reads have no whole plate; usually %.1f %%",
            v->unread * 100.0, v->usual * 100.0);
        break;
    case VITAL_CLOCK:
        if (v->clock_sd_ms) {
            snprintf(
                zh, sizeof zh, "时钟%s %.1f 秒（±%.1f），由车辆行程时间推得",
                v->clock_ms > 0 ? "偏快" : "偏慢", clock_s, sd_s);
            snprintf(
                en, sizeof en,
                "its clock is %.1f s %s (± %.1f), learned from travel times", clock_s,
                v->clock_ms > 0 ? "fast" : "slow", sd_s);
        } else {
            snprintf(zh, sizeof zh, "过车时间超前于本机 %.1f 秒：时钟偏快", clock_s);
            snprintf(
                en, sizeof en,
                "passes come from %.1f s in the future: its clock is fast", clock_s);
        }
        break;
    default:
        buf_text(out, "null");
        return;
    }
    both(out, zh, en);
}

/* Why the state is as it is, in words; null when the word says it all. */
static void
site_reason(struct buf *out, const struct live_site *l, const char *state, ts_ms now)
{
    char zh[200], en[200];
    long long min = (long long)((now - l->last_arrive_ms) / MINUTE_MS);
    if (strcmp(state, "offline") == 0) {
        snprintf(zh, sizeof zh, "%u 台前端设备心跳中断", l->devices);
        snprintf(en, sizeof en, "%u devices have missed their heartbeats", l->devices);
        both(out, zh, en);
    } else if (strcmp(state, "late") == 0) {
        snprintf(
            zh, sizeof zh, "记录平均晚到 %lld 秒", (long long)(l->late_ms / SECOND_MS));
        snprintf(
            en, sizeof en, "records come %lld s late on average",
            (long long)(l->late_ms / SECOND_MS));
        both(out, zh, en);
    } else if (strcmp(state, "silent") == 0 && l->vital.state != VITAL_SILENT) {
        snprintf(
            zh, sizeof zh,
            l->last_arrive_ms ? "已 %lld 分钟没有过车，平时流量尚未学得"
                              : "本次启动以来没有过车",
            min);
        snprintf(
            en, sizeof en,
            l->last_arrive_ms
                ? "no pass for %lld min; its usual flow is not learned yet"
                : "no pass since the start of this server",
            min);
        both(out, zh, en);
    } else {
        rows_vital_text(out, &l->vital, now);
    }
}

static const char *
site_kind(uint8_t kind)
{
    static const char *const names[] = {
        "camera", "gantry", "detector", "mobile", "rsu"};
    return kind < sizeof names / sizeof *names ? names[kind] : "camera";
}

static void
site_directions(struct buf *out, uint16_t directions)
{
    static const int heading[] = {0, 90, 270, 180, 0, 45, 225, 135, 315, 0};
    int first = 0;
    const char *comma = "";
    for (int k = 1; k < 10; k++)
        if (!first && directions >> k & 1)
            first = k;
    if (first && first < 9)
        buf_fmt(out, ",\"heading_deg\":%d", heading[first]);
    else
        buf_text(out, ",\"heading_deg\":null");
    buf_text(out, ",\"directions\":[");
    for (int k = 1; k < 10; k++)
        if (directions >> k & 1) {
            buf_fmt(out, "%s%d", comma, k);
            comma = ",";
        }
    buf_text(out, "]");
}

/* Read rate of the moment while it is bad, else of today, or of the learned days while
 * today is young; misreads; the clock.
 */
static void
site_learned(struct buf *out, const struct live_site *l, const struct site_model *m)
{
    if (l->vital.state == VITAL_DEGRADED)
        buf_fmt(out, ",\"read_rate\":%.4f", 1 - (double)l->vital.unread);
    else if (l->today >= 20)
        buf_fmt(out, ",\"read_rate\":%.4f", 1 - (double)l->unread / l->today);
    else if (m)
        buf_fmt(out, ",\"read_rate\":%.4f", 1 - (double)m->unread);
    else
        buf_text(out, ",\"read_rate\":null");
    if (m)
        buf_fmt(
            out, ",\"misread_rate\":%.5f,\"clock_error_ms\":%d,\"clock_sd_ms\":%u",
            (double)m->misread, m->offset_ms, m->offset_sd_ms);
    else
        buf_text(
            out, ",\"misread_rate\":null,\"clock_error_ms\":null,\"clock_sd_ms\":null");
}

void
rows_site(
    struct buf *out, const struct org_table *orgs, const struct live *live,
    const struct model *model, const struct site *site, ts_ms now)
{
    const struct live_site *l = live_site(live, site->id);
    buf_fmt(out, "{\"id\":%u,", site->id.v);
    rows_text(out, "code", site->code);
    buf_text(out, ",");
    rows_text(out, "name", site->name);
    buf_fmt(out, ",\"kind\":\"%s\",", site_kind(site->kind));
    rows_lonlat(out, site->lon, site->lat);
    site_directions(out, site->directions);
    buf_fmt(out, ",\"lanes\":%u", site->lanes);
    if (site->limit_kmh)
        buf_fmt(out, ",\"limit_kmh\":%u", site->limit_kmh);
    else
        buf_text(out, ",\"limit_kmh\":null");
    buf_text(out, ",\"org\":");
    rows_org(out, orgs, site->org);
    const char *state = rows_site_state(live, site, now);
    buf_fmt(out, ",\"state\":\"%s\",\"reason\":", state);
    site_reason(out, l, state, now);
    rows_ms(out, "since_ms", l->vital.since_ms);
    rows_ms(out, "last_pass_ms", l->last_pass_ms);
    buf_fmt(out, ",\"flow\":%u,\"flow_usual\":", l->flow);
    if (l->usual >= 0 && l->last_arrive_ms)
        buf_fmt(out, "%.1f", (double)l->usual);
    else
        buf_text(out, "null");
    const struct site_model *m = model ? model_site(model, site->id) : NULL;
    site_learned(out, l, m && m->reads ? m : NULL);
    buf_fmt(
        out, ",\"devices\":%u,\"devices_online\":%u}", l->devices, l->devices_online);
}
