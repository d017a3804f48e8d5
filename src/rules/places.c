/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/places.h"

/* The part before the first ',' or ';'. */
static struct span
cut_list(struct span *rest)
{
    size_t i = 0;
    while (i < rest->n && rest->p[i] != ',' && rest->p[i] != ';')
        i++;
    struct span head = span_of(rest->p, i);
    *rest = span_skip(*rest, i + 1);
    return span_trim(head);
}

bool
zone_classes_parse(struct span s, struct ban_zone *z)
{
    z->classes_n = 0;
    while (s.n) {
        struct span one = cut_list(&s);
        code3 code;
        if (one.n == 0)
            continue;
        if (z->classes_n == ZONE_CLASSES || !code3_parse(one, &code))
            return false;
        code3_format(z->classes[z->classes_n++], code);
    }
    return true;
}

static bool
minute_parse(struct span s, uint16_t *out)
{
    struct span hours = span_cut(&s, ':');
    uint64_t h, m;
    if (!span_u64(span_trim(hours), &h) || !span_u64(span_trim(s), &m) || h > 24 ||
        m > 59 || h * 60 + m > 1440)
        return false;
    *out = (uint16_t)(h * 60 + m);
    return true;
}

bool
zone_windows_parse(struct span s, struct ban_zone *z)
{
    z->windows_n = 0;
    while (s.n) {
        struct span one = cut_list(&s);
        if (one.n == 0)
            continue;
        if (z->windows_n == ZONE_WINDOWS)
            return false;
        struct zone_hours *w = &z->windows[z->windows_n];
        struct span from = span_cut(&one, '-');
        *w = (struct zone_hours){.days = 127};
        if (!minute_parse(from, &w->from_min) || !minute_parse(one, &w->to_min))
            return false;
        z->windows_n++;
    }
    return true;
}
