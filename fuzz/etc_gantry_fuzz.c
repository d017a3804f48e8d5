/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of gantry records: every record is taken or refused, and the answer counts
 * them all; a tag read always carries a note that can be read back. */
#include <stdlib.h>

#include "feeds/feed.h"
#include "model/toll.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct feed feed_etc_gantry;

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct zone shanghai = {"Asia/Shanghai", 480};
    static const struct feed_needs needs = {NULL, NULL, NULL};
    static struct feeds *feeds;
    if (!feeds)
        feeds = feeds_new(&needs);
    char *body = malloc(size + DOM_PAD);
    must(feeds && body);
    memcpy(body, data, size);
    memset(body + size, '"', DOM_PAD);
    struct arena arena;
    struct feed_out out;
    struct feed_reply head;
    struct buf reply = {0};
    arena_init(&arena, 64u << 20);
    struct feed_in in = {
        .method = FEED_POST,
        .path = SPAN("/api/v1/gantry"),
        .body = span_of(body, size),
        .now_ms = 1772380800000,
        .zone = &shanghai,
    };
    struct feed_about about = {.now_ms = in.now_ms, .zone = &shanghai, .english = true};
    feed_out_init(&out, &arena);
    if (feed_decode(feeds, &feed_etc_gantry, &in, &out) == OK) {
        size_t rows = 0;
        for (size_t i = 0; i < out.objects_n; i++)
            rows += out.objects[i].rows;
        must(rows == (out.batch ? out.batch->n : 0));
        for (size_t i = 0; i < rows; i++) {
            const struct sighting *s = &out.batch->rows[i];
            struct tag_note note;
            bool tag = (s->flags & SIGHTING_TAG) != 0;
            must(!tag || tag_note_parse(s->image, &note));
        }
        feed_etc_gantry.reply(&in, &out, &about, &reply, &head);
        must(reply.n > 2 && reply.p[reply.n - 1] == '}');
    }
    feed_out_release(&out);
    buf_release(&reply);
    arena_release(&arena);
    free(body);
    return 0;
}
