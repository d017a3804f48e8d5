/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/taken.h"

struct said {
    const char *code, *en, *zh;
};

static struct said
of_fate(enum sighting_fate fate)
{
    switch (fate) {
    case FATE_CONFLICT:
        return (struct said){
            "conflict", "the same record id with other content: the first is kept",
            "记录标识相同但内容不同，保留先到的记录"};
    case FATE_FUTURE:
        return (struct said){
            "future", "the time is more than two minutes ahead of ours: set the clock",
            "过车时间超前两分钟以上，请校时"};
    case FATE_EXPIRED:
        return (struct said){
            "expired", "the time is older than what is kept", "过车时间早于保存期限"};
    case FATE_REFUSED:
        return (struct said){"busy", "send this line again", "系统繁忙，请重发该行"};
    default:
        return (struct said){NULL, NULL, NULL};
    }
}

static struct said
of_object(const struct feed_out *out, const struct feed_object *o)
{
    if (o->fault) {
        const struct feed_fault_row *row =
            feed_fault_row((enum feed_fault)(o->fault - 1));
        return (struct said){row->name, row->en, row->zh};
    }
    return of_fate(o->refused ? FATE_REFUSED : feed_fate(out, o));
}

static void
put_refused(struct buf *b, bool first, uint32_t line, struct said s, bool english)
{
    buf_fmt(
        b, "%s{\"line\":%u,\"code\":\"%s\",\"message\":", first ? "" : ",", line,
        s.code);
    buf_json(b, span_cstr(english ? s.en : s.zh));
    buf_u8(b, '}');
}

void
taken_reply(
    const struct feed_out *out, const struct feed_about *about, struct buf *body,
    struct feed_reply *head)
{
    head->type = "application/json";
    if (out->what != FEED_PASSES) {
        head->status = 405;
        buf_text(body, "{\"error\":{\"code\":\"method\",\"message\":\"POST\"}}");
        return;
    }
    uint64_t taken = 0, duplicates = 0, busy = 0, refused = 0;
    struct buf list = {0};
    for (size_t i = 0; i < out->objects_n; i++) {
        const struct feed_object *o = &out->objects[i];
        struct said s = of_object(out, o);
        if (s.code) {
            put_refused(&list, refused++ == 0, o->line, s, about->english);
            busy += !o->fault && (o->refused || feed_fate(out, o) == FATE_REFUSED);
        } else if (feed_fate(out, o) == FATE_DUPLICATE) {
            duplicates++;
        } else {
            taken++;
        }
    }
    buf_fmt(
        body, "{\"taken\":%llu,\"duplicates\":%llu,\"refused\":[",
        (unsigned long long)taken, (unsigned long long)duplicates);
    buf_put(body, list.p, list.n);
    buf_fmt(body, "],\"lsn\":%llu}", (unsigned long long)out->batch->lsn);
    buf_release(&list);
    head->status = busy && busy == out->objects_n ? 503 : 200;
    head->retry = head->status == 503;
}
