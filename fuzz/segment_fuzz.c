/* SPDX-License-Identifier: Apache-2.0 */
/* What the sighting engine reads from its files, behind the checksums: columns,
 * templates, habits, manifests, journal rows. The first byte chooses, the second gives
 * the rows of a column. Reading must stay inside the bytes, and what reads must write
 * and read again. */
#include <stdlib.h>

#include "store/sight_core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_column(struct span in, unsigned n)
{
    uint64_t all[COL_ROWS];
    uint8_t again[COL_ROOM + COL_SLACK];
    struct col c, d;
    char *exact = malloc(in.n + COL_SLACK); /* so that ASan sees the end */
    memcpy(exact, in.p, in.n);
    memset(exact + in.n, 0, COL_SLACK);
    if (col_open(&c, (const uint8_t *)exact, in.n, n)) {
        col_all(&c, all);
        must(col_get(&c, n - 1) == all[n - 1] || c.kind == COL_SPARSE);
        size_t len = col_encode(again, all, n);
        must(col_open(&d, again, len, n));
        for (unsigned i = 0; i < n; i += 17)
            must(col_get(&d, i) == all[i]);
    }
    free(exact);
}

static void
fuzz_templates(struct span in)
{
    struct text_dict d = {0};
    struct buf out = {0};
    struct zone z = {"", 480};
    struct text_at at = {
        INT64_C(1772380833158), INT64_C(1772380833158), SPAN("id-1"), &z};
    if (text_dict_decode(&d, in))
        for (uint32_t i = 0; i < d.n && i < 64; i++) {
            struct text_val v = {TEXT_FIRST + i, 151, 42};
            (void)text_time(&d, &v, at.pass);
            (void)!text_join(&d, &v, &at, &out);
        }
    text_dict_release(&d);
    buf_release(&out);
}

/* Any text: what is cut joins back to the same bytes. */
static void
fuzz_split(struct span in)
{
    struct text_dict d = {0};
    struct buf out = {0};
    struct zone z = {"", 480};
    struct span id = span_cut(&in, '\n');
    struct text_at at = {INT64_C(1772380833158), INT64_C(1772380833158), {0}, &z};
    for (unsigned k = 0; k < 2; k++) {
        struct span s = k ? in : id;
        struct text_val v = text_split(&d, k, s, &at);
        if (v.tpl != TEXT_LITERAL) {
            buf_clear(&out);
            must(text_join(&d, &v, &at, &out));
            must(span_eq(span_of(out.p, out.n), s));
        }
        at.ref = text_time(&d, &v, at.pass);
        at.record = id;
    }
    text_dict_release(&d);
    buf_release(&out);
}

static void
fuzz_habits(struct span in)
{
    struct usual_map u = {0};
    struct follow_map f = {0};
    (void)!usual_decode(&u, in);
    (void)!follow_decode(&f, in);
    (void)usual_find(&u, 7, 3);
    (void)follow_find(&f, 7);
    usual_release(&u);
    follow_release(&f);
}

static void
fuzz_rows(struct span in)
{
    struct cur c = cur_of(in.p, in.n);
    struct sighting s;
    while (journal_row_decode(&c, &s)) {
        struct buf b = {0};
        struct sighting again;
        journal_row_encode(&b, &s);
        struct cur d = cur_of(b.p, b.n);
        must(journal_row_decode(&d, &again) && again.pass_ms == s.pass_ms);
        must(span_eq(again.image, s.image));
        buf_release(&b);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct span in = span_of(data + 2, size - 2);
    struct manifest m = {0};
    struct pack_ref ref;
    if (data[0] % 7 == 0)
        fuzz_column(in, 1 + data[1] * 4u);
    else if (data[0] % 7 == 1)
        fuzz_templates(in);
    else if (data[0] % 7 == 2)
        fuzz_split(in);
    else if (data[0] % 7 == 3)
        fuzz_habits(in);
    else if (data[0] % 7 == 4)
        fuzz_rows(in);
    else if (data[0] % 7 == 5 && manifest_decode(&m, in, NULL) != OK)
        manifest_release(&m);
    else if (data[0] % 7 == 6)
        (void)!pack_ref_parse(in, &ref);
    manifest_release(&m);
    return 0;
}
