/* SPDX-License-Identifier: Apache-2.0 */
/* definitions/purposes.yaml by the same reader as the loops, so that every message says
 * line and column. */
#include "daemon/purposes.h"

#include "core/os_file.h"
#include "loops/ydoc.h"

#include <stdlib.h>

#define FILE_MAX (1u << 20)

static enum err
text_of(
    const struct ydoc *y, const struct ydoc_node *map, const char *key, char *dst,
    size_t cap, struct note *note)
{
    const struct ydoc_node *node;
    struct span s;
    enum err e = ydoc_need(y, map, key, &node, note);
    if (e == OK)
        e = ydoc_get_text(y, node, cap - 1, &s, note);
    if (e == OK && !span_copy(dst, cap, s))
        e = ydoc_wrong(y, node, note, ERR_INPUT, "this text is too long", "文字过长");
    return e;
}

static enum err
kinds_of(
    const struct ydoc *y, const struct ydoc_node *map, char kinds[][24], unsigned *n,
    struct note *note)
{
    const struct ydoc_node *list = ydoc_find(map, "kinds");
    *n = 0;
    if (!list)
        return OK;
    enum err e = ydoc_want(y, list, YDOC_LIST, note);
    if (e == OK && list->n > LOOK_KINDS)
        e = ydoc_wrong(
            y, list, note, ERR_INPUT, "at most %d kinds of matter can stand here",
            "此处最多写 %d 种事项", LOOK_KINDS);
    for (const struct ydoc_node *k = list->first; e == OK && k; k = k->next) {
        struct span s;
        e = ydoc_get_name(y, k, &s, note);
        if (e == OK && !span_copy(kinds[*n], 24, s))
            e = ydoc_wrong(y, k, note, ERR_INPUT, "this name is too long", "名称过长");
        *n += e == OK;
    }
    return e;
}

static enum err
read_purpose(
    const struct ydoc *y, const struct ydoc_node *node, struct look_rules *r,
    struct note *note)
{
    static const char *const keys[] = {"code", "zh", "en", "kinds"};
    enum err e = ydoc_want(y, node, YDOC_MAP, note);
    if (e == OK)
        e = ydoc_only(y, node, keys, 4, note);
    if (e == OK && r->purposes_n == LOOK_PURPOSES)
        e = ydoc_wrong(
            y, node, note, ERR_INPUT, "there can be at most %d purposes",
            "事由最多 %d 个", LOOK_PURPOSES);
    if (e != OK)
        return e;
    struct look_purpose *p = &r->purposes[r->purposes_n];
    e = text_of(y, node, "code", p->code, sizeof p->code, note);
    if (e == OK && look_purpose_find(r, span_cstr(p->code)))
        e = ydoc_wrong(
            y, node, note, ERR_INPUT, "the code \"%s\" stands here twice",
            "事由代码“%s”重复", p->code);
    if (e == OK)
        e = text_of(y, node, "zh", p->zh, sizeof p->zh, note);
    if (e == OK)
        e = text_of(y, node, "en", p->en, sizeof p->en, note);
    if (e == OK)
        e = kinds_of(y, node, p->kinds, &p->kinds_n, note);
    r->purposes_n += e == OK;
    return e;
}

static enum err
read_tier(
    const struct ydoc *y, const struct ydoc_node *node, struct look_rules *r,
    struct note *note)
{
    static const char *const keys[] = {"to_days", "zh", "en", "kinds", "approver"};
    const struct ydoc_node *days, *approver;
    int64_t v;
    enum err e = ydoc_want(y, node, YDOC_MAP, note);
    if (e == OK)
        e = ydoc_only(y, node, keys, 5, note);
    if (e == OK)
        e = ydoc_need(y, node, "to_days", &days, note);
    if (e == OK)
        e = ydoc_get_i64(y, days, 0, 36500, &v, note);
    if (e != OK)
        return e;
    const struct look_tier *before = r->tiers_n ? &r->tiers[r->tiers_n - 1] : NULL;
    bool ascending =
        !before || (before->to_days != 0 && (v == 0 || v > before->to_days));
    if (r->tiers_n == LOOK_TIERS || !ascending)
        return ydoc_wrong(
            y, node, note, ERR_INPUT,
            "tiers ascend by to_days, 0 comes last, and there are at most %d",
            "时段须按 to_days 递增，0 置于最后，且最多 %d 段", LOOK_TIERS);
    struct look_tier *t = &r->tiers[r->tiers_n];
    t->to_days = (int32_t)v;
    e = text_of(y, node, "zh", t->zh, sizeof t->zh, note);
    if (e == OK)
        e = text_of(y, node, "en", t->en, sizeof t->en, note);
    if (e == OK)
        e = kinds_of(y, node, t->kinds, &t->kinds_n, note);
    approver = ydoc_find(node, "approver");
    if (e == OK && approver)
        e = ydoc_get_flag(y, approver, &t->approver, note);
    r->tiers_n += e == OK;
    return e;
}

static enum err
read_emergency(
    const struct ydoc *y, const struct ydoc_node *root, struct look_rules *r,
    struct note *note)
{
    static const char *const keys[] = {"confirm_hours", "days"};
    const struct ydoc_node *map, *node;
    int64_t v;
    enum err e = ydoc_need(y, root, "emergency", &map, note);
    if (e == OK)
        e = ydoc_want(y, map, YDOC_MAP, note);
    if (e == OK)
        e = ydoc_only(y, map, keys, 2, note);
    if (e == OK)
        e = ydoc_need(y, map, "confirm_hours", &node, note);
    if (e == OK)
        e = ydoc_get_i64(y, node, 1, 24, &v, note);
    if (e == OK) {
        r->emergency_confirm_h = (int32_t)v;
        e = ydoc_need(y, map, "days", &node, note);
    }
    if (e == OK)
        e = ydoc_get_i64(y, node, 1, 90, &v, note);
    if (e == OK)
        r->emergency_days = (int32_t)v;
    return e;
}

typedef enum err each_fn(
    const struct ydoc *y, const struct ydoc_node *node, struct look_rules *r,
    struct note *note);

static enum err
read_list(
    const struct ydoc *y, const char *key, each_fn *each, struct look_rules *r,
    struct note *note)
{
    const struct ydoc_node *list;
    enum err e = ydoc_need(y, ydoc_root(y), key, &list, note);
    if (e == OK)
        e = ydoc_want(y, list, YDOC_LIST, note);
    if (e == OK && list->n == 0)
        e = ydoc_wrong(
            y, list, note, ERR_INPUT,
            "the list is empty: nobody could look at anything",
            "列表为空：将无人可以查询");
    for (const struct ydoc_node *n = e == OK ? list->first : NULL; e == OK && n;
         n = n->next)
        e = each(y, n, r, note);
    return e;
}

enum err
purposes_read(const char *path, struct look_rules *out, struct note *note)
{
    static const char *const keys[] = {"purposes", "tiers", "emergency"};
    struct look_rules *r = calloc(1, sizeof *r);
    struct ydoc *y = NULL;
    char *text = NULL;
    size_t n;
    enum err e = r ? OK : ERR_NOMEM;
    if (e == OK)
        e = os_read_file(os_fs_real(), path, FILE_MAX, &text, &n, note);
    if (e == OK)
        e = ydoc_parse(span_of(text, n), path, &y, note);
    if (e == OK)
        e = ydoc_want(y, ydoc_root(y), YDOC_MAP, note);
    if (e == OK)
        e = ydoc_only(y, ydoc_root(y), keys, 3, note);
    if (e == OK)
        e = read_list(y, "purposes", read_purpose, r, note);
    if (e == OK)
        e = read_list(y, "tiers", read_tier, r, note);
    if (e == OK)
        e = read_emergency(y, ydoc_root(y), r, note);
    if (e == OK)
        *out = *r;
    if (y)
        ydoc_free(y);
    free(text);
    free(r);
    return e;
}
