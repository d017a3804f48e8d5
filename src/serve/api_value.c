/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters and bodies against their rows: unknown names, wrong types and values out
 * of bounds are refused with the field named; what a function reads afterwards is known
 * to be right. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/text.h"
#include "serve/call.h"

#define TIME_FIRST 946684800000.0 /* 2000-01-01 */
#define TIME_LAST 4102444800000.0 /* 2100-01-01 */

static enum err
refuse(struct call *c, const char *field, const char *en, const char *zh)
{
    return req_refuse(c->r, REFUSE_BAD_REQUEST, field, en, zh);
}

static enum err
refuse_fmt(struct call *c, const char *field, const char *en, const char *zh, ...)
{
    char a[256], b[256];
    va_list ap, again;
    va_start(ap, zh);
    va_copy(again, ap);
    vsnprintf(a, sizeof a, en, ap);
    vsnprintf(b, sizeof b, zh, again);
    va_end(again);
    va_end(ap);
    return refuse(c, field, a, b);
}

/* ---- checks on one value ---- */

static enum err
check_text(struct call *c, const struct api_value *v, struct span s)
{
    size_t n = utf8_count(s);
    if (!utf8_valid(s))
        return refuse(c, v->name, "text must be UTF-8", "文本须为 UTF-8 编码");
    if ((double)n < v->min || (v->max > 0 && (double)n > v->max))
        return refuse_fmt(
            c, v->name, "%g to %g characters", "应为 %g 至 %g 个字符", v->min, v->max);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char b = (unsigned char)s.p[i];
        bool line = v->type != API_TEXT && (b == '\n' || b == '\r' || b == '\t');
        if ((b < ' ' && !line) || b == 0x7f)
            return refuse(c, v->name, "no control characters", "不能包含控制字符");
    }
    if (v->type == API_REASON && !utf8_is_reason(s))
        return refuse(
            c, v->name, "a reason: five letters, or two Chinese characters, at least",
            "请写明理由：至少 2 个汉字或 5 个字母");
    return OK;
}

static enum err
check_range(struct call *c, const struct api_value *v, double n)
{
    double min = v->min, max = v->max;
    if (v->type == API_TIME && min == 0 && max == 0) {
        min = TIME_FIRST;
        max = TIME_LAST;
    }
    if (n >= min && n <= max)
        return OK;
    if (v->type == API_TIME)
        return refuse(
            c, v->name, "epoch milliseconds in the allowed span",
            "应为允许范围内的毫秒时间戳");
    return refuse_fmt(
        c, v->name, "%.12g to %.12g", "应在 %.12g 至 %.12g 之间", min, max);
}

static bool
is_word(const char *words, struct span s)
{
    struct span rest = span_cstr(words);
    while (rest.n)
        if (span_eq(span_cut(&rest, '|'), s))
            return s.n > 0;
    return false;
}

static enum err
check_word(struct call *c, const struct api_value *v, struct span s)
{
    if (is_word(v->words, s))
        return OK;
    return refuse_fmt(c, v->name, "one of %s", "应为 %s 之一", v->words);
}

static enum err
check_id(struct call *c, const struct api_value *v, struct span s)
{
    uint64_t n;
    bool fits = span_u64(s, &n) && n > 0 && n <= INT64_MAX;
    if (fits && (v->max <= 0 || (double)n <= v->max))
        return OK;
    return refuse(c, v->name, "a number from 1", "应为正整数编号");
}

/* Text of a query parameter or path part. */
static enum err
check_param(struct call *c, const struct api_value *v, struct span s)
{
    int64_t i;
    double d;
    switch (v->type) {
    case API_TEXT:
    case API_LINES:
    case API_REASON:
        return check_text(c, v, s);
    case API_INT:
    case API_TIME:
        if (!span_i64(s, &i))
            return refuse(c, v->name, "an integer", "应为整数");
        return check_range(c, v, (double)i);
    case API_NUMBER:
        if (!span_f64(s, &d))
            return refuse(c, v->name, "a number", "应为数值");
        return check_range(c, v, d);
    case API_FLAG:
        if (span_eq_cstr(s, "0") || span_eq_cstr(s, "1"))
            return OK;
        return refuse(c, v->name, "0 or 1", "应为 0 或 1");
    case API_WORD:
        return check_word(c, v, s);
    case API_ID:
        return check_id(c, v, s);
    case API_INTS:
    case API_OBJECT:
    case API_LIST:
        break;
    }
    must(false); /* api_check() saw the rows */
    return ERR_INPUT;
}

/* ---- query and path ---- */

static int
param_index(const struct api_route *t, struct span name)
{
    for (int i = 0; t->params && t->params[i].name; i++)
        if (span_eq_cstr(name, t->params[i].name))
            return i;
    return -1;
}

/* Name of the n-th hole of "/sites/{id}". */
static struct span
hole_name(const char *path, unsigned n)
{
    for (const char *p = path; *p; p++) {
        if (*p != '{')
            continue;
        const char *end = strchr(p, '}');
        must(end);
        if (n-- == 0)
            return span_of(p + 1, (size_t)(end - p - 1));
    }
    return span_of(NULL, 0);
}

static enum err
take_query(struct call *c)
{
    struct span name, value;
    for (size_t i = 0; req_query_at(c->r, i, &name, &value); i++) {
        char text[48];
        int at = param_index(c->route, name);
        bool part = false;
        for (unsigned h = 0; h < CALL_PARTS; h++)
            part = part || span_eq(hole_name(c->route->path, h), name);
        if (at < 0 || part) {
            if (!span_copy(text, sizeof text, name))
                text[0] = 0;
            return refuse(c, text, "unknown parameter", "未知的参数");
        }
        if (c->values[at].p)
            return refuse(c, c->route->params[at].name, "given twice", "参数重复");
        c->values[at] = value;
    }
    return OK;
}

enum err
call_values(struct call *c)
{
    const struct api_route *t = c->route;
    for (unsigned h = 0; h < CALL_PARTS; h++) {
        struct span name = hole_name(t->path, h);
        if (name.p)
            c->values[param_index(t, name)] = c->parts[h];
    }
    enum err e = take_query(c);
    for (int i = 0; !e && t->params && t->params[i].name; i++) {
        const struct api_value *v = &t->params[i];
        bool part = c->values[i].p && v->required;
        if (c->values[i].p && c->values[i].n == 0 && !part)
            c->values[i] = span_of(NULL, 0); /* "?q=" is no q */
        if (!c->values[i].p && v->preset)
            c->values[i] = span_cstr(v->preset);
        if (c->values[i].p)
            e = check_param(c, v, c->values[i]);
        else if (v->required)
            e = refuse(c, v->name, "this parameter is needed", "缺少该参数");
    }
    return e;
}

/* ---- body ---- */

static enum err
check_list(struct call *c, const struct api_value *v, const json_t *list)
{
    size_t n = json_array_size(list), i;
    json_t *one;
    if ((double)n < v->min || (double)n > v->max)
        return refuse_fmt(
            c, v->name, "%g to %g elements", "应为 %g 至 %g 项", v->min, v->max);
    if (v->type == API_INTS)
        json_array_foreach(list, i, one) if (!json_is_integer(one)) return refuse(
            c, v->name, "a list of integers", "应为整数列表");
    return OK;
}

static enum err
check_key(struct call *c, const struct api_value *v, const json_t *j)
{
    struct span s = span_of(json_string_value(j), json_string_length(j));
    char digits[32];
    switch (v->type) {
    case API_TEXT:
    case API_LINES:
    case API_REASON:
        return json_is_string(j) ? check_text(c, v, s)
                                 : refuse(c, v->name, "text in quotes", "应为字符串");
    case API_WORD:
        return json_is_string(j) ? check_word(c, v, s)
                                 : refuse(c, v->name, "text in quotes", "应为字符串");
    case API_INT:
    case API_TIME:
        return json_is_integer(j) ? check_range(c, v, (double)json_integer_value(j))
                                  : refuse(c, v->name, "an integer", "应为整数");
    case API_NUMBER:
        return json_is_number(j) ? check_range(c, v, json_number_value(j))
                                 : refuse(c, v->name, "a number", "应为数值");
    case API_FLAG:
        return json_is_boolean(j)
                   ? OK
                   : refuse(c, v->name, "true or false", "应为 true 或 false");
    case API_ID:
        if (json_is_integer(j)) {
            snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(j));
            s = span_cstr(digits);
        }
        return check_id(c, v, s);
    case API_OBJECT:
        return json_is_object(j) ? OK : refuse(c, v->name, "an object", "应为对象");
    case API_INTS:
    case API_LIST:
        return json_is_array(j) ? check_list(c, v, j)
                                : refuse(c, v->name, "a list", "应为列表");
    }
    must(false);
    return ERR_INPUT;
}

static const struct api_value *
key_row(const struct api_route *t, const char *name)
{
    for (const struct api_value *v = t->body; v && v->name; v++)
        if (strcmp(v->name, name) == 0)
            return v;
    return NULL;
}

static enum err
check_keys(struct call *c)
{
    const char *name;
    json_t *j;
    json_object_foreach(c->body, name, j)
    {
        if (!key_row(c->route, name)) {
            char text[48];
            if (!span_copy(text, sizeof text, span_cstr(name)))
                text[0] = 0;
            return refuse(c, text, "unknown key", "未知的字段");
        }
    }
    for (const struct api_value *v = c->route->body; v && v->name; v++) {
        j = json_object_get(c->body, v->name);
        bool absent = !j || (v->null && json_is_null(j));
        enum err e = OK;
        if (!absent)
            e = check_key(c, v, j);
        else if (v->required)
            e = refuse(c, v->name, "this key is needed", "缺少该字段");
        if (e)
            return e;
    }
    return OK;
}

enum err
call_body(struct call *c)
{
    const struct api_route *t = c->route;
    struct span text = req_body(c->r);
    if (t->method == METHOD_GET || t->body_type)
        return OK;
    if (text.n == 0 && !t->body)
        return OK;
    json_error_t fault;
    c->body = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &fault);
    if (!c->body || !json_is_object(c->body))
        return refuse_fmt(
            c, NULL, "the body is no JSON object (line %d, column %d)",
            "请求体不是 JSON 对象（第 %d 行第 %d 列）", c->body ? 1 : fault.line,
            c->body ? 1 : fault.column);
    return check_keys(c);
}

/* ---- reading, for rows ---- */

static json_t *
body_value(const struct call *c, const char *name)
{
    json_t *j = c->body ? json_object_get(c->body, name) : NULL;
    return json_is_null(j) ? NULL : j;
}

struct span
api_text(const struct req *r, const char *name)
{
    struct call *c = call_of(r);
    int at = param_index(c->route, span_cstr(name));
    if (at >= 0)
        return c->values[at];
    must(key_row(c->route, name));
    json_t *j = body_value(c, name);
    return j ? span_of(json_string_value(j), json_string_length(j)) : span_of(NULL, 0);
}

int64_t
api_int(const struct req *r, const char *name, int64_t absent)
{
    struct call *c = call_of(r);
    int at = param_index(c->route, span_cstr(name));
    int64_t n = absent;
    if (at >= 0) {
        (void)(c->values[at].p && span_i64(c->values[at], &n));
        return n;
    }
    must(key_row(c->route, name));
    json_t *j = body_value(c, name);
    if (json_is_integer(j))
        return json_integer_value(j);
    if (json_is_boolean(j))
        return json_is_true(j);
    if (json_is_string(j))
        (void)span_i64(span_of(json_string_value(j), json_string_length(j)), &n);
    return n;
}

double
api_number(const struct req *r, const char *name, double absent)
{
    struct call *c = call_of(r);
    int at = param_index(c->route, span_cstr(name));
    double n = absent;
    if (at >= 0) {
        (void)(c->values[at].p && span_f64(c->values[at], &n));
        return n;
    }
    must(key_row(c->route, name));
    json_t *j = body_value(c, name);
    return json_is_number(j) ? json_number_value(j) : absent;
}

bool
api_has(const struct req *r, const char *name)
{
    struct call *c = call_of(r);
    int at = param_index(c->route, span_cstr(name));
    if (at >= 0)
        return c->values[at].p != NULL;
    must(key_row(c->route, name));
    return body_value(c, name) != NULL;
}

json_t *
api_json(const struct req *r, const char *name)
{
    struct call *c = call_of(r);
    must(key_row(c->route, name));
    return body_value(c, name);
}

json_t *
api_body(const struct req *r)
{
    return call_of(r)->body;
}
