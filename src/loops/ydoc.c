/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml's events into a tree of nodes with positions. The stack of open nodes is the
 * parent chain, so depth costs no C stack; everything lives in one arena. */
#include "loops/ydoc.h"

#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "core/arena.h"

#define ARENA_CAP (32u << 20)
#define TEXT_SHOWN 40

struct ydoc {
    struct arena arena;
    struct ydoc_node *root;
    const char *file;
    uint32_t nodes;
};

/* ---- messages ---- */

char *
ydoc_path(const struct ydoc_node *node, char *dst, size_t cap)
{
    const struct ydoc_node *chain[YDOC_MAX_DEPTH + 2];
    size_t n = 0;
    for (; node && node->parent && n < sizeof chain / sizeof *chain;
         node = node->parent)
        chain[n++] = node;
    size_t at = 0;
    dst[0] = 0;
    while (n--) {
        const struct ydoc_node *c = chain[n];
        int wrote = c->key.p ? snprintf(
                                   dst + at, cap - at, "%s%.*s", at ? "." : "",
                                   (int)(c->key.n < 64 ? c->key.n : 64), c->key.p)
                             : snprintf(dst + at, cap - at, "[%u]", c->index);
        if (wrote < 0 || (size_t)wrote >= cap - at) {
            dst[at] = 0;
            break;
        }
        at += (size_t)wrote;
    }
    return dst;
}

static enum err
wrong_at(
    const char *file, uint32_t line, uint32_t column, const char *path,
    struct note *note, enum err e, const char *en, const char *zh)
{
    const char *sep = path[0] ? " " : "";
    return note_fmt(
        note, e, path, "%1$s:%2$u:%3$u%6$s%4$s: %5$s", "%1$s:%2$u:%3$u%6$s%4$s：%7$s",
        file, line, column, path, en, sep, zh);
}

static enum err
wrong_va(
    const struct ydoc *y, const struct ydoc_node *node, bool at_key, struct note *note,
    enum err e, const char *en, const char *zh, va_list ap)
{
    char en_text[512], zh_text[512], path[96];
    va_list again;
    va_copy(again, ap);
    vsnprintf(en_text, sizeof en_text, en, ap);
    vsnprintf(zh_text, sizeof zh_text, zh, again);
    va_end(again);
    uint32_t line = at_key && node->key.p ? node->key_line : node->line;
    uint32_t column = at_key && node->key.p ? node->key_column : node->column;
    return wrong_at(
        y->file, line, column, ydoc_path(node, path, sizeof path), note, e, en_text,
        zh_text);
}

enum err
ydoc_wrong(
    const struct ydoc *y, const struct ydoc_node *node, struct note *note, enum err e,
    const char *en, const char *zh, ...)
{
    va_list ap;
    va_start(ap, zh);
    wrong_va(y, node, false, note, e, en, zh, ap);
    va_end(ap);
    return e;
}

enum err
ydoc_wrong_key(
    const struct ydoc *y, const struct ydoc_node *node, struct note *note, enum err e,
    const char *en, const char *zh, ...)
{
    va_list ap;
    va_start(ap, zh);
    wrong_va(y, node, true, note, e, en, zh, ap);
    va_end(ap);
    return e;
}

/* ---- building ---- */

struct builder {
    struct ydoc *y;
    struct ydoc_node *open; /* innermost list or map that is not closed */
    struct span key;        /* waiting for its value */
    uint32_t key_line, key_column;
    unsigned depth;
    bool done;
    struct note *note;
};

static uint32_t
count32(size_t n)
{
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static enum err
refuse(
    struct builder *b, const yaml_event_t *ev, enum err e, const char *en,
    const char *zh)
{
    char path[96] = "";
    if (b->open)
        ydoc_path(b->open, path, sizeof path);
    return wrong_at(
        b->y->file, count32(ev->start_mark.line + 1),
        count32(ev->start_mark.column + 1), path, b->note, e, en, zh);
}

static enum err
new_node(
    struct builder *b, const yaml_event_t *ev, enum ydoc_kind kind,
    struct ydoc_node **out)
{
    if (b->done)
        return refuse(
            b, ev, ERR_INPUT,
            "a file holds one document: take out what follows the first",
            "一个文件只能有一个文档，请删除多余部分");
    if (++b->y->nodes > YDOC_MAX_NODES)
        return refuse(
            b, ev, ERR_TOOBIG, "the file has too many values", "文件内容过多");
    if (b->open && b->open->kind == YDOC_MAP && !b->key.p)
        return refuse(
            b, ev, ERR_INPUT, "a key is a plain word, not a list or a map",
            "键名必须是普通文字，不能是列表或映射");
    struct ydoc_node *n = ARENA_NEW(&b->y->arena, struct ydoc_node);
    if (!n)
        return refuse(b, ev, ERR_TOOBIG, "the file is too big", "文件过大");
    n->kind = (uint8_t)kind;
    n->line = count32(ev->start_mark.line + 1);
    n->column = count32(ev->start_mark.column + 1);
    n->parent = b->open;
    n->key = b->key;
    n->key_line = b->key_line;
    n->key_column = b->key_column;
    b->key = (struct span){0};
    if (!b->open) {
        b->y->root = n;
    } else {
        n->index = b->open->n++;
        if (b->open->last)
            b->open->last->next = n;
        else
            b->open->first = n;
        b->open->last = n;
    }
    *out = n;
    return OK;
}

static enum err
take_key(struct builder *b, const yaml_event_t *ev)
{
    struct span key = span_of(ev->data.scalar.value, ev->data.scalar.length);
    if (key.n == 0 || key.n > 64 || memchr(key.p, 0, key.n))
        return refuse(
            b, ev, ERR_INPUT, "a key has 1 to 64 characters",
            "键名长度应为 1 到 64 个字符");
    for (const struct ydoc_node *c = b->open->first; c; c = c->next) {
        if (!span_eq(c->key, key))
            continue;
        char en[128], zh[128];
        snprintf(
            en, sizeof en, "the key \"%.*s\" stands here twice (first in line %u)",
            (int)key.n, key.p, c->key_line);
        snprintf(
            zh, sizeof zh, "键“%.*s”重复（首次出现在第 %u 行）", (int)key.n, key.p,
            c->key_line);
        return refuse(b, ev, ERR_INPUT, en, zh);
    }
    b->key = arena_span(&b->y->arena, key);
    if (!b->key.p)
        return refuse(b, ev, ERR_TOOBIG, "the file is too big", "文件过大");
    b->key_line = count32(ev->start_mark.line + 1);
    b->key_column = count32(ev->start_mark.column + 1);
    return OK;
}

static void
close_value(struct builder *b)
{
    if (!b->open)
        b->done = true;
}

static enum err
on_scalar(struct builder *b, const yaml_event_t *ev)
{
    if (ev->data.scalar.anchor || ev->data.scalar.tag)
        return refuse(
            b, ev, ERR_INPUT, "anchors and tags (& and !) are not read here",
            "此处不支持锚点与标签（& 与 !）");
    if (b->open && b->open->kind == YDOC_MAP && !b->key.p)
        return take_key(b, ev);
    struct ydoc_node *n;
    enum err e = new_node(b, ev, YDOC_TEXT, &n);
    if (e)
        return e;
    struct span s = span_of(ev->data.scalar.value, ev->data.scalar.length);
    if (s.n && memchr(s.p, 0, s.n))
        return refuse(
            b, ev, ERR_INPUT, "a NUL character in a text", "文字中含有空字符");
    n->text = arena_span(&b->y->arena, s);
    if (!n->text.p)
        return refuse(b, ev, ERR_TOOBIG, "the file is too big", "文件过大");
    n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    close_value(b);
    return OK;
}

static enum err
on_open(struct builder *b, const yaml_event_t *ev, enum ydoc_kind kind)
{
    const yaml_char_t *anchor = kind == YDOC_MAP ? ev->data.mapping_start.anchor
                                                 : ev->data.sequence_start.anchor;
    const yaml_char_t *tag =
        kind == YDOC_MAP ? ev->data.mapping_start.tag : ev->data.sequence_start.tag;
    if (anchor || tag)
        return refuse(
            b, ev, ERR_INPUT, "anchors and tags (& and !) are not read here",
            "此处不支持锚点与标签（& 与 !）");
    if (b->depth == YDOC_MAX_DEPTH)
        return refuse(
            b, ev, ERR_TOOBIG, "nested too deep (16 levels)", "嵌套超过 16 层");
    struct ydoc_node *n;
    enum err e = new_node(b, ev, kind, &n);
    if (e)
        return e;
    b->open = n;
    b->depth++;
    return OK;
}

static enum err
on_event(struct builder *b, const yaml_event_t *ev)
{
    switch (ev->type) {
    case YAML_SCALAR_EVENT:
        return on_scalar(b, ev);
    case YAML_SEQUENCE_START_EVENT:
        return on_open(b, ev, YDOC_LIST);
    case YAML_MAPPING_START_EVENT:
        return on_open(b, ev, YDOC_MAP);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        must(b->open);
        b->open = b->open->parent;
        b->depth--;
        close_value(b);
        return OK;
    case YAML_ALIAS_EVENT:
        return refuse(
            b, ev, ERR_INPUT, "aliases (*name) are not read here: write it out",
            "此处不支持别名（*name），请写全");
    default:
        return OK;
    }
}

static enum err
syntax_error(const struct builder *b, const yaml_parser_t *p)
{
    char en[200], zh[240];
    const char *what = p->problem ? p->problem : "not readable";
    size_t line = p->problem_mark.line, column = p->problem_mark.column;
    snprintf(
        en, sizeof en, "this is no YAML: %s%s%s", what, p->context ? ", " : "",
        p->context ? p->context : "");
    snprintf(zh, sizeof zh, "YAML 语法错误：%s", what);
    return wrong_at(
        b->y->file, count32(line + 1), count32(column + 1), "", b->note,
        p->error == YAML_MEMORY_ERROR ? ERR_NOMEM : ERR_INPUT, en, zh);
}

static enum err
build(struct builder *b, struct span text)
{
    yaml_parser_t p;
    if (!yaml_parser_initialize(&p))
        return note_set(b->note, ERR_NOMEM, "", "out of memory", "内存不足");
    yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p, (const unsigned char *)text.p, text.n);
    enum err e = OK;
    for (bool end = false; !end && !e;) {
        yaml_event_t ev;
        if (!yaml_parser_parse(&p, &ev)) {
            e = syntax_error(b, &p);
            break;
        }
        end = ev.type == YAML_STREAM_END_EVENT;
        e = on_event(b, &ev);
        yaml_event_delete(&ev);
    }
    yaml_parser_delete(&p);
    return e;
}

enum err
ydoc_parse(struct span text, const char *file, struct ydoc **out, struct note *note)
{
    if (text.n > YDOC_MAX_BYTES)
        return wrong_at(
            file, 1, 1, "", note, ERR_TOOBIG, "the file is larger than 1 MB",
            "文件超过 1 MB");
    struct ydoc *y = calloc(1, sizeof *y);
    if (!y)
        return note_set(note, ERR_NOMEM, "", "out of memory", "内存不足");
    arena_init(&y->arena, ARENA_CAP);
    struct span name = arena_span(&y->arena, span_cstr(file));
    y->file = name.p ? name.p : "";
    struct builder b = {.y = y, .note = note};
    enum err e = build(&b, text);
    if (!e && !y->root)
        e = wrong_at(
            y->file, 1, 1, "", note, ERR_INPUT, "the file is empty", "文件为空");
    if (e) {
        ydoc_free(y);
        return e;
    }
    *out = y;
    return OK;
}

void
ydoc_free(struct ydoc *y)
{
    if (!y)
        return;
    arena_release(&y->arena);
    free(y);
}

const struct ydoc_node *
ydoc_root(const struct ydoc *y)
{
    return y->root;
}

const char *
ydoc_file(const struct ydoc *y)
{
    return y->file;
}

const struct ydoc_node *
ydoc_find(const struct ydoc_node *node, const char *key)
{
    if (node->kind != YDOC_MAP)
        return NULL;
    for (const struct ydoc_node *c = node->first; c; c = c->next)
        if (span_eq_cstr(c->key, key))
            return c;
    return NULL;
}

/* ---- typed readers ---- */

static const char *const kinds_en[] = {"a text", "a list", "a map (key: value)"};
static const char *const kinds_zh[] = {"文字", "列表", "映射（键: 值）"};

enum err
ydoc_want(
    const struct ydoc *y, const struct ydoc_node *node, enum ydoc_kind kind,
    struct note *note)
{
    if (node->kind == kind)
        return OK;
    return ydoc_wrong(
        y, node, note, ERR_INPUT, "expected %1$s, found %3$s", "应为%2$s，实为%4$s",
        kinds_en[kind], kinds_zh[kind], kinds_en[node->kind], kinds_zh[node->kind]);
}

/* The text of a node as far as a message shows it. */
static int
shown(const struct ydoc_node *n)
{
    return (int)span_fit(n->text, TEXT_SHOWN).n;
}

enum err
ydoc_get_text(
    const struct ydoc *y, const struct ydoc_node *node, size_t max, struct span *out,
    struct note *note)
{
    enum err e = ydoc_want(y, node, YDOC_TEXT, note);
    if (e)
        return e;
    if (node->text.n == 0)
        return ydoc_wrong(
            y, node, note, ERR_INPUT, "expected a text, found nothing",
            "此处应填写文字");
    if (node->text.n > max)
        return ydoc_wrong(
            y, node, note, ERR_INPUT, "the text is longer than %zu bytes",
            "文字超过 %zu 字节", max);
    *out = node->text;
    return OK;
}

enum err
ydoc_get_name(
    const struct ydoc *y, const struct ydoc_node *node, struct span *out,
    struct note *note)
{
    enum err e = ydoc_want(y, node, YDOC_TEXT, note);
    if (e)
        return e;
    struct span s = node->text;
    bool ok = s.n >= 1 && s.n <= 40 && s.p[0] >= 'a' && s.p[0] <= 'z';
    for (size_t i = 0; ok && i < s.n; i++)
        ok = (s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
             s.p[i] == '_';
    if (!ok)
        return ydoc_wrong(
            y, node, note, ERR_INPUT,
            "expected a name (a-z, 0-9, _, at most 40), found \"%.*s\"",
            "应为名称（a-z、0-9、_，最长 40），实为“%.*s”", shown(node), s.p);
    *out = s;
    return OK;
}

enum err
ydoc_get_i64(
    const struct ydoc *y, const struct ydoc_node *node, int64_t min, int64_t max,
    int64_t *out, struct note *note)
{
    int64_t v;
    if (node->kind != YDOC_TEXT || !node->plain || !span_i64(node->text, &v) ||
        v < min || v > max)
        return ydoc_wrong(
            y, node, note, ERR_INPUT,
            "expected a whole number from %1$lld to %2$lld, found \"%4$.*3$s\"",
            "应为 %1$lld 到 %2$lld 的整数，实为“%4$.*3$s”", (long long)min,
            (long long)max, shown(node), node->text.p ? node->text.p : "");
    *out = v;
    return OK;
}

enum err
ydoc_get_number(
    const struct ydoc *y, const struct ydoc_node *node, double *out, struct note *note)
{
    double v;
    if (node->kind != YDOC_TEXT || !node->plain || !span_f64(node->text, &v))
        return ydoc_wrong(
            y, node, note, ERR_INPUT, "expected a number, found \"%.*s\"",
            "应为数字，实为“%.*s”", shown(node), node->text.p ? node->text.p : "");
    *out = v;
    return OK;
}

enum err
ydoc_get_flag(
    const struct ydoc *y, const struct ydoc_node *node, bool *out, struct note *note)
{
    if (node->kind == YDOC_TEXT && node->plain && span_eq(node->text, SPAN("true")))
        *out = true;
    else if (
        node->kind == YDOC_TEXT && node->plain && span_eq(node->text, SPAN("false")))
        *out = false;
    else
        return ydoc_wrong(
            y, node, note, ERR_INPUT, "expected true or false, found \"%.*s\"",
            "应为 true 或 false，实为“%.*s”", shown(node),
            node->text.p ? node->text.p : "");
    return OK;
}

bool
duration_parse(struct span s, int64_t *out_ms)
{
    static const struct {
        struct span unit;
        int64_t ms;
    } units[] = {
        {SPAN("min"), 60000}, {SPAN("ms"), 1},       {SPAN("s"), 1000},
        {SPAN("h"), 3600000}, {SPAN("d"), 86400000},
    };
    int64_t total = 0, last = INT64_MAX;
    if (s.n == 0)
        return false;
    while (s.n) {
        size_t digits = 0;
        int64_t v = 0, unit = 0;
        while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9' && digits < 9)
            v = v * 10 + (s.p[digits++] - '0');
        s = span_skip(s, digits);
        for (size_t i = 0; i < sizeof units / sizeof *units && !unit; i++) {
            if (span_starts(s, units[i].unit)) {
                unit = units[i].ms;
                s = span_skip(s, units[i].unit.n);
            }
        }
        if (!digits || !unit || unit >= last) /* units fall: 1h30min, not 30min1h */
            return false;
        last = unit;
        total += v * unit;
    }
    *out_ms = total;
    return true;
}

enum err
ydoc_get_duration(
    const struct ydoc *y, const struct ydoc_node *node, int64_t *out_ms,
    struct note *note)
{
    int64_t v;
    if (node->kind != YDOC_TEXT || !duration_parse(node->text, &v) || v <= 0 ||
        v > INT64_C(3660) * 86400000)
        return ydoc_wrong(
            y, node, note, ERR_INPUT,
            "expected a duration (90s, 2min, 24h, 3d, 1h30min), found \"%.*s\"",
            "应为时长（90s、2min、24h、3d、1h30min），实为“%.*s”", shown(node),
            node->text.p ? node->text.p : "");
    *out_ms = v;
    return OK;
}

enum err
ydoc_get_word(
    const struct ydoc *y, const struct ydoc_node *node, const char *const *words,
    size_t n, size_t *out, struct note *note)
{
    for (size_t i = 0; node->kind == YDOC_TEXT && i < n; i++) {
        if (span_eq_cstr(node->text, words[i])) {
            *out = i;
            return OK;
        }
    }
    char list[160] = "";
    size_t at = 0;
    for (size_t i = 0; i < n && at < sizeof list - 1; i++) {
        int w = snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", words[i]);
        at += w > 0 ? (size_t)w : 0;
    }
    return ydoc_wrong(
        y, node, note, ERR_INPUT, "expected one of %1$s; found \"%3$.*2$s\"",
        "应为 %1$s 之一，实为“%3$.*2$s”", list, shown(node),
        node->text.p ? node->text.p : "");
}

enum err
ydoc_only(
    const struct ydoc *y, const struct ydoc_node *node, const char *const *keys,
    size_t n, struct note *note)
{
    enum err e = ydoc_want(y, node, YDOC_MAP, note);
    if (e)
        return e;
    for (const struct ydoc_node *c = node->first; c; c = c->next) {
        bool known = false;
        for (size_t i = 0; i < n && !known; i++)
            known = span_eq_cstr(c->key, keys[i]);
        if (known)
            continue;
        char list[160] = "";
        size_t at = 0;
        for (size_t i = 0; i < n && at < sizeof list - 1; i++) {
            int w =
                snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", keys[i]);
            at += w > 0 ? (size_t)w : 0;
        }
        return ydoc_wrong_key(
            y, c, note, ERR_INPUT, "unknown key; known here: %s",
            "未知的键，此处可用：%s", list);
    }
    return OK;
}

enum err
ydoc_need(
    const struct ydoc *y, const struct ydoc_node *node, const char *key,
    const struct ydoc_node **out, struct note *note)
{
    enum err e = ydoc_want(y, node, YDOC_MAP, note);
    if (e)
        return e;
    const struct ydoc_node *c = ydoc_find(node, key);
    if (!c)
        return ydoc_wrong(
            y, node, note, ERR_INPUT, "the key \"%s\" is missing", "缺少键“%s”", key);
    *out = c;
    return OK;
}
