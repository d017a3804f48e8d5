/* SPDX-License-Identifier: Apache-2.0 */
/* The system page (系统状态): what is not well, and every counter with its sentence. */
#include "core/counter.h"
#include "core/version.h"
#include "serve/api_kit.h"

static void
findings(struct buf *out, const struct house_state *st)
{
    buf_text(out, "\"findings\":[");
    for (unsigned i = 0; i < st->findings_n; i++) {
        buf_fmt(
            out, "%s{\"level\":\"%s\",\"text\":", i ? "," : "",
            rows_level(st->findings[i].level));
        api_texts(out, st->findings[i].zh, st->findings[i].en);
        buf_fmt(out, ",\"since_ms\":%lld}", (long long)st->findings[i].since_ms);
    }
    buf_text(out, "]");
}

static void
threads(struct buf *out, const struct house_state *st)
{
    buf_text(out, ",\"threads\":[");
    for (unsigned i = 0; i < st->threads_n; i++)
        buf_fmt(
            out,
            "%s{\"name\":\"%s\",\"zh\":\"%s\",\"en\":\"%s\",\"queue\":%u,\"queue_cap\":"
            "%u,"
            "\"busy\":%.3f}",
            i ? "," : "", st->threads[i].name, st->threads[i].zh, st->threads[i].en,
            st->threads[i].queue, st->threads[i].queue_cap, st->threads[i].busy);
    buf_text(out, "]");
}

static void
counters(struct buf *out)
{
    buf_text(out, ",\"counters\":[");
    for (int i = 0; i < COUNTERS; i++) {
        const struct counter_row *row = counter_row((enum counter)i);
        buf_fmt(
            out, "%s{\"name\":\"%s\",\"unit\":\"%s\",\"zh\":", i ? "," : "", row->name,
            row->unit);
        buf_json(out, span_cstr(row->zh));
        buf_text(out, ",\"en\":");
        buf_json(out, span_cstr(row->en));
        buf_fmt(
            out, ",\"value\":%llu,\"rate\":null}",
            (unsigned long long)counter_get((enum counter)i));
    }
    buf_text(out, "]}");
}

static void
cameras(struct buf *out, const struct live *live)
{
    uint32_t total = 0, online = 0, late = 0;
    for (uint32_t i = 1; i < live->devices_n; i++) {
        total += live->devices[i].known;
        online += live->devices[i].known && live->devices[i].online;
    }
    for (uint32_t i = 1; i < live->sites_n; i++)
        late += live->sites[i].late_ms > MINUTE_MS;
    buf_fmt(
        out, ",\"cameras\":{\"total\":%u,\"online\":%u,\"late\":%u}", total, online,
        late);
}

static enum err
show(struct req *r, struct api_env *env)
{
    struct house *h = kit_house(env);
    struct house_state st;
    struct sight_health sh;
    struct buf *out = req_out(r);
    h->state(h->ctx, &st);
    sight_health(h->sight, &sh);
    struct live *live = h->live(h->ctx);
    uint8_t worst = 0;
    for (unsigned i = 0; i < st.findings_n; i++)
        worst = st.findings[i].level > worst ? st.findings[i].level : worst;
    buf_fmt(
        out,
        "{\"as_of_ms\":%lld,\"version\":\"%s\",\"started_ms\":%lld,\"state\":\"%s\",",
        (long long)live->as_of_ms, TQ_VERSION, (long long)st.started_ms,
        worst >= LEVEL_RED      ? "failing"
        : worst >= LEVEL_ORANGE ? "degraded"
                                : "ok");
    findings(out, &st);
    buf_fmt(
        out,
        ",\"store\":{\"rows\":%llu,\"lsn\":%llu,\"rules_lsn\":%llu,\"lag_ms\":%lld,"
        "\"bytes\":%llu,\"oldest_ms\":%lld}",
        (unsigned long long)sh.rows, (unsigned long long)sh.lsn,
        (unsigned long long)st.rules_lsn, (long long)st.lag_ms,
        (unsigned long long)(sh.segment_bytes + sh.journal_bytes + sh.pack_bytes),
        (long long)sh.oldest_ms);
    threads(out, &st);
    buf_fmt(
        out,
        ",\"disks\":[{\"name\":\"data\",\"free_bytes\":%llu,\"total_bytes\":%llu,"
        "\"reserve_bytes\":%llu}]",
        (unsigned long long)st.disk.free_bytes, (unsigned long long)st.disk.total_bytes,
        (unsigned long long)st.disk.reserve_bytes);
    cameras(out, live);
    buf_fmt(
        out, ",\"clients\":{\"streams\":%llu,\"sessions\":%u}",
        (unsigned long long)counter_get(CTR_sse_clients), st.sessions);
    counters(out);
    live_unref(live);
    return OK;
}

static const struct api_route routes[] = {
    {.method = METHOD_GET,
     .path = "/system",
     .roles = ROLES_SIGNED,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .reply = "System",
     .zh = "系统状态",
     .en = "health, counters, threads, disks",
     .fn = show},
    {0},
};
const struct api api_system = {"系统", "system", routes};
