/* SPDX-License-Identifier: Apache-2.0 */
/* The decision about a look, in the order in which a person can mend what is missing:
 * role, reason, matter, scope, purpose, age. */
#include "model/look.h"

#include "core/text.h"
#include "model/look_mint.h"

#include <stdlib.h>

struct look_permit {
    struct look_limits limits;
};

static const struct look_kind_row kinds[] = {
    {LOOK_TRAJECTORY, "trajectory", "车辆轨迹", "vehicle trajectory"},
    {LOOK_SIGHTINGS, "sightings", "过车查询", "sightings"},
    {LOOK_PLATE_CHECK, "plate_check", "号牌核查", "plate check"},
    {LOOK_CARD, "card", "预警卡片", "alarm card"},
    {LOOK_PICTURE, "picture", "过车图片", "picture"},
    {LOOK_ANALYSIS, "analysis", "研判分析", "analysis"},
    {LOOK_EXPORT, "export", "导出", "export"},
    {LOOK_AUDIT, "audit", "查阅审计记录", "reading the audit record"},
    {0, NULL, NULL, NULL},
};

/* Who may look at all; the auditor only at the record. */
#define LOOKING_ROLES                                                                  \
    ((unsigned)ROLE_DUTY | (unsigned)ROLE_ANALYST | (unsigned)ROLE_SQUAD |             \
     (unsigned)ROLE_SUPERVISOR)
#define RECORD_ROLES ((unsigned)ROLE_AUDITOR | (unsigned)ROLE_SECURITY)

const struct look_kind_row *
look_kind_rows(void)
{
    return kinds;
}

const struct look_kind_row *
look_kind_find(struct span name)
{
    for (const struct look_kind_row *r = kinds; r->kind; r++)
        if (span_eq_cstr(name, r->name))
            return r;
    return NULL;
}

const struct look_kind_row *
look_kind_get(enum look_kind kind)
{
    for (const struct look_kind_row *r = kinds; r->kind; r++)
        if (r->kind == kind)
            return r;
    return NULL;
}

const struct look_purpose *
look_purpose_find(const struct look_rules *rules, struct span code)
{
    for (unsigned i = 0; i < rules->purposes_n; i++)
        if (span_eq_cstr(code, rules->purposes[i].code))
            return &rules->purposes[i];
    return NULL;
}

const struct look_tier *
look_tier_of(const struct look_rules *rules, ts_ms from, ts_ms now)
{
    for (unsigned i = 0; i < rules->tiers_n; i++) {
        const struct look_tier *t = &rules->tiers[i];
        if (t->to_days == 0 || from >= now - t->to_days * DAY_MS)
            return t;
    }
    return NULL;
}

static bool
names_kind(const char (*list)[24], unsigned n, const char *kind)
{
    if (n == 0)
        return true;
    for (unsigned i = 0; i < n; i++)
        if (strcmp(list[i], kind) == 0)
            return true;
    return false;
}

const char *
look_refusal_code(enum look_refusal r)
{
    static const char *const codes[] = {
        [LOOK_ALLOWED] = "",
        [LOOK_NO_MATTER] = "look_no_matter",
        [LOOK_MATTER_CLOSED] = "look_matter_closed",
        [LOOK_PURPOSE] = "look_purpose",
        [LOOK_AGE_TIER] = "look_age_tier",
        [LOOK_SCOPE] = "look_scope",
        [LOOK_ROLE] = "forbidden",
        [LOOK_WHY] = "field_required",
        [LOOK_UNCONFIRMED] = "look_unconfirmed",
    };
    return codes[r];
}

static enum look_refusal
refuse(
    struct note *note, enum look_refusal r, const char *field, const char *en,
    const char *zh)
{
    (void)note_set(note, ERR_DENIED, field, en, zh);
    (void)note_code(note, ERR_DENIED, look_refusal_code(r));
    return r;
}

static enum look_refusal
check_role(const struct look_request *q, struct note *note)
{
    unsigned need = q->kind == LOOK_AUDIT ? RECORD_ROLES : LOOKING_ROLES;
    if (q->roles & need)
        return LOOK_ALLOWED;
    return refuse(
        note, LOOK_ROLE, "",
        "your role may not look at movements; administrators never can",
        "当前角色无权查询车辆动态，管理员一律不得查询");
}

/* The instant that ages count back from. */
static ts_ms
today(const struct look_request *q)
{
    return q->newest_ms && q->newest_ms < q->now_ms ? q->newest_ms : q->now_ms;
}

static enum look_refusal
check_emergency(
    const struct look_rules *rules, const struct look_request *q, struct note *note)
{
    if (!utf8_is_reason(q->why))
        return refuse(
            note, LOOK_WHY, "why",
            "an emergency look needs its reason (5 letters or more)",
            "紧急查询须填写理由（不少于 2 个汉字）");
    if ((q->from_ms || q->to_ms) &&
        q->from_ms < today(q) - (int64_t)rules->emergency_days * DAY_MS) {
        (void)note_fmt(
            note, ERR_DENIED, "from_ms",
            "an emergency look reaches back %d days; for older records name a matter",
            "紧急查询只能查看近 %d 天的记录，更早的记录请关联事项",
            rules->emergency_days);
        (void)note_code(note, ERR_DENIED, look_refusal_code(LOOK_AGE_TIER));
        return LOOK_AGE_TIER;
    }
    return LOOK_ALLOWED;
}

static enum look_refusal
check_matter(
    const struct look_request *q, const struct look_matter *m, struct note *note)
{
    if (q->matter == 0 || !m->found)
        return refuse(
            note, LOOK_NO_MATTER, "matter",
            "name an open matter; open an inquiry, or work from the alarm's card",
            "请关联一个未办结的事项：可新建核查事项，或从预警卡片进入");
    if (!m->open)
        return refuse(
            note, LOOK_MATTER_CLOSED, "matter",
            "this matter is closed; name an open one or open an inquiry",
            "该事项已办结，请关联未办结的事项或新建核查事项");
    if (!m->in_scope)
        return refuse(
            note, LOOK_SCOPE, "matter",
            "this matter belongs to another part of the organisation",
            "该事项不属于本单位及下属单位");
    return LOOK_ALLOWED;
}

/* Kinds that read rows of a window; what names no window would read all time. */
#define WINDOW_KINDS                                                                   \
    ((unsigned)LOOK_TRAJECTORY | (unsigned)LOOK_SIGHTINGS | (unsigned)LOOK_ANALYSIS |  \
     (unsigned)LOOK_EXPORT)

static enum look_refusal
check_window(const struct look_request *q, struct note *note)
{
    if (!((unsigned)q->kind & WINDOW_KINDS) || q->to_ms > q->from_ms)
        return LOOK_ALLOWED;
    return refuse(
        note, LOOK_AGE_TIER, "to_ms",
        "this look needs a window of time: its end lies behind its start",
        "该查询须指定时间范围，且截止晚于起始");
}

static enum look_refusal
check_age(
    const struct look_rules *rules, const struct look_request *q,
    const struct look_matter *m, struct note *note)
{
    if (q->from_ms == 0 && q->to_ms == 0)
        return LOOK_ALLOWED;
    const struct look_tier *t = look_tier_of(rules, q->from_ms, today(q));
    if (!t)
        return refuse(
            note, LOOK_AGE_TIER, "from_ms", "nobody may look that far back",
            "查询时间过早，超出允许范围");
    if (!names_kind(t->kinds, t->kinds_n, m->kind))
        return refuse(
            note, LOOK_AGE_TIER, "from_ms",
            "records this old need another kind of matter: open an inquiry",
            "查询该时段须关联其他类别的事项，请新建核查事项");
    if (t->approver && !m->granted)
        return refuse(
            note, LOOK_AGE_TIER, "from_ms",
            "records this old need the grant of a second person for this matter",
            "查询该时段须经第二人对本事项审批授权");
    return LOOK_ALLOWED;
}

enum look_refusal
look_check(
    const struct look_rules *rules, const struct look_request *q,
    const struct look_matter *m, struct note *note)
{
    enum look_refusal r = check_role(q, note);
    if (r || q->kind == LOOK_AUDIT)
        return r;
    const struct look_purpose *purpose = look_purpose_find(rules, q->purpose);
    if (!purpose)
        return refuse(
            note, LOOK_PURPOSE, "purpose",
            "choose a purpose from the list (definitions/purposes.yaml)",
            "请从列表中选择查询事由（definitions/purposes.yaml）");
    r = check_window(q, note);
    if (r)
        return r;
    if (q->emergency) { /* a matter is not needed; one that is named has to be fit */
        r = q->matter ? check_matter(q, m, note) : LOOK_ALLOWED;
        return r ? r : check_emergency(rules, q, note);
    }
    r = check_matter(q, m, note);
    if (r)
        return r;
    if (!names_kind(purpose->kinds, purpose->kinds_n, m->kind))
        return refuse(
            note, LOOK_PURPOSE, "purpose",
            "this purpose does not fit this kind of matter: choose another",
            "该查询事由与事项类别不符，请另选");
    return check_age(rules, q, m, note);
}

struct look_permit *
look_permit_new(const struct look_limits *limits)
{
    struct look_permit *p = malloc(sizeof *p);
    if (p)
        p->limits = *limits;
    return p;
}

void
look_permit_free(struct look_permit *p)
{
    free(p);
}

const struct look_limits *
look_permit_limits(const struct look_permit *p)
{
    return &p->limits;
}

enum err
look_permit_covers(
    const struct look_permit *p, enum look_kind kind, ts_ms from, ts_ms to,
    struct note *note)
{
    if (!p)
        return note_set(
            note, ERR_DENIED, "", "no look without a permit", "未经登记不得查询");
    if (!(p->limits.kinds & (unsigned)kind))
        return note_set(
            note, ERR_DENIED, "kind", "the look was registered for something else",
            "查询内容与登记不符");
    if (from < p->limits.from_ms || to > p->limits.to_ms)
        return note_set(
            note, ERR_DENIED, "from_ms", "outside the times of the registered look",
            "查询时段超出登记范围");
    return OK;
}
