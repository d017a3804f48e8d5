/* SPDX-License-Identifier: Apache-2.0 */
/* The permit first; then a question that somebody has narrowed by place or by plate,
 * never neither. */
#include "analysis/passes.h"

/* Characters that are neither unread nor a run. */
static unsigned
known(const struct plate_pattern *p)
{
    unsigned n = 0;
    for (uint8_t i = 0; i < p->n; i++)
        n += p->code[i] != PLATE_CODE_UNREAD && p->code[i] != PLATE_CODE_RUN;
    return n;
}

enum err
passes_of(
    const struct look_permit *permit, const struct analysis_needs *needs,
    const struct passes_ask *ask, struct arena *arena, struct passes *out,
    struct note *note)
{
    enum err e = look_permit_covers(permit, LOOK_SIGHTINGS, ask->from, ask->to, note);
    if (e != OK)
        return e;
    if (ask->sites_n == 0 && !ask->filter.pattern)
        return note_set(
            note, ERR_INPUT, "sites", "name the sites, or part of the plate",
            "请指定点位或部分号牌");
    if (ask->sites_n == 0 && known(ask->filter.pattern) < PASSES_KNOWN)
        return note_fmt(
            note, ERR_INPUT, "plate",
            "without a site the plate needs at least %d known characters",
            "未指定点位时，号牌至少须有 %d 个已知字符", PASSES_KNOWN);
    if (ask->sites_n > PASSES_SITES)
        return note_fmt(
            note, ERR_INPUT, "sites", "at most %d sites at once", "一次最多 %d 个点位",
            PASSES_SITES);
    ts_ms most = ask->sites_n ? PASSES_PLACE_MS : PASSES_PATTERN_MS;
    if (ask->to - ask->from > most)
        return note_set(
            note, ERR_INPUT, "to_ms",
            ask->sites_n ? "by place at most 24 hours at once"
                         : "by part of a plate at most 31 days at once",
            ask->sites_n ? "按点位查询一次最多 24 小时"
                         : "按部分号牌查询一次最多 31 天");
    struct passes p;
    e = needs->by_place(
        needs->ctx, ask->sites, ask->sites_n, &ask->filter, ask->from, ask->to,
        ask->limit, arena, &p.rows);
    if (e == OK)
        e = coverage_of(needs, ask->from, ask->to, arena, &p.coverage);
    if (e == OK)
        *out = p;
    return e;
}
