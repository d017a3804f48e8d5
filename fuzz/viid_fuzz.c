/* SPDX-License-Identifier: Apache-2.0 */
/* GA/T 1400 bodies. The first byte chooses resource and method, the rest is the body.
 * Every message gets an answer that is JSON, with one status for each object. */
#include <stdlib.h>

#include "feeds/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct feed feed_viid;

static bool
site_of(void *ctx, struct span code, struct feed_site *out)
{
    (void)ctx;
    *out = (struct feed_site){{(uint32_t)code.n}, color_map_at(code.n % 4)};
    return code.n % 2;
}

static void
check(const struct feed_out *out)
{
    const struct sighting_batch *b = out->batch;
    for (size_t i = 0; b && i < b->n; i++) {
        must(b->rows[i].record_id.n > 0);
        must(b->rows[i].pass_ms > 0);
    }
    for (size_t i = 0; b && i < b->pictures_n; i++)
        must(b->pictures[i].row < b->n && b->pictures[i].bytes.n > 0);
    for (size_t i = 0; b && i < b->unplaced_n; i++)
        must(b->unplaced[i].row < b->n && b->unplaced[i].code.n > 0);
    for (size_t i = 0; i < out->objects_n; i++)
        must(
            out->objects[i].rows == 0 ||
            out->objects[i].row + out->objects[i].rows <= b->n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct span paths[] = {
        {"/VIID/MotorVehicles", 19},
        {"/VIID/MotorVehicles/1", 21},
        {"/VIID/SubscribeNotifications", 28},
        {"/VIID/Images", 12},
        {"/VIID/Tollgates", 15},
        {"/VIID/Lanes", 11},
        {"/VIID/APEs", 10},
        {"/VIID/Subscribes", 16},
        {"/VIID/Dispositions", 18},
        {"/VIID/Faces", 11},
        {"/VIID/System/Register", 21},
        {"/VIID/System/Keepalive", 22},
    };
    static const struct zone shanghai = {"Asia/Shanghai", 480};
    static struct feeds
        *feeds; /* made once: the parser's memory is reused as in life */
    static struct dom *dom;
    static const struct feed_needs needs = {NULL, site_of, NULL};
    if (!feeds)
        feeds = feeds_new(&needs);
    if (!dom)
        dom = dom_new();
    must(feeds && dom);
    if (size == 0)
        return 0;
    size_t n = size - 1;
    char *body = malloc(n + DOM_PAD);
    must(body != NULL);
    memcpy(body, data + 1, n);
    memset(body + n, '"', DOM_PAD);
    struct arena arena;
    struct feed_out out;
    struct feed_reply head;
    struct buf reply = {0};
    arena_init(&arena, 64u << 20);
    struct feed_in in = {
        .method = data[0] & 0x80 ? FEED_PUT : FEED_POST,
        .path = paths[(data[0] & 0x7F) % (sizeof paths / sizeof *paths)],
        .body = span_of(body, n),
        .device_code = SPAN("14010000001190000001"),
        .now_ms = 1772380800000,
        .zone = &shanghai,
    };
    struct feed_about about = {.now_ms = in.now_ms, .zone = &shanghai};
    feed_out_init(&out, &arena);
    if (feed_decode(feeds, &feed_viid, &in, &out) == OK) {
        struct dom_node root;
        enum dom_fault fault;
        check(&out);
        feed_viid.reply(&in, &out, &about, &reply, &head);
        size_t length = reply.n;
        memset(buf_room(&reply, DOM_PAD), 0, DOM_PAD);
        must(dom_parse(dom, span_of(reply.p, length), &root, &fault) == OK);
        must(head.status >= 200 && head.status < 600);
    }
    feed_out_release(&out);
    buf_release(&reply);
    arena_release(&arena);
    free(body);
    return 0;
}
