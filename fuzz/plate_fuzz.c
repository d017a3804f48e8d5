/* SPDX-License-Identifier: Apache-2.0 */
/* Plates and patterns: what is read formats to a text that reads as the same. */
#include <stdlib.h>

#include "core/err.h"
#include "model/plate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span s = span_of(data, size);
    struct plate p, again;
    bool differs;
    char text[PLATE_TEXT];
    enum plate_kind kind = plate_parse(s, &p, &differs);
    plate_format(text, p);
    must(strlen(text) < PLATE_TEXT);
    must(plate_kind(p) == kind);
    must(differs == !span_eq_cstr(s, text));
    if (!plate_is_hashed(p)) {
        must(plate_parse(span_cstr(text), &again, &differs) == kind);
        must(plate_eq(p, again) && !differs);
    }
    struct plate_pattern pattern;
    if (plate_pattern_parse(s, &pattern)) {
        must(pattern.lo.v <= pattern.hi.v);
        if (pattern.exact && plate_is_exact(p))
            must(plate_pattern_match(&pattern, p) || !plate_eq(pattern.lo, p));
    }
    return 0;
}
