/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/loose.h"

#include "feeds/when.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct span nothing = {NULL, 0};

/* A member that says nothing. */
static bool
absent(const struct dom_value *v)
{
    return v->type == DOM_NONE || v->type == DOM_NULL;
}

static struct span
number_text(const struct dom_value *v, char *scratch)
{
    int n;
    if (v->type == DOM_INT)
        n = snprintf(scratch, LOOSE_TEXT, "%lld", (long long)v->i);
    else if (v->type == DOM_BOOL)
        n = snprintf(scratch, LOOSE_TEXT, "%d", v->b ? 1 : 0);
    else
        n = snprintf(scratch, LOOSE_TEXT, "%.17g", v->d);
    return span_of(scratch, n > 0 && n < LOOSE_TEXT ? (size_t)n : 0);
}

bool
loose_whole(const char *field, struct feed_faults *f, struct span *text)
{
    if (!text->n || !memchr(text->p, 0, text->n))
        return true;
    feed_fault(f, FAULT_NUL_BYTE, field, *text);
    while (text->n && !text->p[text->n - 1])
        text->n--;
    if (!text->n || !memchr(text->p, 0, text->n))
        return true;
    *text = nothing;
    return false;
}

bool
loose_text(
    const struct dom_value *v, const char *field, struct feed_faults *f, char *scratch,
    struct span *out)
{
    if (v->type == DOM_TEXT) {
        *out = v->s;
        return loose_whole(field, f, out) && out->n > 0;
    }
    if (absent(v))
        return false;
    if (v->type == DOM_LIST || v->type == DOM_OBJECT) {
        feed_fault(f, FAULT_BAD_CODE, field, nothing);
        return false;
    }
    *out = number_text(v, scratch);
    feed_fault(f, FAULT_NUMBER_FOR_STRING, field, *out);
    return out->n > 0;
}

/* The text of a member that should be a number; false when there is nothing in it. */
static bool
text_for_number(
    const struct dom_value *v, const char *field, struct feed_faults *f,
    struct span *out)
{
    *out = span_trim(v->s);
    feed_fault(
        f, out->n ? FAULT_STRING_FOR_NUMBER : FAULT_EMPTY_FOR_NUMBER, field, nothing);
    return out->n > 0;
}

static bool
bad_number(const struct dom_value *v, const char *field, struct feed_faults *f)
{
    char scratch[LOOSE_TEXT];
    struct span text = nothing;
    if (v->type == DOM_TEXT)
        text = v->s;
    else if (v->type != DOM_LIST && v->type != DOM_OBJECT)
        text = number_text(v, scratch);
    feed_fault(f, FAULT_BAD_NUMBER, field, text);
    return false;
}

bool
loose_number(
    const struct dom_value *v, const char *field, struct feed_faults *f, double min,
    double max, double *out)
{
    double d;
    struct span text;
    if (absent(v))
        return false;
    switch (v->type) {
    case DOM_INT:
        d = (double)v->i;
        break;
    case DOM_NUMBER:
        d = v->d;
        break;
    case DOM_TEXT:
        if (!text_for_number(v, field, f, &text))
            return false;
        if (!span_f64(text, &d))
            return bad_number(v, field, f);
        break;
    default:
        return bad_number(v, field, f);
    }
    if (!(d >= min && d <= max))
        return bad_number(v, field, f);
    *out = d;
    return true;
}

bool
loose_int(
    const struct dom_value *v, const char *field, struct feed_faults *f, int64_t min,
    int64_t max, int64_t *out)
{
    if (v->type == DOM_INT && v->i >= min && v->i <= max) {
        *out = v->i;
        return true;
    }
    double d; /* the ranges asked for are far below 2^53 */
    if (!loose_number(v, field, f, (double)min, (double)max, &d))
        return false;
    if (d != floor(d))
        return bad_number(v, field, f);
    *out = (int64_t)d;
    return true;
}

static bool
bool_word(struct span s, bool *out)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"1", true},    {"0", false},     {"true", true}, {"false", false},
                 {"True", true}, {"False", false}, {"TRUE", true}, {"FALSE", false},
                 {"Y", true},    {"N", false},     {"是", true},   {"否", false},
                 {"2", false}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (span_eq_cstr(s, words[i].word)) {
            *out = words[i].value;
            return true;
        }
    }
    return false;
}

bool
loose_bool(
    const struct dom_value *v, const char *field, struct feed_faults *f, bool *out)
{
    char scratch[LOOSE_TEXT];
    if (absent(v) || (v->type == DOM_TEXT && v->s.n == 0))
        return false;
    if (v->type == DOM_BOOL) {
        *out = v->b;
        return true;
    }
    if (v->type == DOM_LIST || v->type == DOM_OBJECT)
        return bad_number(v, field, f);
    struct span text = v->type == DOM_TEXT ? v->s : number_text(v, scratch);
    if (!bool_word(text, out))
        return bad_number(v, field, f);
    feed_fault(f, FAULT_BOOLEAN_FORM, field, text);
    return true;
}

bool
loose_time(
    const struct dom_value *v, const char *field, struct feed_faults *f,
    const struct zone *zone, ts_ms *out)
{
    char scratch[LOOSE_TEXT];
    enum when_form form;
    if (absent(v) || (v->type == DOM_TEXT && v->s.n == 0))
        return false;
    if (v->type == DOM_LIST || v->type == DOM_OBJECT || v->type == DOM_BOOL) {
        feed_fault(f, FAULT_BAD_TIME, field, nothing);
        return false;
    }
    struct span text = v->type == DOM_TEXT ? v->s : number_text(v, scratch);
    if (!when_parse(text, zone, out, &form)) {
        feed_fault(f, FAULT_BAD_TIME, field, text);
        return false;
    }
    if (form == WHEN_LEAP)
        feed_fault(f, FAULT_LEAP_SECOND, field, text);
    else if (form != WHEN_STANDARD || v->type != DOM_TEXT)
        feed_fault(f, FAULT_TIME_FORM, field, text);
    return true;
}
