/* SPDX-License-Identifier: Apache-2.0 */
/* From the node tree to struct loop_def: the nouns (roles, fields, states), the head,
 * the content hash. Names are resolved to numbers here; what only looks odd is
 * loop_lint's. */
#include <sodium.h>
#include <stdlib.h>

#include "loops/loop_reader.h"
#include "model/org.h"
#include "model/user.h"

#define ARENA_CAP (16u << 20)
#define OPTIONS_MAX 64
#define SELECTORS_MAX 8
#define TEXT_DEFAULT 200
#define NOTE_DEFAULT 2000

struct loop_def_box { /* what loop_def_free() frees: the definition first */
    struct loop_def d;
    struct arena arena;
};

/* ---- roles ---- */

static unsigned
read_posts(struct reader *r, const struct ydoc_node *list)
{
    unsigned posts = 0;
    reader_want(r, list, YDOC_LIST);
    for (const struct ydoc_node *n = r->err ? NULL : list->first; n && !r->err;
         n = n->next) {
        reader_want(r, n, YDOC_TEXT);
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
read_selector(struct reader *r, const struct ydoc_node *n, struct loop_selector *s)
{
    static const char *const keys[] = {"post", "org", "org_kind", "who"};
    static const char *const orgs[] = {"any", "owner", "above", "handed_by"};
    static const char *const who[] = {
        "any", "owner", "previous", "not_previous", "opener", "not_opener", "crew"};
    static const char *const kinds[] = {"province", "city", "brigade", "squad"};
    reader_only(r, n, keys, COUNT(keys));
    const struct ydoc_node *posts = reader_need(r, n, "post");
    if (!posts)
        return;
    s->posts = read_posts(r, posts);
    s->org = (uint8_t)reader_word(r, n, "org", orgs, COUNT(orgs), LOOP_ORG_ANY);
    s->who = (uint8_t)reader_word(r, n, "who", who, COUNT(who), LOOP_WHO_ANY);
    const struct ydoc_node *list = ydoc_find(n, "org_kind");
    if (list)
        reader_want(r, list, YDOC_LIST);
    for (const struct ydoc_node *k = list && !r->err ? list->first : NULL; k && !r->err;
         k = k->next) {
        size_t kind = 0;
        r->err = ydoc_get_word(r->y, k, kinds, COUNT(kinds), &kind, r->note);
        s->org_kinds |= 1u << kind;
    }
}

static void
read_role(struct reader *r, const struct ydoc_node *n, struct loop_role *role)
{
    static const char *const keys[] = {"zh", "en", "any_of"};
    role->pos = reader_pos(n);
    reader_only(r, n, keys, COUNT(keys));
    role->label = reader_label(r, n, LABEL_MAX);
    const struct ydoc_node *list = reader_need(r, n, "any_of");
    if (!list)
        return;
    reader_want(r, list, YDOC_LIST);
    if (!r->err && (list->n == 0 || list->n > SELECTORS_MAX))
        r->err = ydoc_wrong(
            r->y, list, r->note, ERR_INPUT, "1 to 8 selectors",
            "应有 1 到 8 个选择条件");
    struct loop_selector *any = reader_take(r, list->n, sizeof *any);
    if (!any)
        return;
    for (const struct ydoc_node *s = list->first; s && !r->err; s = s->next)
        read_selector(r, s, &any[s->index]);
    role->any_of = any;
    role->any_of_n = (uint8_t)list->n;
}

static void
read_roles(struct reader *r, const struct ydoc_node *map)
{
    if (!reader_names(r, map, LOOP_MAX_ROLES))
        return;
    struct loop_role *rows = reader_take(r, map->n, sizeof *rows);
    if (!rows)
        return;
    for (const struct ydoc_node *n = map->first; n && !r->err; n = n->next) {
        rows[n->index].name = reader_keep(r, n->key);
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
read_options(struct reader *r, const struct ydoc_node *map, struct loop_field *f)
{
    static const char *const keys[] = {"zh", "en", "verdict"};
    static const char *const verdicts[] = {"none", "true", "false"};
    if (!map || !reader_names(r, map, OPTIONS_MAX))
        return;
    struct loop_option *rows = reader_take(r, map->n, sizeof *rows);
    if (!rows)
        return;
    if (map->n == 0)
        r->err = ydoc_wrong(
            r->y, map, r->note, ERR_INPUT, "a choice has at least one option",
            "选项至少一项");
    for (const struct ydoc_node *n = map->first; n && !r->err; n = n->next) {
        reader_only(r, n, keys, COUNT(keys));
        rows[n->index].value = reader_keep(r, n->key);
        rows[n->index].label = reader_label(r, n, LABEL_MAX);
        rows[n->index].verdict = (uint8_t)reader_word(
            r, n, "verdict", verdicts, COUNT(verdicts), LOOP_VERDICT_NONE);
    }
    f->options = rows;
    f->options_n = (uint8_t)map->n;
}

static void
read_bounds(struct reader *r, const struct ydoc_node *n, struct loop_field *f)
{
    bool counted =
        f->type == LOOP_TEXT || f->type == LOOP_NOTE || f->type == LOOP_FILES;
    double most = f->type == LOOP_TEXT ? 400 : f->type == LOOP_NOTE ? 4000 : 16;
    const struct ydoc_node *min = ydoc_find(n, "min"), *max = ydoc_find(n, "max");
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

/* The unit a duration is kept in: faces say it as people do. */
static void
read_unit(struct reader *r, const struct ydoc_node *n, struct loop_field *f)
{
    static const char *const units[] = {"ms", "s", "min", "h", "d"};
    const struct ydoc_node *unit = ydoc_find(n, "unit");
    size_t at = 0;
    if (!unit)
        return;
    if (f->type == LOOP_NUMBER)
        r->err = ydoc_get_word(r->y, unit, units, COUNT(units), &at, r->note);
    else
        r->err = ydoc_wrong_key(
            r->y, unit, r->note, ERR_INPUT, "unit belongs to number",
            "unit 仅用于 number");
    if (!r->err)
        f->unit = units[at];
}

static void
read_field(struct reader *r, const struct ydoc_node *n, struct loop_field *f)
{
    static const char *const keys[] = {"zh",  "en",  "type",  "why", "options",
                                       "min", "max", "input", "unit"};
    size_t type = 0;
    f->pos = reader_pos(n);
    reader_only(r, n, keys, COUNT(keys));
    f->label = reader_label(r, n, LABEL_MAX);
    const struct ydoc_node *t = reader_need(r, n, "type");
    if (!t)
        return;
    r->err =
        ydoc_get_word(r->y, t, type_names + 1, COUNT(type_names) - 1, &type, r->note);
    f->type = (uint8_t)(type + 1);
    f->input = reader_flag(r, n, "input", false);
    const struct ydoc_node *why = ydoc_find(n, "why");
    if (why)
        f->why = reader_label(r, why, SENTENCE_MAX);
    const struct ydoc_node *options = ydoc_find(n, "options");
    if (!r->err && (f->type == LOOP_CHOICE) != (options != NULL))
        r->err = ydoc_wrong(
            r->y, n, r->note, ERR_INPUT,
            "options belong to a choice, and a choice needs them",
            "choice 类型必须有 options，其他类型不能有");
    read_options(r, options, f);
    if (!r->err)
        read_bounds(r, n, f);
    if (!r->err)
        read_unit(r, n, f);
}

static void
read_fields(struct reader *r, const struct ydoc_node *map)
{
    if (!map || !reader_names(r, map, LOOP_MAX_FIELDS))
        return;
    struct loop_field *rows = reader_take(r, map->n, sizeof *rows);
    if (!rows)
        return;
    for (const struct ydoc_node *n = map->first; n && !r->err; n = n->next) {
        rows[n->index].name = reader_keep(r, n->key);
        read_field(r, n, &rows[n->index]);
    }
    r->d->fields = rows;
    r->d->fields_n = (uint16_t)map->n;
}

/* ---- states ---- */

static void
read_state(struct reader *r, const struct ydoc_node *n, struct loop_state *s)
{
    static const char *const keys[] = {"zh", "en", "kind", "public", "level"};
    static const char *const kinds[] = {
        "start", "active", "waiting", "suspended", "terminal"};
    static const char *const publics[] = {"open", "closed"};
    static const char *const levels[] = {"none", "blue", "yellow", "orange", "red"};
    s->pos = reader_pos(n);
    reader_only(r, n, keys, COUNT(keys));
    s->label = reader_label(r, n, LABEL_MAX);
    s->kind = (uint8_t)reader_word(r, n, "kind", kinds, COUNT(kinds), LOOP_ACTIVE);
    s->open = reader_word(
                  r, n, "public", publics, COUNT(publics),
                  s->kind == LOOP_TERMINAL ? 1 : 0) == 0;
    s->level = (uint8_t)reader_word(r, n, "level", levels, COUNT(levels), 0);
}

static void
read_states(struct reader *r, const struct ydoc_node *map)
{
    if (!map || !reader_names(r, map, LOOP_MAX_STATES))
        return;
    struct loop_state *rows = reader_take(r, map->n, sizeof *rows);
    int start = -1;
    for (const struct ydoc_node *n = rows ? map->first : NULL; n && !r->err;
         n = n->next) {
        rows[n->index].name = reader_keep(r, n->key);
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

/* ---- the whole file ---- */

/* The content without layout and comments: each node's kind, key and text with their
 * lengths. */
static void
hash_content(const struct ydoc_node *root, uint8_t out[LOOP_HASH])
{
    crypto_generichash_state st;
    crypto_generichash_init(&st, NULL, 0, LOOP_HASH);
    for (const struct ydoc_node *n = root; n;) {
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
read_head(struct reader *r, const struct ydoc_node *root)
{
    static const char *const keys[] = {
        "loop",  "version", "zh",     "en",    "prefix", "opened_by", "by_hand",
        "roles", "fields",  "states", "gates", "moves",  "clocks",    "ladders"};
    int64_t version = 0;
    struct span s = {0};
    reader_only(r, root, keys, COUNT(keys));
    const struct ydoc_node *kind = reader_need(r, root, "loop"),
                           *v = reader_need(r, root, "version");
    if (!kind || !v)
        return;
    r->err = ydoc_get_name(r->y, kind, &s, r->note);
    r->d->kind = reader_keep(r, s);
    if (!r->err)
        r->err = ydoc_get_i64(r->y, v, 1, 1000000, &version, r->note);
    r->d->version = (uint32_t)version;
    r->d->title = reader_label(r, root, LABEL_MAX);
    const struct ydoc_node *prefix = reader_need(r, root, "prefix");
    if (!prefix)
        return;
    reader_want(r, prefix, YDOC_TEXT);
    bool ok = !r->err && prefix->text.n >= 1 && prefix->text.n <= 6;
    for (size_t i = 0; ok && i < prefix->text.n; i++)
        ok = prefix->text.p[i] >= 'A' && prefix->text.p[i] <= 'Z';
    if (!r->err && !ok)
        r->err = ydoc_wrong(
            r->y, prefix, r->note, ERR_INPUT, "expected 1 to 6 letters A-Z",
            "应为 1 到 6 个大写字母");
    r->d->prefix = reader_keep(r, prefix->text);
    const struct ydoc_node *finding = ydoc_find(root, "opened_by");
    if (finding && !r->err) {
        r->err = ydoc_get_name(r->y, finding, &s, r->note);
        r->d->opened_by = reader_keep(r, s);
    }
}

/* by_hand: {roles: [...], form: [...]} */
static void
read_by_hand(struct reader *r, const struct ydoc_node *root)
{
    static const char *const keys[] = {"roles", "form"};
    const struct ydoc_node *n = r->err ? NULL : ydoc_find(root, "by_hand");
    if (!n)
        return;
    reader_only(r, n, keys, COUNT(keys));
    const struct ydoc_node *roles = reader_need(r, n, "roles");
    if (!roles)
        return;
    r->d->openers = (uint32_t)reader_bits(r, roles, REF_ROLE);
    r->d->by_hand = r->d->openers != 0;
    r->d->asks = reader_form(r, ydoc_find(n, "form"), true, &r->d->asks_n);
}

static void
read_all(struct reader *r, const struct ydoc_node *root)
{
    read_head(r, root);
    const struct ydoc_node *roles = reader_need(r, root, "roles");
    if (roles)
        read_roles(r, roles);
    if (!r->err)
        read_fields(r, ydoc_find(root, "fields"));
    read_by_hand(r, root);
    read_states(r, reader_need(r, root, "states"));
    if (!r->err)
        reader_clocks(r, ydoc_find(root, "clocks"));
    if (!r->err)
        reader_gates(r, ydoc_find(root, "gates"));
    reader_moves(r, reader_need(r, root, "moves"));
    if (!r->err)
        reader_ladders(r, ydoc_find(root, "ladders"));
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
    box->d.file = reader_keep(&r, span_cstr(file));
    box->d.text = (struct span){reader_keep(&r, source), source.n};
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
