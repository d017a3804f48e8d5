/* SPDX-License-Identifier: Apache-2.0 */
/* Counters and health as text. */
#include "serve/status.h"

#include "core/counter.h"
#include "core/version.h"

void
status_metrics(struct buf *out)
{
    buf_text(
        out,
        "# HELP tongqu_info Release of the running daemon\n# TYPE tongqu_info gauge\n");
    buf_fmt(out, "tongqu_info{version=\"%s\"} 1\n", TQ_VERSION);
    for (int i = 0; i < COUNTERS; i++) {
        const struct counter_row *c = counter_row((enum counter)i);
        bool count = c->kind == COUNTER_COUNT;
        const char *tail = count ? "_total" : "";
        buf_fmt(
            out, "# HELP tongqu_%s%s %s (%s)\n# TYPE tongqu_%s%s %s\n", c->name, tail,
            c->en, c->unit, c->name, tail, count ? "counter" : "gauge");
        buf_fmt(
            out, "tongqu_%s%s %llu\n", c->name, tail,
            (unsigned long long)counter_get((enum counter)i));
    }
}

static void
write_bool(struct buf *out, const char *key, bool v)
{
    buf_fmt(out, ",\"%s\":%s", key, v ? "true" : "false");
}

void
status_health(struct req *r, const struct serve_needs *needs)
{
    struct health h = {0};
    needs->health(needs->ctx, &h);
    struct buf *out = req_out(r);
    buf_fmt(
        out, "{\"ok\":%s,\"version\":\"%s\",\"now_ms\":%lld", h.ok ? "true" : "false",
        TQ_VERSION, (long long)req_at(r));
    buf_fmt(
        out,
        ",\"disk\":{\"free_bytes\":%llu,\"total_bytes\":%llu,\"reserve_bytes\":%llu",
        (unsigned long long)h.disk_free, (unsigned long long)h.disk_total,
        (unsigned long long)h.disk_reserve);
    write_bool(out, "low", h.disk_low);
    buf_fmt(
        out,
        "},\"clock_step_ms\":%lld,\"clock_behind_ms\":%lld,\"store_lag_ms\":%lld"
        ",\"rules_lag\":%llu",
        (long long)h.clock_step_ms, (long long)h.clock_behind_ms,
        (long long)h.store_lag_ms, (unsigned long long)h.rules_lag);
    write_bool(out, "store_failed", h.store_failed);
    write_bool(out, "ledger_failed", h.ledger_failed);
    write_bool(out, "audit_failed", h.audit_failed);
    buf_fmt(
        out, ",\"devices_online\":%u,\"devices_offline\":%u,\"definitions_new\":%u}\n",
        h.devices_online, h.devices_offline, h.definitions_new);
    req_status(r, h.ok ? 200 : 503);
    req_set(r, "Cache-Control", "no-store");
}
