/* SPDX-License-Identifier: Apache-2.0 */
/* From the node tree to struct loop_def. The first thing that is wrong stops the
 * reading: `err` in the reader is sticky and every step does nothing once it is set, so
 * a section reads as a list of its keys. Names are resolved to numbers here; what only
 * looks odd is loop_lint's. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/text.h"
#include "loops/loop_expr.h"
#include "loops/ydoc.h"
#include "model/org.h"
#include "model/user.h"

#define ARENA_CAP (16u << 20)
#define LABEL_MAX 120
#define SENTENCE_MAX 400
#define OPTIONS_MAX 64
#define SELECTORS_MAX 8
#define TEXT_DEFAULT 200
#define NOTE_DEFAULT 2000
#define COUNT(a) (sizeof(a) / sizeof *(a))

struct loop_def_box { /* what loop_def_free() frees: the definition first */
    struct loop_def d;
    struct arena arena;
};

typedef const struct ydoc_node *node_p;

struct reader {
    const struct ydoc *y;
    struct arena *arena;
    struct loop_def *d;
    struct note *note;
    enum err err;
};

/* ---- small steps ---- */

static struct loop_pos
pos_of(node_p n)
{
    return n->key.p ? (struct loop_pos){n->key_line, n->key_column}
                    : (struct loop_pos){n->line, n->column};
}

/* count zeroed elements; NULL sets the error. */
static void *
take(struct reader *r, size_t count, size_t size)
{
    void *p = r->err ? NULL : arena_array(r->arena, count ? count : 1, size);
    if (!p && !r->err)
        r->err = note_set(r->note, ERR_TOOBIG, "", "the file is too big", "文件过大");
    return p;
}

static const char *
keep(struct reader *r, struct span s)
{
    struct span own = r->err ? (struct span){0} : arena_span(r->arena, s);
    if (!own.p && !r->err)
        r->err = note_set(r->note, ERR_TOOBIG, "", "the file is too big", "文件过大");
    return own.p;
}

/* The text of a node, kept; NULL after an error. */
static const char *
text(struct reader *r, node_p n, size_t max)
{
    struct span s = {0};
    if (!r->err)
        r->err = ydoc_get_text(r->y, n, max, &s, r->note);
    return keep(r, s);
}

static node_p
need(struct reader *r, node_p map, const char *key)
{
    node_p n = NULL;
    if (!r->err)
        r->err = ydoc_need(r->y, map, key, &n, r->note);
    return r->err ? NULL : n;
}

static bool
flag(struct reader *r, node_p map, const char *key, bool otherwise)
{
    node_p n = r->err ? NULL : ydoc_find(map, key);
    if (n)
        r->err = ydoc_get_flag(r->y, n, &otherwise, r->note);
    return otherwise;
}

/* The number of the word under key; `otherwise` when the key is not there. */
static size_t
word(
    struct reader *r, node_p map, const char *key, const char *const *words, size_t n,
    size_t otherwise)
{
    node_p c = r->err ? NULL : ydoc_find(map, key);
    if (c)
        r->err = ydoc_get_word(r->y, c, words, n, &otherwise, r->note);
    return otherwise;
}

static void
only(struct reader *r, node_p map, const char *const *keys, size_t n)
{
    if (!r->err)
        r->err = ydoc_only(r->y, map, keys, n, r->note);
}

static void
want(struct reader *r, node_p n, enum ydoc_kind kind)
{
    if (!r->err)
        r->err = ydoc_want(r->y, n, kind, r->note);
}

/* zh and en of a map; both or an error. */
static struct loop_text
label(struct reader *r, node_p map, size_t max)
{
    node_p zh = need(r, map, "zh"), en = need(r, map, "en");
    struct loop_text t = {0};
    if (zh && en) {
        t.zh = text(r, zh, max);
        t.en = text(r, en, max);
    }
    return t;
}

/* zh and en where both may be left out. */
static struct loop_text
label_maybe(struct reader *r, node_p map, size_t max)
{
    if (!r->err && !ydoc_find(map, "zh") && !ydoc_find(map, "en"))
        return (struct loop_text){0};
    return label(r, map, max);
}

static enum err
no_such(struct reader *r, node_p n, const char *what_en, const char *what_zh)
{
    return ydoc_wrong(
        r->y, n, r->note, ERR_INPUT, "there is no %1$s \"%4$.*3$s\" in this file",
        "本文件中没有%2$s“%4$.*3$s”", what_en, what_zh,
        (int)(n->text.n < 40 ? n->text.n : 40), n->text.p ? n->text.p : "");
}

enum ref { REF_STATE, REF_FIELD, REF_CLOCK, REF_ROLE, REF_MOVE, REF_GATE };

static int
gate_find(const struct loop_def *d, struct span name)
{
    for (int i = 0; i < d->gates_n; i++)
        if (span_eq_cstr(name, d->gates[i].name))
            return i;
    return -1;
}

/* The number of what a node names. */
static uint16_t
ref(struct reader *r, node_p n, enum ref kind)
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
    want(r, n, YDOC_TEXT);
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
static uint64_t
bits(struct reader *r, node_p list, enum ref kind)
{
    uint64_t set = 0;
    want(r, list, YDOC_LIST);
    for (node_p n = r->err ? NULL : list->first; n && !r->err; n = n->next) {
        uint64_t bit = UINT64_C(1) << ref(r, n, kind);
        if (!r->err && (set & bit))
            r->err = ydoc_wrong(
                r->y, n, r->note, ERR_INPUT, "it stands in the list twice",
                "列表中重复");
        set |= bit;
    }
    return set;
}

/* A map of named things: checks count and names. */
static bool
names(struct reader *r, node_p map, size_t max)
{
    want(r, map, YDOC_MAP);
    if (!r->err && map->n > max)
        r->err = ydoc_wrong(
            r->y, map, r->note, ERR_TOOBIG, "at most %zu are allowed here",
            "此处最多 %zu 项", max);
    for (node_p n = r->err ? NULL : map->first; n && !r->err; n = n->next) {
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

static const struct loop_expr *
expr(struct reader *r, node_p n, enum loop_value_kind kind)
{
    const struct loop_expr *e = NULL;
    size_t at = 0;
    struct note why = {0};
    want(r, n, YDOC_TEXT);
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

/* ---- roles ---- */

static unsigned
read_posts(struct reader *r, node_p list)
{
    unsigned posts = 0;
    want(r, list, YDOC_LIST);
    for (node_p n = r->err ? NULL : list->first; n && !r->err; n = n->next) {
        want(r, n, YDOC_TEXT);
        const struct role_row *row = r->err ? NULL : role_find(n->text);
        if (!r->err && !row)
            r->err = ydoc_wrong(
                r->y, n, r->note, ERR_INPUT,
                "expected a user role (duty, analyst, squad, supervisor), found "
                "\"%.*s\"",
                "应为系统岗位（duty、analyst、squad、supervisor），实为“%.*s”",
                (int)(n->text.n < 40 ? n->text.n : 40), n->text.p);
        posts |= row ? (unsigned)row->role : 0;
    }
    if (!r->err && !posts)
        r->err = ydoc_wrong(
            r->y, list, r->note, ERR_INPUT, "name at least one user role",
            "至少填写一个系统岗位");
    return posts;
}

static void
read_selector(struct reader *r, node_p n, struct loop_selector *s)
{
    static const char *const keys[] = {"post", "org", "org_kind", "who"};
    static const char *const orgs[] = {"any", "owner", "above", "handed_by"};
    static const char *const who[] = {
        "any", "owner", "previous", "not_previous", "opener", "not_opener", "crew"};
    static const char *const kinds[] = {"province", "city", "brigade", "squad"};
    only(r, n, keys, COUNT(keys));
    node_p posts = need(r, n, "post");
    if (!posts)
        return;
    s->posts = read_posts(r, posts);
    s->org = (uint8_t)word(r, n, "org", orgs, COUNT(orgs), LOOP_ORG_ANY);
    s->who = (uint8_t)word(r, n, "who", who, COUNT(who), LOOP_WHO_ANY);
    node_p list = ydoc_find(n, "org_kind");
    if (list)
        want(r, list, YDOC_LIST);
    for (node_p k = list && !r->err ? list->first : NULL; k && !r->err; k = k->next) {
        size_t kind = 0;
        r->err = ydoc_get_word(r->y, k, kinds, COUNT(kinds), &kind, r->note);
        s->org_kinds |= 1u << kind;
    }
}

static void
read_role(struct reader *r, node_p n, struct loop_role *role)
{
    static const char *const keys[] = {"zh", "en", "any_of"};
    role->pos = pos_of(n);
    only(r, n, keys, COUNT(keys));
    role->label = label(r, n, LABEL_MAX);
    node_p list = need(r, n, "any_of");
    if (!list)
        return;
    want(r, list, YDOC_LIST);
    if (!r->err && (list->n == 0 || list->n > SELECTORS_MAX))
        r->err = ydoc_wrong(
            r->y, list, r->note, ERR_INPUT, "1 to 8 selectors",
            "应有 1 到 8 个选择条件");
    struct loop_selector *any = take(r, list->n, sizeof *any);
    if (!any)
        return;
    for (node_p s = list->first; s && !r->err; s = s->next)
        read_selector(r, s, &any[s->index]);
    role->any_of = any;
    role->any_of_n = (uint8_t)list->n;
}

static void
read_roles(struct reader *r, node_p map)
{
    if (!names(r, map, LOOP_MAX_ROLES))
        return;
    struct loop_role *rows = take(r, map->n, sizeof *rows);
    if (!rows)
        return;
    for (node_p n = map->first; n && !r->err; n = n->next) {
        rows[n->index].name = keep(r, n->key);
        read_role(r, n, &rows[n->index]);
    }
    r->d->roles = rows;
    r->d->roles_n = (uint16_t)map->n;
}

/* ---- fields ---- */

static const char *const type_names[] = {"",       "text",  "note", "choice", "flag",
                                         "number", "time",  "unit", "user",   "org",
                                         "plate",  "point", "files"};

const char *
loop_type_name(enum loop_type t)
{
    return type_names[t];
}

static void
read_options(struct reader *r, node_p map, struct loop_field *f)
{
    static const char *const keys[] = {"zh", "en", "verdict"};
    static const char *const verdicts[] = {"none", "true", "false"};
    if (!map || !names(r, map, OPTIONS_MAX))
        return;
    struct loop_option *rows = take(r, map->n, sizeof *rows);
    if (!rows)
        return;
    if (map->n == 0)
        r->err = ydoc_wrong(
            r->y, map, r->note, ERR_INPUT, "a choice has at least one option",
            "选项至少一项");
    for (node_p n = map->first; n && !r->err; n = n->next) {
        only(r, n, keys, COUNT(keys));
        rows[n->index].value = keep(r, n->key);
        rows[n->index].label = label(r, n, LABEL_MAX);
        rows[n->index].verdict = (uint8_t)word(
            r, n, "verdict", verdicts, COUNT(verdicts), LOOP_VERDICT_NONE);
    }
    f->options = rows;
    f->options_n = (uint8_t)map->n;
}

static void
read_bounds(struct reader *r, node_p n, struct loop_field *f)
{
    bool counted =
        f->type == LOOP_TEXT || f->type == LOOP_NOTE || f->type == LOOP_FILES;
    double most = f->type == LOOP_TEXT ? 400 : f->type == LOOP_NOTE ? 4000 : 16;
    node_p min = ydoc_find(n, "min"), max = ydoc_find(n, "max");
    f->min = counted ? 0 : -1e15;
    f->max = !counted               ? 1e15
             : f->type == LOOP_TEXT ? TEXT_DEFAULT
             : f->type == LOOP_NOTE ? NOTE_DEFAULT
                                    : most;
    if (min && !r->err)
        r->err = ydoc_get_number(r->y, min, &f->min, r->note);
    if (max && !r->err)
        r->err = ydoc_get_number(r->y, max, &f->max, r->note);
    if (!r->err && (min || max) && !counted && f->type != LOOP_NUMBER)
        r->err = ydoc_wrong_key(
            r->y, min ? min : max, r->note, ERR_INPUT,
            "min and max belong to number, text, note and files",
            "min 与 max 仅用于 number、text、note、files");
    if (!r->err && (f->min > f->max || (counted && (f->min < 0 || f->max > most))))
        r->err = ydoc_wrong(
            r->y, max ? max : min, r->note, ERR_INPUT, "min and max must be 0 to %.0f",
            "min 与 max 应在 0 到 %.0f 之间", most);
}

static void
read_field(struct reader *r, node_p n, struct loop_field *f)
{
    static const char *const keys[] = {"zh",      "en",  "type", "why",
                                       "options", "min", "max",  "input"};
    size_t type = 0;
    f->pos = pos_of(n);
    only(r, n, keys, COUNT(keys));
    f->label = label(r, n, LABEL_MAX);
    node_p t = need(r, n, "type");
    if (!t)
        return;
    r->err =
        ydoc_get_word(r->y, t, type_names + 1, COUNT(type_names) - 1, &type, r->note);
    f->type = (uint8_t)(type + 1);
    f->input = flag(r, n, "input", false);
    node_p why = ydoc_find(n, "why");
    if (why)
        f->why = label(r, why, SENTENCE_MAX);
    node_p options = ydoc_find(n, "options");
    if (!r->err && (f->type == LOOP_CHOICE) != (options != NULL))
        r->err = ydoc_wrong(
            r->y, n, r->note, ERR_INPUT,
            "options belong to a choice, and a choice needs them",
            "choice 类型必须有 options，其他类型不能有");
    read_options(r, options, f);
    if (!r->err)
        read_bounds(r, n, f);
}

static void
read_fields(struct reader *r, node_p map)
{
    if (!map || !names(r, map, LOOP_MAX_FIELDS))
        return;
    struct loop_field *rows = take(r, map->n, sizeof *rows);
    if (!rows)
        return;
    for (node_p n = map->first; n && !r->err; n = n->next) {
        rows[n->index].name = keep(r, n->key);
        read_field(r, n, &rows[n->index]);
    }
    r->d->fields = rows;
    r->d->fields_n = (uint16_t)map->n;
}

/* ---- states ---- */

static void
read_state(struct reader *r, node_p n, struct loop_state *s)
{
    static const char *const keys[] = {"zh", "en", "kind", "public", "level"};
    static const char *const kinds[] = {
        "start", "active", "waiting", "suspended", "terminal"};
    static const char *const publics[] = {"open", "closed"};
    static const char *const levels[] = {"none", "blue", "yellow", "orange", "red"};
    s->pos = pos_of(n);
    only(r, n, keys, COUNT(keys));
    s->label = label(r, n, LABEL_MAX);
    s->kind = (uint8_t)word(r, n, "kind", kinds, COUNT(kinds), LOOP_ACTIVE);
    s->open = word(
                  r, n, "public", publics, COUNT(publics),
                  s->kind == LOOP_TERMINAL ? 1 : 0) == 0;
    s->level = (uint8_t)word(r, n, "level", levels, COUNT(levels), 0);
}

static void
read_states(struct reader *r, node_p map)
{
    if (!map || !names(r, map, LOOP_MAX_STATES))
        return;
    struct loop_state *rows = take(r, map->n, sizeof *rows);
    int start = -1;
    for (node_p n = rows ? map->first : NULL; n && !r->err; n = n->next) {
        rows[n->index].name = keep(r, n->key);
        read_state(r, n, &rows[n->index]);
        if (!r->err && (span_eq(n->key, SPAN("same")) || span_eq(n->key, SPAN("open"))))
            r->err = ydoc_wrong_key(
                r->y, n, r->note, ERR_INPUT,
                "this word has a meaning of its own in moves",
                "该词在操作中另有含义，请换名");
        if (!r->err && rows[n->index].kind == LOOP_START && start >= 0)
            r->err = ydoc_wrong_key(
                r->y, n, r->note, ERR_INPUT, "there is a start state already: %s",
                "已有起始状态：%s", rows[start].name);
        if (!r->err && rows[n->index].kind == LOOP_START)
            start = (int)n->index;
    }
    if (!r->err && start < 0)
        r->err = ydoc_wrong(
            r->y, map, r->note, ERR_INPUT, "one state must be of kind: start",
            "必须有一个 kind: start 的状态");
    if (r->err)
        return;
    r->d->states = rows;
    r->d->states_n = (uint16_t)map->n;
    r->d->start = (uint16_t)start;
}

/* ---- effects ---- */

static void
effect_assign(struct reader *r, node_p n, struct loop_effect *e)
{
    want(r, n, YDOC_TEXT);
    if (r->err)
        return;
    if (span_eq(n->text, SPAN("actor"))) {
        e->assignee = LOOP_TO_ACTOR;
    } else if (span_eq(n->text, SPAN("nobody"))) {
        e->assignee = LOOP_TO_NOBODY;
    } else {
        e->assignee = LOOP_TO_FIELD;
        e->target = ref(r, n, REF_FIELD);
    }
}

static void
effect_set(struct reader *r, node_p n, node_p item, struct loop_effect *e)
{
    e->target = ref(r, n, REF_FIELD);
    node_p to = need(r, item, "to");
    if (!to || r->err)
        return;
    static const uint8_t kinds[] = {
        [LOOP_TEXT] = LOOP_V_TEXT,     [LOOP_NOTE] = LOOP_V_TEXT,
        [LOOP_CHOICE] = LOOP_V_TEXT,   [LOOP_FLAG] = LOOP_V_FLAG,
        [LOOP_NUMBER] = LOOP_V_NUMBER, [LOOP_TIME] = LOOP_V_NUMBER,
        [LOOP_PLATE] = LOOP_V_TEXT,    [LOOP_FILES] = 0,
    };
    uint8_t kind = kinds[r->d->fields[e->target].type];
    if (kind)
        e->value = expr(r, to, (enum loop_value_kind)kind);
    else
        r->err = ydoc_wrong(
            r->y, n, r->note, ERR_INPUT,
            "a field of this type cannot be set by an effect",
            "该类型的字段不能由效果设置");
}

static void
effect_extend(struct reader *r, node_p n, node_p item, struct loop_effect *e)
{
    e->target = ref(r, n, REF_CLOCK);
    node_p by = need(r, item, "by");
    if (!by || r->err)
        return;
    e->field = ref(r, by, REF_FIELD);
    if (!r->err && r->d->fields[e->field].type != LOOP_NUMBER)
        r->err = ydoc_wrong(
            r->y, by, r->note, ERR_INPUT, "a number field with minutes is needed",
            "此处需要以分钟计的 number 字段");
}

/* The field an effect works on must have this type. */
static void
field_of_type(struct reader *r, node_p n, struct loop_effect *e, enum loop_type type)
{
    e->target = ref(r, n, REF_FIELD);
    if (!r->err && r->d->fields[e->target].type != type)
        r->err = ydoc_wrong(
            r->y, n, r->note, ERR_INPUT,
            "a field of type %1$s is needed, this one is %2$s",
            "此处需要 %1$s 类型的字段，该字段为 %2$s", loop_type_name(type),
            loop_type_name((enum loop_type)r->d->fields[e->target].type));
}

static void
effect_unit_is(struct reader *r, node_p n, struct loop_effect *e)
{
    static const char *const words[] = {"assigned", "en_route", "on_scene", "busy"};
    static const uint8_t status[] = {
        UNIT_ASSIGNED, UNIT_EN_ROUTE, UNIT_ON_SCENE, UNIT_BUSY};
    size_t w = 0;
    if (!r->err)
        r->err = ydoc_get_word(r->y, n, words, COUNT(words), &w, r->note);
    e->target = status[w];
}

static void
effect_count(struct reader *r, node_p n, struct loop_effect *e)
{
    field_of_type(r, n, e, LOOP_CHOICE);
    bool counts = r->err != OK;
    for (unsigned i = 0; !r->err && i < r->d->fields[e->target].options_n; i++)
        counts = counts || r->d->fields[e->target].options[i].verdict;
    if (!counts)
        r->err = ydoc_wrong(
            r->y, n, r->note, ERR_INPUT, "no option of this field has a verdict",
            "该字段没有任何选项带 verdict");
}

static const struct effect_row {
    struct span name;
    uint8_t kind;
    bool rungs_only, moves_only;
} effect_rows[] = {
    {SPAN("assign"), LOOP_ASSIGN, false, false},
    {SPAN("hand_down"), LOOP_HAND_DOWN, false, true},
    {SPAN("hand_back"), LOOP_HAND_BACK, false, true},
    {SPAN("start"), LOOP_CLOCK_START, false, false},
    {SPAN("stop"), LOOP_CLOCK_STOP, false, false},
    {SPAN("pause"), LOOP_CLOCK_PAUSE, false, false},
    {SPAN("resume"), LOOP_CLOCK_RESUME, false, false},
    {SPAN("extend"), LOOP_CLOCK_EXTEND, false, true},
    {SPAN("notify"), LOOP_NOTIFY, false, false},
    {SPAN("climb"), LOOP_CLIMB, true, false},
    {SPAN("set"), LOOP_SET, false, false},
    {SPAN("raise"), LOOP_RAISE, false, false},
    {SPAN("count"), LOOP_COUNT, false, true},
    {SPAN("dispatch"), LOOP_DISPATCH, false, true},
    {SPAN("release"), LOOP_RELEASE, false, false},
    {SPAN("unit_is"), LOOP_UNIT_IS, false, true},
    {SPAN("move"), LOOP_MOVE, true, false},
};

static const struct effect_row *
effect_row(struct reader *r, node_p n, struct span name, bool rung)
{
    const struct effect_row *row = NULL;
    for (size_t i = 0; i < COUNT(effect_rows); i++)
        if (span_eq(name, effect_rows[i].name))
            row = &effect_rows[i];
    if (row && !(rung ? row->moves_only : row->rungs_only))
        return row;
    if (row)
        r->err = ydoc_wrong_key(
            r->y, n, r->note, ERR_INPUT,
            rung ? "this effect belongs to moves only"
                 : "this effect belongs to rungs only",
            rung ? "该效果仅用于操作" : "该效果仅用于梯级");
    else
        r->err = ydoc_wrong_key(
            r->y, n, r->note, ERR_INPUT,
            "expected an effect (assign, hand_down, hand_back, start, stop, pause, "
            "resume, "
            "extend, notify, climb, set, raise, count, dispatch, release, unit_is, "
            "move), found "
            "\"%.*s\"",
            "应为效果名（assign、hand_down、hand_"
            "back、start、stop、pause、resume、extend、"
            "notify、climb、set、raise、count、dispatch、release、unit_"
            "is、move），实为“%.*s”",
            (int)(name.n < 40 ? name.n : 40), name.p);
    return NULL;
}

static void
effect_target(struct reader *r, node_p n, node_p item, struct loop_effect *e)
{
    switch (e->kind) {
    case LOOP_ASSIGN:
        effect_assign(r, n, e);
        break;
    case LOOP_HAND_DOWN:
        field_of_type(r, n, e, LOOP_ORG);
        break;
    case LOOP_DISPATCH:
        field_of_type(r, n, e, LOOP_UNIT);
        break;
    case LOOP_COUNT:
        effect_count(r, n, e);
        break;
    case LOOP_SET:
        effect_set(r, n, item, e);
        break;
    case LOOP_CLOCK_EXTEND:
        effect_extend(r, n, item, e);
        break;
    case LOOP_NOTIFY:
    case LOOP_CLIMB:
        e->target = ref(r, n, REF_ROLE);
        e->text = label_maybe(r, item, SENTENCE_MAX);
        break;
    case LOOP_UNIT_IS:
        effect_unit_is(r, n, e);
        break;
    case LOOP_MOVE:
        e->target = ref(r, n, REF_MOVE);
        if (!r->err && r->d->moves[e->target].on != LOOP_ON_TIMER)
            r->err = ydoc_wrong(
                r->y, n, r->note, ERR_INPUT, "a rung makes moves with on: timer only",
                "梯级只能触发 on: timer 的操作");
        break;
    default:
        e->target = ref(r, n, REF_CLOCK);
        break;
    }
}

/* `hand_back`, `raise`, `release` stand alone; the others are maps: {assign: actor}. */
static void
read_effect(struct reader *r, node_p item, bool rung, struct loop_effect *e)
{
    bool alone = item->kind == YDOC_TEXT;
    node_p head = alone ? item : item->first;
    if (!alone)
        want(r, item, YDOC_MAP);
    if (!r->err && !head)
        r->err = ydoc_wrong(
            r->y, item, r->note, ERR_INPUT, "an effect is missing", "缺少效果");
    if (r->err)
        return;
    const struct effect_row *row =
        effect_row(r, head, alone ? item->text : head->key, rung);
    if (!row)
        return;
    e->kind = row->kind;
    bool may = row->kind == LOOP_HAND_BACK || row->kind == LOOP_RAISE ||
               row->kind == LOOP_RELEASE;
    if (alone != may) {
        r->err = ydoc_wrong(
            r->y, item, r->note, ERR_INPUT,
            may ? "write this effect alone, without a colon"
                : "this effect needs what it works on (name: value)",
            may ? "该效果应单独书写，不带冒号" : "该效果需要写明对象（名称: 值）");
        return;
    }
    if (alone)
        return;
    const char *keys[4] = {keep(r, head->key)};
    size_t n = 1;
    if (row->kind == LOOP_SET)
        keys[n++] = "to";
    if (row->kind == LOOP_CLOCK_EXTEND)
        keys[n++] = "by";
    if (row->kind == LOOP_NOTIFY || row->kind == LOOP_CLIMB) {
        keys[n++] = "zh";
        keys[n++] = "en";
    }
    only(r, item, keys, n);
    if (!r->err)
        effect_target(r, head, item, e);
}

static const struct loop_effect *
read_effects(struct reader *r, node_p list, bool rung, uint8_t *out_n)
{
    if (!list)
        return NULL;
    want(r, list, YDOC_LIST);
    if (!r->err && list->n > LOOP_MAX_EFFECTS)
        r->err = ydoc_wrong(
            r->y, list, r->note, ERR_TOOBIG, "at most 12 effects", "效果最多 12 项");
    struct loop_effect *rows = take(r, list->n, sizeof *rows);
    for (node_p n = rows ? list->first : NULL; n && !r->err; n = n->next)
        read_effect(r, n, rung, &rows[n->index]);
    *out_n = (uint8_t)list->n;
    return rows;
}

/* ---- gates ---- */

static void
read_gates(struct reader *r, node_p map)
{
    static const char *const keys[] = {"when", "zh", "en"};
    if (!map || r->err || !names(r, map, 64))
        return;
    struct loop_gate *rows = take(r, map->n, sizeof *rows);
    for (node_p n = rows ? map->first : NULL; n && !r->err; n = n->next) {
        struct loop_gate *g = &rows[n->index];
        only(r, n, keys, COUNT(keys));
        g->name = keep(r, n->key);
        g->pos = pos_of(n);
        g->text = label(r, n, SENTENCE_MAX);
        node_p when = need(r, n, "when");
        if (when)
            g->when = expr(r, when, LOOP_V_FLAG);
    }
    r->d->gates = rows;
    r->d->gates_n = (uint16_t)map->n;
}

/* ---- moves ---- */

static void
read_from(struct reader *r, node_p n, struct loop_move *m)
{
    if (n->kind == YDOC_TEXT && span_eq(n->text, SPAN("open"))) {
        for (unsigned i = 0; i < r->d->states_n; i++)
            if (r->d->states[i].kind != LOOP_TERMINAL)
                m->from |= UINT64_C(1) << i;
        return;
    }
    m->from = bits(r, n, REF_STATE);
    if (!r->err && !m->from)
        r->err = ydoc_wrong(
            r->y, n, r->note, ERR_INPUT, "name at least one state, or: open",
            "至少填写一个状态，或写 open");
}

static void
read_on(struct reader *r, node_p n, struct loop_move *m)
{
    static const char *const keys[] = {"message"};
    m->on = LOOP_ON_ACTION;
    if (!n || r->err)
        return;
    if (n->kind == YDOC_TEXT) {
        static const char *const words[] = {"action", "timer"};
        size_t w = 0;
        r->err = ydoc_get_word(r->y, n, words, COUNT(words), &w, r->note);
        m->on = (uint8_t)(w ? LOOP_ON_TIMER : LOOP_ON_ACTION);
        return;
    }
    only(r, n, keys, COUNT(keys));
    node_p message = need(r, n, "message");
    struct span s = {0};
    if (!message)
        return;
    r->err = ydoc_get_name(r->y, message, &s, r->note);
    m->message = keep(r, s);
    m->on = LOOP_ON_MESSAGE;
}

/* form: [outcome, note?]: the fields in their order; `?` may be left out. */
static const struct loop_ask *
read_form(struct reader *r, node_p list, bool inputs, uint8_t *out_n)
{
    if (!list || r->err)
        return NULL;
    want(r, list, YDOC_LIST);
    if (!r->err && list->n > LOOP_MAX_FIELDS)
        r->err =
            ydoc_wrong(r->y, list, r->note, ERR_TOOBIG, "too many fields", "字段过多");
    struct loop_ask *rows = take(r, list->n, sizeof *rows);
    for (node_p n = rows ? list->first : NULL; n && !r->err; n = n->next) {
        struct ydoc_node bare = *n;
        rows[n->index].required = true;
        if (n->kind == YDOC_TEXT && n->text.n && n->text.p[n->text.n - 1] == '?') {
            rows[n->index].required = false;
            bare.text.n--;
        }
        rows[n->index].field = ref(r, &bare, REF_FIELD);
        if (!r->err && !inputs && r->d->fields[rows[n->index].field].input)
            r->err = ydoc_wrong(
                r->y, n, r->note, ERR_INPUT,
                "an input field is given when the matter opens, a form cannot ask for "
                "it",
                "input 字段在立项时给定，表单不能再填");
        for (unsigned i = 0; !r->err && i < n->index; i++)
            if (rows[i].field == rows[n->index].field)
                r->err = ydoc_wrong(
                    r->y, n, r->note, ERR_INPUT, "it stands in the list twice",
                    "列表中重复");
    }
    *out_n = (uint8_t)list->n;
    return rows;
}

static void
read_move_gates(struct reader *r, node_p list, struct loop_move *m)
{
    if (!list || r->err)
        return;
    want(r, list, YDOC_LIST);
    uint16_t *rows = take(r, list->n, sizeof *rows);
    if (!rows)
        return;
    if (list->n > 16)
        r->err =
            ydoc_wrong(r->y, list, r->note, ERR_TOOBIG, "at most 16", "最多 16 项");
    for (node_p n = list->first; n && !r->err; n = n->next)
        rows[n->index] = ref(r, n, REF_GATE);
    m->gates = rows;
    m->gates_n = (uint8_t)list->n;
}

static void
read_key(struct reader *r, node_p n, struct loop_move *m)
{
    if (!n || r->err)
        return;
    want(r, n, YDOC_TEXT);
    if (!r->err && (n->text.n != 1 || n->text.p[0] < 'a' || n->text.p[0] > 'z'))
        r->err = ydoc_wrong(
            r->y, n, r->note, ERR_INPUT, "a key is one letter a-z",
            "快捷键应为一个小写字母");
    m->key = keep(r, n->text);
}

static void
read_move_roles(struct reader *r, node_p n, struct loop_move *m)
{
    node_p roles = r->err ? NULL : ydoc_find(n, "roles");
    if (!r->err && (m->on == LOOP_ON_ACTION) != (roles != NULL)) {
        r->err = ydoc_wrong(
            r->y, n, r->note, ERR_INPUT,
            m->on == LOOP_ON_ACTION ? "the key \"roles\" is missing"
                                    : "a timer or message move has no roles",
            m->on == LOOP_ON_ACTION ? "缺少键“roles”"
                                    : "定时或消息触发的操作不能有 roles");
        return;
    }
    if (roles)
        m->roles = (uint32_t)bits(r, roles, REF_ROLE);
    if (!r->err && roles && !m->roles)
        r->err = ydoc_wrong(
            r->y, roles, r->note, ERR_INPUT, "name at least one role",
            "至少填写一个角色");
}

static void
read_move(struct reader *r, node_p n, struct loop_move *m)
{
    static const char *const keys[] = {"zh", "en", "key",   "tone",  "phone", "from",
                                       "to", "on", "roles", "gates", "form",  "do"};
    static const char *const tones[] = {"plain", "good", "bad", "send"};
    m->pos = pos_of(n);
    only(r, n, keys, COUNT(keys));
    m->label = label(r, n, LABEL_MAX);
    node_p from = need(r, n, "from"), to = need(r, n, "to");
    if (!from || !to)
        return;
    read_from(r, from, m);
    m->stays = to->kind == YDOC_TEXT && span_eq(to->text, SPAN("same"));
    if (!m->stays)
        m->to = ref(r, to, REF_STATE);
    read_on(r, ydoc_find(n, "on"), m);
    read_key(r, ydoc_find(n, "key"), m);
    m->tone = tones[word(r, n, "tone", tones, COUNT(tones), 0)];
    m->phone = flag(r, n, "phone", false);
    read_move_roles(r, n, m);
    read_move_gates(r, ydoc_find(n, "gates"), m);
    m->asks = read_form(r, ydoc_find(n, "form"), m->on == LOOP_ON_MESSAGE, &m->asks_n);
    m->effects = read_effects(r, ydoc_find(n, "do"), false, &m->effects_n);
}

static void
read_moves(struct reader *r, node_p map)
{
    if (!map || r->err || !names(r, map, LOOP_MAX_MOVES))
        return;
    struct loop_move *rows = take(r, map->n, sizeof *rows);
    for (node_p n = rows ? map->first : NULL; n && !r->err; n = n->next) {
        rows[n->index].name = keep(r, n->key);
        read_move(r, n, &rows[n->index]);
    }
    r->d->moves = rows;
    r->d->moves_n = (uint16_t)map->n;
}

/* ---- clocks and ladders ---- */

static void
read_clock(struct reader *r, node_p n, struct loop_clock *c)
{
    static const char *const keys[] = {"zh",      "en",       "budget", "start_on",
                                       "stop_on", "pause_in", "again"};
    static const char *const again[] = {"restart", "keep"};
    only(r, n, keys, COUNT(keys));
    c->pos = pos_of(n);
    c->label = label(r, n, LABEL_MAX);
    node_p budget = need(r, n, "budget");
    if (!budget)
        return;
    r->err = ydoc_get_duration(r->y, budget, &c->budget_ms, r->note);
    node_p start = ydoc_find(n, "start_on"), stop = ydoc_find(n, "stop_on");
    node_p pause = ydoc_find(n, "pause_in");
    if (start)
        c->start_on = bits(r, start, REF_STATE);
    if (pause)
        c->pause_in = bits(r, pause, REF_STATE);
    if (stop)
        c->stop_on = bits(r, stop, REF_STATE);
    else if (start)
        c->stop_on = ~(c->start_on | c->pause_in);
    c->keep = word(r, n, "again", again, COUNT(again), 0) == 1;
}

static void
read_clocks(struct reader *r, node_p map)
{
    if (!map || r->err || !names(r, map, LOOP_MAX_CLOCKS))
        return;
    struct loop_clock *rows = take(r, map->n, sizeof *rows);
    for (node_p n = rows ? map->first : NULL; n && !r->err; n = n->next) {
        rows[n->index].name = keep(r, n->key);
        read_clock(r, n, &rows[n->index]);
    }
    r->d->clocks = rows;
    r->d->clocks_n = (uint16_t)map->n;
}

/* at: 80%, 100%, 150%, 100% + 30min, 100% - 10min */
static void
read_at(struct reader *r, node_p n, struct loop_rung *rung)
{
    want(r, n, YDOC_TEXT);
    if (r->err)
        return;
    struct span rest = n->text, percent = span_trim(span_cut(&rest, '%'));
    bool ok = percent.n != n->text.n && span_i64(percent, &rung->percent) &&
              rung->percent >= 0 && rung->percent <= 10000;
    rest = span_trim(rest);
    if (ok && rest.n) {
        bool minus = rest.p[0] == '-';
        ok = (minus || rest.p[0] == '+') &&
             duration_parse(span_trim(span_skip(rest, 1)), &rung->offset_ms);
        rung->offset_ms = minus ? -rung->offset_ms : rung->offset_ms;
    }
    if (!ok)
        r->err = ydoc_wrong(
            r->y, n, r->note, ERR_INPUT,
            "expected a share of the clock (80%%, 100%% + 30min), found \"%.*s\"",
            "应为时限的百分比（80%%、100%% + 30min），实为“%.*s”",
            (int)(n->text.n < 40 ? n->text.n : 40), n->text.p);
}

static void
read_rung(struct reader *r, node_p n, struct loop_rung *rung)
{
    static const char *const keys[] = {"at", "zh", "en", "do"};
    only(r, n, keys, COUNT(keys));
    rung->pos = (struct loop_pos){n->line, n->column};
    rung->label = label(r, n, LABEL_MAX);
    node_p at = need(r, n, "at"), effects = need(r, n, "do");
    if (!at || !effects)
        return;
    read_at(r, at, rung);
    rung->effects = read_effects(r, effects, true, &rung->effects_n);
}

static void
read_ladder(struct reader *r, node_p list, struct loop_clock *c)
{
    want(r, list, YDOC_LIST);
    if (!r->err && list->n > LOOP_MAX_RUNGS)
        r->err = ydoc_wrong(
            r->y, list, r->note, ERR_TOOBIG, "at most 16 rungs", "梯级最多 16 级");
    struct loop_rung *rows = take(r, list->n, sizeof *rows);
    for (node_p n = rows ? list->first : NULL; n && !r->err; n = n->next) {
        read_rung(r, n, &rows[n->index]);
        if (r->err || !n->index)
            continue;
        const struct loop_rung *a = &rows[n->index - 1], *b = &rows[n->index];
        if (c->budget_ms * a->percent / 100 + a->offset_ms >
            c->budget_ms * b->percent / 100 + b->offset_ms)
            r->err = ydoc_wrong(
                r->y, n, r->note, ERR_INPUT, "rungs stand in the order they fall due",
                "梯级须按到期先后排列");
    }
    c->rungs = rows;
    c->rungs_n = (uint8_t)list->n;
}

static void
read_ladders(struct reader *r, node_p map)
{
    if (!map || r->err)
        return;
    want(r, map, YDOC_MAP);
    for (node_p n = r->err ? NULL : map->first; n && !r->err; n = n->next) {
        struct ydoc_node as_text = *n;
        as_text.kind = YDOC_TEXT;
        as_text.text = n->key;
        as_text.line = n->key_line;
        as_text.column = n->key_column;
        uint16_t c = ref(r, &as_text, REF_CLOCK);
        if (!r->err) /* ours until the reading ends: read_clocks() took it from the
                        arena */
            read_ladder(r, n, (struct loop_clock *)&r->d->clocks[c]);
    }
}

/* ---- the whole file ---- */

/* The content without layout and comments: each node's kind, key and text with their
 * lengths. */
static void
hash_content(node_p root, uint8_t out[LOOP_HASH])
{
    crypto_generichash_state st;
    crypto_generichash_init(&st, NULL, 0, LOOP_HASH);
    for (node_p n = root; n;) {
        uint8_t head[9] = {n->kind};
        size_t lengths[2] = {n->key.n, n->text.n};
        for (unsigned i = 0; i < 8; i++)
            head[1 + i] = (uint8_t)(lengths[i / 4] >> (8 * (i % 4)));
        crypto_generichash_update(&st, head, sizeof head);
        crypto_generichash_update(&st, (const unsigned char *)n->key.p, n->key.n);
        crypto_generichash_update(&st, (const unsigned char *)n->text.p, n->text.n);
        if (n->first) {
            n = n->first;
            continue;
        }
        while (n && !n->next) {
            n = n->parent;
            crypto_generichash_update(&st, (const unsigned char *)"]", 1);
        }
        n = n ? n->next : NULL;
    }
    crypto_generichash_final(&st, out, LOOP_HASH);
}

static void
read_head(struct reader *r, node_p root)
{
    static const char *const keys[] = {
        "loop",  "version", "zh",     "en",    "prefix", "opened_by", "by_hand",
        "roles", "fields",  "states", "gates", "moves",  "clocks",    "ladders"};
    int64_t version = 0;
    struct span s = {0};
    only(r, root, keys, COUNT(keys));
    node_p kind = need(r, root, "loop"), v = need(r, root, "version");
    if (!kind || !v)
        return;
    r->err = ydoc_get_name(r->y, kind, &s, r->note);
    r->d->kind = keep(r, s);
    if (!r->err)
        r->err = ydoc_get_i64(r->y, v, 1, 1000000, &version, r->note);
    r->d->version = (uint32_t)version;
    r->d->title = label(r, root, LABEL_MAX);
    node_p prefix = need(r, root, "prefix");
    if (!prefix)
        return;
    want(r, prefix, YDOC_TEXT);
    bool ok = !r->err && prefix->text.n >= 1 && prefix->text.n <= 6;
    for (size_t i = 0; ok && i < prefix->text.n; i++)
        ok = prefix->text.p[i] >= 'A' && prefix->text.p[i] <= 'Z';
    if (!r->err && !ok)
        r->err = ydoc_wrong(
            r->y, prefix, r->note, ERR_INPUT, "expected 1 to 6 letters A-Z",
            "应为 1 到 6 个大写字母");
    r->d->prefix = keep(r, prefix->text);
    node_p finding = ydoc_find(root, "opened_by");
    if (finding && !r->err) {
        r->err = ydoc_get_name(r->y, finding, &s, r->note);
        r->d->opened_by = keep(r, s);
    }
}

/* by_hand: {roles: [...], form: [...]} */
static void
read_by_hand(struct reader *r, node_p root)
{
    static const char *const keys[] = {"roles", "form"};
    node_p n = r->err ? NULL : ydoc_find(root, "by_hand");
    if (!n)
        return;
    only(r, n, keys, COUNT(keys));
    node_p roles = need(r, n, "roles");
    if (!roles)
        return;
    r->d->openers = (uint32_t)bits(r, roles, REF_ROLE);
    r->d->by_hand = r->d->openers != 0;
    r->d->asks = read_form(r, ydoc_find(n, "form"), true, &r->d->asks_n);
}

static void
read_all(struct reader *r, node_p root)
{
    read_head(r, root);
    node_p roles = need(r, root, "roles");
    if (roles)
        read_roles(r, roles);
    if (!r->err)
        read_fields(r, ydoc_find(root, "fields"));
    read_by_hand(r, root);
    read_states(r, need(r, root, "states"));
    if (!r->err)
        read_clocks(r, ydoc_find(root, "clocks"));
    if (!r->err)
        read_gates(r, ydoc_find(root, "gates"));
    read_moves(r, need(r, root, "moves"));
    if (!r->err)
        read_ladders(r, ydoc_find(root, "ladders"));
}

enum err
loop_def_parse(
    struct span source, const char *file, struct loop_def **out, struct note *note)
{
    struct ydoc *y = NULL;
    enum err e = ydoc_parse(source, file, &y, note);
    if (e)
        return e;
    struct loop_def_box *box = calloc(1, sizeof *box);
    if (!box) {
        e = note_set(note, ERR_NOMEM, "", "out of memory", "内存不足");
        goto out;
    }
    arena_init(&box->arena, ARENA_CAP);
    struct reader r = {.y = y, .arena = &box->arena, .d = &box->d, .note = note};
    read_all(&r, ydoc_root(y));
    box->d.file = keep(&r, span_cstr(file));
    box->d.text = (struct span){keep(&r, source), source.n};
    hash_content(ydoc_root(y), box->d.hash);
    e = r.err;
    if (e)
        loop_def_free(&box->d);
    else
        *out = &box->d;
out:
    ydoc_free(y);
    return e;
}

void
loop_def_free(struct loop_def *d)
{
    if (!d)
        return;
    struct loop_def_box *box = (struct loop_def_box *)(void *)d;
    arena_release(&box->arena);
    free(box);
}
