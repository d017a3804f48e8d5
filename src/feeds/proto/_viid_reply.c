/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of GA/T 1400.4: ResponseStatusObject, ResponseStatusListObject,
 * SystemTimeObject. StatusString is Chinese with the cause; "OK" where nothing is to be
 * said. */
#include "feeds/proto/_viid.h"

#include <stdio.h>

struct said {
    enum viid_status code;
    const char *text;
};

static struct said
of_fate(enum sighting_fate fate)
{
    switch (fate) {
    case FATE_STORED:
        return (struct said){VIID_OK, "OK"};
    case FATE_DUPLICATE:
        return (struct said){VIID_OK, "OK，重复记录，已保存过"};
    case FATE_CONFLICT:
        return (struct said){VIID_OK, "OK，标识重复但内容不同，保留先到的记录"};
    case FATE_FUTURE:
        return (struct said){
            VIID_INVALID_JSON_CONTENT, "过车时间超前两分钟以上，请校时"};
    case FATE_EXPIRED:
        return (struct said){VIID_INVALID_JSON_CONTENT, "过车时间早于保存期限"};
    case FATE_REFUSED:
        break;
    }
    return (struct said){VIID_BUSY, "系统繁忙，请稍后重发"};
}

static struct said
of_object(const struct feed_out *out, const struct feed_object *o)
{
    if (o->refused)
        return (struct said){VIID_BUSY, "系统繁忙，请稍后重发"};
    if (o->rows) {
        struct said s = of_fate(feed_fate(out, o));
        if (s.code != VIID_OK || !o->fault)
            return s;
    }
    if (o->fault == FAULT_LONE_PICTURE + 1)
        return (struct said){
            VIID_INVALID_OPERATION, feed_fault_row(FAULT_LONE_PICTURE)->zh};
    if (o->fault)
        return (struct said){
            VIID_INVALID_JSON_CONTENT,
            feed_fault_row((enum feed_fault)(o->fault - 1))->zh};
    if (out->what == FEED_UNKEPT)
        return feed_fault_count(&out->faults, FAULT_OUT_OF_SCOPE)
                   ? (struct said){VIID_OK, "OK，本系统不保存人员信息"}
                   : (struct said){VIID_OK, "OK，本系统不保存此类信息"};
    if (out->what == FEED_ASKS)
        return (struct said){VIID_OK, "OK，已收到，由人工处理"};
    return (struct said){VIID_OK, "OK"};
}

/* What is the same in every status of a message. */
struct frame {
    struct buf head; /* {"RequestURL":"...","StatusCode": */
    char tail[TS_TEXT + 24];
};

static void
frame_init(struct frame *f, struct span url, const char *local_time)
{
    *f = (struct frame){0};
    buf_text(&f->head, "{\"RequestURL\":");
    buf_json(&f->head, url);
    buf_text(&f->head, ",\"StatusCode\":");
    snprintf(f->tail, sizeof f->tail, ",\"LocalTime\":\"%.20s\"}", local_time);
}

static void
put_status(struct buf *b, const struct frame *f, struct said s, struct span id)
{
    buf_put(b, f->head.p, f->head.n);
    buf_u8(b, (uint8_t)('0' + s.code));
    buf_text(b, ",\"StatusString\":");
    buf_json(b, span_cstr(s.text));
    if (id.n) {
        buf_text(b, ",\"Id\":");
        buf_json(b, id);
    }
    buf_text(b, f->tail);
}

/* The answer to a whole message that has no objects. */
static struct said
of_message(const struct feed_out *out)
{
    switch (out->what) {
    case FEED_BROKEN:
        return feed_fault_count(&out->faults, FAULT_NOT_JSON)
                   ? (struct said){VIID_INVALID_JSON_FORMAT, "报文不是合法 JSON"}
                   : (struct said){VIID_INVALID_JSON_CONTENT, "报文中没有可识别的对象"};
    case FEED_REFUSED:
        return (struct said){VIID_INVALID_OPERATION, "不支持的资源或方法"};
    case FEED_REGISTER:
        return (struct said){VIID_OK, "注册成功"};
    case FEED_UNREGISTER:
        return (struct said){VIID_OK, "注销成功"};
    default:
        return (struct said){VIID_OK, "OK"};
    }
}

static int
http_status(const struct feed_in *in, enum viid_status code)
{
    switch (code) {
    case VIID_BUSY:
        return 503;
    case VIID_INVALID_JSON_FORMAT:
    case VIID_INVALID_JSON_CONTENT:
        return 400;
    case VIID_INVALID_OPERATION:
        return in->method == FEED_POST ? 404 : 405;
    default:
        return 200;
    }
}

static void
put_time(struct buf *b, const struct feed_about *about, const char *local_time)
{
    int minutes = about->zone->offset_min;
    buf_text(b, "{\"SystemTimeObject\":{\"VIIDServerID\":");
    buf_json(b, about->server_id);
    buf_fmt(b, ",\"TimeMode\":\"1\",\"LocalTime\":\"%s\",\"TimeZone\":", local_time);
    if (span_eq_cstr(span_cstr(about->zone->name), "Asia/Shanghai"))
        buf_text(b, "\"Asia/Shanghai\"}}");
    else
        buf_fmt(
            b, "\"GMT%+03d:%02d\"}}", minutes / 60,
            (minutes < 0 ? -minutes : minutes) % 60);
}

/* Every object with its own status. 503 only when all of them must come again. */
static int
put_list(const struct feed_out *out, const struct frame *f, struct buf *b)
{
    size_t busy = 0;
    buf_text(b, "{\"ResponseStatusListObject\":{\"ResponseStatusObject\":[");
    for (size_t i = 0; i < out->objects_n; i++) {
        const struct feed_object *o = &out->objects[i];
        struct said s = of_object(out, o);
        busy += s.code == VIID_BUSY;
        if (i)
            buf_u8(b, ',');
        put_status(b, f, s, o->id);
    }
    buf_text(b, "]}}");
    return busy && busy == out->objects_n ? 503 : 200;
}

void
viid_reply(
    const struct feed_in *in, const struct feed_out *out,
    const struct feed_about *about, struct buf *body, struct feed_reply *reply)
{
    char local_time[TS_TEXT];
    struct frame frame;
    ts_format_viid(local_time, about->now_ms, about->zone, false);
    frame_init(&frame, in->path, local_time);
    reply->type = "application/VIID+JSON;charset=UTF-8";
    reply->status = 200;
    if (out->what == FEED_TIME) {
        put_time(body, about, local_time);
    } else if (out->objects_n && !out->single) {
        reply->status = put_list(out, &frame, body);
    } else {
        bool one = out->objects_n == 1;
        struct said s = one ? of_object(out, &out->objects[0]) : of_message(out);
        struct span id = one ? out->objects[0].id : out->device_code;
        reply->status = one && s.code != VIID_BUSY ? 200 : http_status(in, s.code);
        buf_text(body, "{\"ResponseStatusObject\":");
        put_status(body, &frame, s, id);
        buf_u8(body, '}');
    }
    reply->retry = reply->status == 503;
    buf_release(&frame.head);
}
