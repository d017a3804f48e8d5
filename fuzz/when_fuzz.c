/* SPDX-License-Identifier: Apache-2.0 */
/* Times of senders: what is read formats to a text that reads as the same. */
#include "core/err.h"
#include "feeds/when.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct zone shanghai = {"Asia/Shanghai", 480};
    ts_ms t, back;
    enum when_form form;
    char text[TS_TEXT];
    if (!when_parse(span_of(data, size), &shanghai, &t, &form))
        return 0;
    ts_format_viid(text, t, &shanghai, true);
    must(when_parse(span_cstr(text), &shanghai, &back, &form));
    must(form == WHEN_STANDARD && back == t);
    return 0;
}
