/* SPDX-License-Identifier: Apache-2.0 */
/* Samples are for the person who must tell the maker of a camera what is wrong: enough
 * to see the form, never enough to see the vehicle. */
#include "feeds/fault.h"

#include "core/err.h"
#include "core/text.h"

#include <assert.h>
#include <stdio.h>

static_assert(FAULT_COUNT <= 32, "seen has a bit for each kind");

const struct feed_fault_row *
feed_fault_row(enum feed_fault f)
{
#define F(KIND, name, masked, en, zh) {name, masked, en, zh},
    static const struct feed_fault_row rows[] = {
#include "feeds/fault.def"
    };
#undef F
    must((unsigned)f < FAULT_COUNT);
    return &rows[f];
}

void
feed_mask(char *dst, size_t cap, struct span text)
{
    size_t n = 0;
    while (text.n && n + 1 < cap) {
        size_t step = utf8_step(text);
        char c = text.p[0];
        if (c >= '0' && c <= '9')
            c = '0';
        else if (c >= 'a' && c <= 'z')
            c = 'a';
        else if (c >= 'A' && c <= 'Z')
            c = 'A';
        else if ((unsigned char)c < 0x20 || (unsigned char)c >= 0x7F)
            c = step > 1 ? '*' : '.';
        dst[n++] = c;
        text = span_skip(text, step ? step : 1);
    }
    dst[n] = 0;
}

/* The longest whole characters of s within cap - 1 bytes; control characters become
 * dots. */
static void
cut_copy(char *dst, size_t cap, struct span s)
{
    size_t n = 0;
    while (s.n) {
        size_t step = utf8_step(s);
        if (n + (step ? step : 1) + 1 > cap)
            break;
        if (step > 1) {
            memcpy(dst + n, s.p, step);
            n += step;
        } else {
            unsigned char c = (unsigned char)s.p[0];
            dst[n++] = step && c >= 0x20 && c != 0x7F ? s.p[0] : '.';
        }
        s = span_skip(s, step ? step : 1);
    }
    dst[n] = 0;
}

void
feed_fault(
    struct feed_faults *f, enum feed_fault kind, const char *field, struct span value)
{
    if (f->seen >> kind & 1) {
        f->count[kind]++;
        return;
    }
    f->seen |= 1u << kind;
    f->count[kind] = 1;
    char *at = f->sample[kind];
    int n = snprintf(at, FEED_SAMPLE, "%.32s%s", field, *field && value.n ? "=" : "");
    size_t used = (size_t)n;
    if (feed_fault_row(kind)->masked)
        feed_mask(at + used, FEED_SAMPLE - used, value);
    else
        cut_copy(at + used, FEED_SAMPLE - used, value);
}

void
feed_faults_add(struct feed_faults *into, const struct feed_faults *from)
{
    for (unsigned k = 0; k < FAULT_COUNT; k++) {
        if (!(from->seen >> k & 1))
            continue;
        if (into->seen >> k & 1) {
            into->count[k] += from->count[k];
            continue;
        }
        into->count[k] = from->count[k];
        memcpy(into->sample[k], from->sample[k], FEED_SAMPLE);
    }
    into->seen |= from->seen;
}
