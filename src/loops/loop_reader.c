/* SPDX-License-Identifier: Apache-2.0 */
/* Typed steps over the node tree with a sticky error; names to numbers. */
#include "loops/loop_reader.h"

#include "core/text.h"

struct loop_pos
reader_pos(const struct ydoc_node *n)
{
    return n->key.p ? (struct loop_pos){n->key_line, n->key_column}
                    : (struct loop_pos){n->line, n->column};
}

/* count zeroed elements; NULL sets the error. */
void *
reader_take(struct reader *r, size_t count, size_t size)
{
    void *p = r->err ? NULL : arena_array(r->arena, count ? count : 1, size);
    if (!p && !r->err)
        r->err = note_set(r->note, ERR_TOOBIG, "", "the file is too big", "文件过大");
    return p;
}

const char *
reader_keep(struct reader *r, struct span s)
{
    struct span own = r->err ? (struct span){0} : arena_span(r->arena, s);
    if (!own.p && !r->err)
        r->err = note_set(r->note, ERR_TOOBIG, "", "the file is too big", "文件过大");
    return own.p;
}

/* The text of a node, kept; NULL after an error. */
const char *
reader_text(struct reader *r, const struct ydoc_node *n, size_t max)
{
    struct span s = {0};
    if (!r->err)
        r->err = ydoc_get_text(r->y, n, max, &s, r->note);
    return reader_keep(r, s);
}

const struct ydoc_node *
reader_need(struct reader *r, const struct ydoc_node *map, const char *key)
{
    const struct ydoc_node *n = NULL;
    if (!r->err)
        r->err = ydoc_need(r->y, map, key, &n, r->note);
    return r->err ? NULL : n;
}

bool
reader_flag(
    struct reader *r, const struct ydoc_node *map, const char *key, bool otherwise)
{
    const struct ydoc_node *n = r->err ? NULL : ydoc_find(map, key);
    if (n)
        r->err = ydoc_get_flag(r->y, n, &otherwise, r->note);
    return otherwise;
}

/* The number of the word under key; `otherwise` when the key is not there. */
size_t
reader_word(
    struct reader *r, const struct ydoc_node *map, const char *key,
    const char *const *words, size_t n, size_t otherwise)
{
    const struct ydoc_node *c = r->err ? NULL : ydoc_find(map, key);
    if (c)
        r->err = ydoc_get_word(r->y, c, words, n, &otherwise, r->note);
    return otherwise;
}

void
reader_only(
    struct reader *r, const struct ydoc_node *map, const char *const *keys, size_t n)
{
    if (!r->err)
        r->err = ydoc_only(r->y, map, keys, n, r->note);
}

void
reader_want(struct reader *r, const struct ydoc_node *n, enum ydoc_kind kind)
{
    if (!r->err)
        r->err = ydoc_want(r->y, n, kind, r->note);
}

/* zh and en of a map; both or an error. */
struct loop_text
reader_label(struct reader *r, const struct ydoc_node *map, size_t max)
{
    const struct ydoc_node *zh = reader_need(r, map, "zh"),
                           *en = reader_need(r, map, "en");
    struct loop_text t = {0};
    if (zh && en) {
        t.zh = reader_text(r, zh, max);
        t.en = reader_text(r, en, max);
    }
    return t;
}

/* zh and en where both may be left out. */
struct loop_text
reader_label_maybe(struct reader *r, const struct ydoc_node *map, size_t max)
{
    if (!r->err && !ydoc_find(map, "zh") && !ydoc_find(map, "en"))
        return (struct loop_text){0};
    return reader_label(r, map, max);
}

static enum err
no_such(
    struct reader *r, const struct ydoc_node *n, const char *what_en,
    const char *what_zh)
{
    return ydoc_wrong(
        r->y, n, r->note, ERR_INPUT, "there is no %1$s \"%4$.*3$s\" in this file",
        "本文件中没有%2$s“%4$.*3$s”", what_en, what_zh,
        (int)(n->text.n < 40 ? n->text.n : 40), n->text.p ? n->text.p : "");
}

static int
gate_find(const struct loop_def *d, struct span name)
{
    for (int i = 0; i < d->gates_n; i++)
        if (span_eq_cstr(name, d->gates[i].name))
            return i;
    return -1;
}

/* The number of what a node names. */
uint16_t
reader_ref(struct reader *r, const struct ydoc_node *n, enum reader_ref kind)
{
    static const struct {
        const char *en, *zh;
        int (*find)(const struct loop_def *d, struct span name);
    } refs[] = {
        [REF_STATE] = {"state", "状态", loop_state_find},
        [REF_FIELD] = {"field", "字段", loop_field_find},
        [REF_CLOCK] = {"clock", "时限", loop_clock_find},
        [REF_ROLE] = {"role", "角色", loop_role_find},
        [REF_MOVE] = {"move", "操作", loop_move_find},
        [REF_GATE] = {"gate", "条件", gate_find},
    };
    reader_want(r, n, YDOC_TEXT);
    if (r->err)
        return 0;
    int at = refs[kind].find(r->d, n->text);
    if (at < 0) {
        r->err = no_such(r, n, refs[kind].en, refs[kind].zh);
        return 0;
    }
    return (uint16_t)at;
}

/* A list of names as bits; each once. */
uint64_t
reader_bits(struct reader *r, const struct ydoc_node *list, enum reader_ref kind)
{
    uint64_t set = 0;
    reader_want(r, list, YDOC_LIST);
    for (const struct ydoc_node *n = r->err ? NULL : list->first; n && !r->err;
         n = n->next) {
        uint64_t bit = UINT64_C(1) << reader_ref(r, n, kind);
        if (!r->err && (set & bit))
            r->err = ydoc_wrong(
                r->y, n, r->note, ERR_INPUT, "it stands in the list twice",
                "列表中重复");
        set |= bit;
    }
    return set;
}

/* A map of named things: checks count and names. */
bool
reader_names(struct reader *r, const struct ydoc_node *map, size_t max)
{
    reader_want(r, map, YDOC_MAP);
    if (!r->err && map->n > max)
        r->err = ydoc_wrong(
            r->y, map, r->note, ERR_TOOBIG, "at most %zu are allowed here",
            "此处最多 %zu 项", max);
    for (const struct ydoc_node *n = r->err ? NULL : map->first; n && !r->err;
         n = n->next) {
        struct ydoc_node as_text = {
            .kind = YDOC_TEXT,
            .text = n->key,
            .parent = n->parent,
            .key = n->key,
            .line = n->key_line,
            .column = n->key_column};
        struct span s;
        r->err = ydoc_get_name(r->y, &as_text, &s, r->note);
    }
    return !r->err;
}

const struct loop_expr *
reader_expr(struct reader *r, const struct ydoc_node *n, enum loop_value_kind kind)
{
    const struct loop_expr *e = NULL;
    size_t at = 0;
    struct note why = {0};
    reader_want(r, n, YDOC_TEXT);
    if (r->err)
        return NULL;
    r->err = loop_expr_compile(r->arena, r->d, n->text, kind, &e, &at, &why);
    if (r->err) {
        struct ydoc_node here = *n;
        here.column += (uint32_t)utf8_count((struct span){n->text.p, at}) + !n->plain;
        ydoc_wrong(r->y, &here, r->note, r->err, "%1$s", "%2$s", why.en, why.zh);
    }
    return e;
}
