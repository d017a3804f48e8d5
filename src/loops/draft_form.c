/* SPDX-License-Identifier: Apache-2.0 */
/* What was typed, checked field by field against the definition. */
#include <math.h>
#include <string.h>

#include "core/text.h"
#include "loops/draft.h"
#include "model/plate.h"

enum err
draft_field_wrong(
    struct draft *d, const struct loop_field *f, const char *en, const char *zh)
{
    return note_fmt(
        d->note, ERR_INPUT, f->name, "%1$s: %3$s", "%2$s：%4$s", f->label.en,
        f->label.zh, en, zh);
}

enum err
draft_field_missing(struct draft *d, const struct loop_field *f)
{
    enum err e = note_fmt(
        d->note, ERR_GATE, f->name, "%1$s: %3$s", "%2$s：%4$s", f->label.en,
        f->label.zh, "it must be filled in", "必填");
    return note_code(d->note, e, "field_required");
}

static enum err
read_text(
    struct draft *d, const struct loop_field *f, const json_t *j,
    struct matter_value *v)
{
    if (!json_is_string(j))
        return draft_field_wrong(d, f, "a text is needed", "应填写文字");
    struct span s = span_trim(span_of(json_string_value(j), json_string_length(j)));
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool line_break = c == '\n' || c == '\r' || c == '\t';
        if (c == 0x7f || (c < 0x20 && !(line_break && f->type == LOOP_NOTE)))
            return draft_field_wrong(
                d, f, "it holds characters that cannot be kept", "含有无法保存的字符");
    }
    double n = (double)utf8_count(s);
    if (f->type != LOOP_PLATE && n && (n < f->min || n > f->max))
        return note_fmt(
            d->note, ERR_INPUT, f->name, "%1$s: %3$.0f to %4$.0f characters",
            "%2$s：应为 %3$.0f 到 %4$.0f 个字符", f->label.en, f->label.zh, f->min,
            f->max);
    if (s.n > MATTER_TEXT_MAX)
        return draft_field_wrong(d, f, "it is too long", "内容过长");
    if (f->type == LOOP_PLATE && s.n) {
        struct plate_pattern p;
        if (!plate_pattern_parse(s, &p))
            return draft_field_wrong(d, f, "this is no plate", "不是有效的号牌");
    }
    v->text.p = s.p;
    v->text.n = (uint32_t)s.n;
    if (s.n == 0)
        v->type = 0;
    return OK;
}

static enum err
read_number(
    struct draft *d, const struct loop_field *f, const json_t *j,
    struct matter_value *v)
{
    double x = json_is_number(j) ? json_number_value(j) : NAN;
    if (!isfinite(x))
        return draft_field_wrong(d, f, "a number is needed", "应填写数字");
    if (x < f->min || x > f->max)
        return note_fmt(
            d->note, ERR_INPUT, f->name, "%1$s: %3$g to %4$g",
            "%2$s：应在 %3$g 到 %4$g 之间", f->label.en, f->label.zh, f->min, f->max);
    v->number = x;
    return OK;
}

static enum err
read_id(
    struct draft *d, const struct loop_field *f, const json_t *j,
    struct matter_value *v)
{
    json_int_t id = json_is_integer(j) ? json_integer_value(j) : 0;
    if (id <= 0 || id > UINT32_MAX)
        return draft_field_wrong(d, f, "choose one from the list", "请从列表中选择");
    const struct loops_needs *needs = d->env->needs;
    struct loops_unit unit;
    struct loops_user user;
    bool there = false;
    if (f->type == LOOP_UNIT)
        there = needs && needs->unit(
                             needs->ctx, (struct unit_id){(uint32_t)id}, d->m->lon,
                             d->m->lat, &unit);
    else if (f->type == LOOP_USER)
        there = needs && needs->user(needs->ctx, (struct user_id){(uint32_t)id}, &user);
    else
        there = d->env->orgs && org_get(d->env->orgs, (struct org_id){(uint32_t)id});
    if (!there)
        return draft_field_wrong(d, f, "there is no such entry", "所选项不存在");
    v->id = (uint64_t)id;
    return OK;
}

static enum err
read_point(
    struct draft *d, const struct loop_field *f, const json_t *j,
    struct matter_value *v)
{
    const json_t *lon = json_object_get(j, "lon"), *lat = json_object_get(j, "lat");
    double x = json_is_number(lon) ? json_number_value(lon) : NAN;
    double y = json_is_number(lat) ? json_number_value(lat) : NAN;
    if (!(x >= -180 && x <= 180 && y >= -90 && y <= 90))
        return draft_field_wrong(
            d, f, "a point {lon, lat} in degrees is needed", "应为经纬度 {lon, lat}");
    v->point.lon = (int32_t)lround(x * 1e7);
    v->point.lat = (int32_t)lround(y * 1e7);
    return OK;
}

static bool
file_ref_fits(struct span s)
{
    bool ok = s.n >= 1 && s.n <= 200;
    for (size_t i = 0; ok && i < s.n; i++)
        ok = (s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') ||
             (s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] && strchr("._-:/", s.p[i]));
    return ok;
}

static enum err
read_files(
    struct draft *d, const struct loop_field *f, const json_t *j,
    struct matter_value *v)
{
    size_t n = json_is_array(j) ? json_array_size(j) : MATTER_FILES_MAX + 1;
    if (n > MATTER_FILES_MAX || (double)n > f->max || (n && (double)n < f->min))
        return note_fmt(
            d->note, ERR_INPUT, f->name, "%1$s: a list of %3$.0f to %4$.0f documents",
            "%2$s：应有 %3$.0f 到 %4$.0f 份材料", f->label.en, f->label.zh, f->min,
            f->max);
    char *p = arena_take(&d->arena, MATTER_FILES_MAX * 201);
    if (!p)
        return note_set(d->note, ERR_TOOBIG, f->name, "too much", "内容过多");
    v->text.p = p;
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(j, i);
        struct span s = span_of(
            json_is_string(item) ? json_string_value(item) : "",
            json_string_length(item));
        if (!file_ref_fits(s))
            return draft_field_wrong(
                d, f, "this is no document reference", "材料编号无效");
        if (i)
            p[v->text.n++] = '\n';
        memcpy(p + v->text.n, s.p, s.n);
        v->text.n += (uint32_t)s.n;
    }
    if (n == 0)
        v->type = 0;
    return OK;
}

/* One value of a form into the draft. */
static enum err
read_value(struct draft *d, unsigned field, const json_t *j)
{
    const struct loop_field *f = &d->def->fields[field];
    struct matter_value v = {.field = (uint16_t)field, .type = f->type};
    enum err e = OK;
    int option;
    if (json_is_null(j)) {
        v.type = 0;
        draft_set(d, v);
        return OK;
    }
    switch (f->type) {
    case LOOP_CHOICE:
        option = json_is_string(j)
                     ? loop_option_find(
                           f, span_of(json_string_value(j), json_string_length(j)))
                     : -1;
        if (option < 0)
            return draft_field_wrong(
                d, f, "choose one of the options", "请选择其中一项");
        v.id = (uint64_t)option;
        break;
    case LOOP_FLAG:
        if (!json_is_boolean(j))
            return draft_field_wrong(d, f, "true or false is needed", "应为是或否");
        v.flag = json_is_true(j);
        break;
    case LOOP_NUMBER:
        e = read_number(d, f, j, &v);
        break;
    case LOOP_TIME:
        if (!json_is_integer(j) || json_integer_value(j) <= 0 ||
            json_integer_value(j) > INT64_C(253402300800000))
            return draft_field_wrong(d, f, "a time is needed", "应填写时间");
        v.time_ms = json_integer_value(j);
        break;
    case LOOP_UNIT:
    case LOOP_USER:
    case LOOP_ORG:
        e = read_id(d, f, j, &v);
        break;
    case LOOP_POINT:
        e = read_point(d, f, j, &v);
        break;
    case LOOP_FILES:
        e = read_files(d, f, j, &v);
        break;
    default:
        e = read_text(d, f, j, &v);
        break;
    }
    if (!e)
        draft_set(d, v);
    return e;
}

static const struct loop_ask *
ask_of(const struct loop_ask *asks, unsigned n, unsigned field)
{
    for (unsigned i = 0; i < n; i++)
        if (asks[i].field == field)
            return &asks[i];
    return NULL;
}

static bool
given(const struct draft *d, unsigned field)
{
    for (unsigned i = 0; i < d->e.values_n; i++)
        if (d->e.values[i].field == field)
            return d->e.values[i].type != 0;
    return false;
}

/* Reads a form: nothing that is not asked, everything that is required, and given now:
 * a reason written for another move does not count. lenient: what is not asked is
 * passed over (the machine speaks). */
enum err
draft_read_form(
    struct draft *d, const struct loop_ask *asks, unsigned n, const json_t *fields,
    bool lenient)
{
    const char *key;
    json_t *value;
    if (fields && !json_is_object(fields))
        return note_set(
            d->note, ERR_INPUT, "fields", "an object of fields is needed",
            "fields 应为对象");
    json_object_foreach((json_t *)(uintptr_t)fields, key, value)
    {
        int field = loop_field_find(d->def, span_cstr(key));
        if (field >= 0 && ask_of(asks, n, (unsigned)field)) {
            enum err e = read_value(d, (unsigned)field, value);
            if (e)
                return e;
        } else if (!lenient) {
            return note_fmt(
                d->note, ERR_INPUT, key, "the form does not ask for \"%s\"",
                "表单中没有“%s”", key);
        }
    }
    for (unsigned i = 0; i < n; i++) {
        if (asks[i].required && !given(d, asks[i].field))
            return draft_field_missing(d, &d->def->fields[asks[i].field]);
    }
    return OK;
}

/* What a rule or feed gives: the input fields it has a name for. */
enum err
draft_read_inputs(struct draft *d, const json_t *fields)
{
    for (unsigned i = 0; i < d->def->fields_n; i++) {
        const struct loop_field *f = &d->def->fields[i];
        const json_t *j = f->input ? json_object_get(fields, f->name) : NULL;
        enum err e = j ? read_value(d, i, j) : OK;
        if (e)
            return e;
    }
    return OK;
}
