/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/v1/gantry: records of ETC gantries (门架) in the field names of the
 * national interface of 2019: the transaction (通行流水) and the picture record
 * (牌识流水). A picture record is a sighting of the gantry like every camera's; a
 * transaction is what the gantry's radio read, a sighting of the site "<gantry>-RSU"
 * with SIGHTING_TAG. The two are never merged here: halves come late, twice or not at
 * all, so whoever compares them (rules/live/etc_*.c) pairs them from what is stored.
 * Fees, card balances and OBU serial numbers are not kept: nothing here needs them.
 * docs/feeds.md says how sure each field name is. */
#include "feeds/feed.h"
#include "feeds/base64.h"
#include "feeds/field.h"
#include "feeds/loose.h"
#include "feeds/taken.h"
#include "feeds/when.h"
#include "model/toll.h"

#include <math.h>
#include <stdlib.h>

enum {
    K_GANTRY,
    K_TRADE,
    K_TRANS_TIME,
    K_PIC,
    K_PIC_TIME,
    K_MEDIUM,
    K_PLATE,
    K_TAG_PLATE,
    K_VLP,
    K_VLPC,
    K_READ_VLP,
    K_READ_VLPC,
    K_CLASS,
    K_READ_CLASS,
    K_READ_TYPE,
    K_GA_CLASS,
    K_BODY,
    K_ANTENNA,
    K_LANE,
    K_HEX,
    K_LAST_HEX,
    K_LAST_TIME,
    K_RESULT,
    K_TRADE_PIC,
    K_SPEED,
    K_SURE,
    K_URL,
    K_IMAGE,
    K_COUNT
};
static const char *const keys[K_COUNT] = {
    [K_GANTRY] = "gantryId",
    [K_TRADE] = "tradeId",
    [K_TRANS_TIME] = "transTime",
    [K_PIC] = "picId",
    [K_PIC_TIME] = "picTime",
    [K_MEDIUM] = "mediaType",
    [K_PLATE] = "vehiclePlate",
    [K_TAG_PLATE] = "obuVehiclePlate",
    [K_VLP] = "vlp",
    [K_VLPC] = "vlpc",
    [K_READ_VLP] = "identifyVlp",
    [K_READ_VLPC] = "identifyVlpc",
    [K_CLASS] = "vehicleType",
    [K_READ_CLASS] = "identifyVehicleType",
    [K_READ_TYPE] = "identifyType",
    [K_GA_CLASS] = "vehicleModel",
    [K_BODY] = "vehicleColor",
    [K_ANTENNA] = "antennaId",
    [K_LANE] = "laneNum",
    [K_HEX] = "gantryHex",
    [K_LAST_HEX] = "lastGantryHex",
    [K_LAST_TIME] = "lastGantryTime",
    [K_RESULT] = "tradeResult",
    [K_TRADE_PIC] = "vehiclePicId",
    [K_SPEED] = "vehicleSpeed",
    [K_SURE] = "reliability",
    [K_URL] = "picUrl",
    [K_IMAGE] = "image",
};

#define CODE_MOST 27u /* with RSU_SUFFIX it fills a site's code */
#define RECORD_ID_MOST 128u
#define PLATE_MOST 64u
#define URL_MOST 1024u
#define DEEP 4u        /* objects around the list */
#define PICTURE_JPEG 1 /* GA/T 1400 image Type: the vehicle */
#define RECORDS_MOST 100000u

extern const struct feed feed_etc_gantry; /* below */

static void *
open_tables(void)
{
    struct dom_keys *k = calloc(1, sizeof *k);
    if (k)
        dom_keys_init(k, keys, K_COUNT);
    return k;
}

struct record {
    const struct feed_in *in;
    const struct feed_needs *needs;
    struct feed_out *out;
    struct dom_value v[K_COUNT];
    char scratch[K_COUNT][LOOSE_TEXT];
    bool tag;
    char code[CODE_MOST + sizeof RSU_SUFFIX];
    char note[TAG_NOTE_TEXT];
    char made_id[FIELD_ID];
};

static struct span
text_of(struct record *r, int key)
{
    struct span s = {NULL, 0};
    struct feed_faults quiet; /* numbers may be numbers and texts here */
    feed_faults_clear(&quiet);
    if (r->v[key].type == DOM_LIST || r->v[key].type == DOM_OBJECT)
        feed_fault(&r->out->faults, FAULT_BAD_CODE, keys[key], s);
    else
        (void)loose_text(
            &r->v[key], keys[key],
            r->v[key].type == DOM_TEXT ? &r->out->faults : &quiet, r->scratch[key], &s);
    return span_trim(s);
}

/* The number of a field, or `absent`; anything past `most` is counted. */
static unsigned
number_of(struct record *r, int key, unsigned most, unsigned absent)
{
    struct span s = text_of(r, key);
    unsigned v;
    if (s.n == 0 || span_eq_cstr(s, "-1")) /* the interface's "not said" */
        return absent;
    if (field_small(s, &v) && v <= most)
        return v;
    feed_fault(&r->out->faults, FAULT_BAD_NUMBER, keys[key], s);
    return absent;
}

/* The interface writes yyyy-MM-ddTHH:mm:ss; every other form that can be read is. */
static bool
time_of(struct record *r, struct span s, ts_ms *out)
{
    enum when_form form;
    if (!when_parse(s, r->in->zone, out, &form))
        return false;
    if (form == WHEN_LEAP)
        feed_fault(&r->out->faults, FAULT_LEAP_SECOND, "time", s);
    return true;
}

/* ---- plates ---- */

/* Plate colours of the toll interface as ColorType. Two-coloured and gradient green
 * plates are green to GA/T 1400, blue-white ones blue. */
static uint8_t
toll_color(unsigned code)
{
    static const uint8_t to[] = {COLOR_BLUE,   COLOR_YELLOW, COLOR_BLACK,  COLOR_WHITE,
                                 COLOR_GREEN,  COLOR_GREEN,  COLOR_BLUE,   COLOR_OTHER,
                                 COLOR_UNREAD, COLOR_UNREAD, COLOR_UNREAD, COLOR_GREEN,
                                 COLOR_RED};
    return code < sizeof to ? to[code] : COLOR_UNREAD;
}

/* "默A00000" and its like stand for a vehicle without a plate that could be read. */
static bool
is_default_plate(struct span s)
{
    return span_starts(s, SPAN("默")) || span_starts(s, SPAN("无")) ||
           span_starts(s, SPAN("未"));
}

static void
put_plate(struct record *r, struct sighting *s, struct span text, struct span color)
{
    struct span plate = text;
    bool differs;
    unsigned code = 9;
    for (size_t i = text.n; i-- > 0 && color.n == 0;)
        if (text.p[i] == '_') {
            plate = span_of(text.p, i);
            color = span_skip(text, i + 1);
        }
    plate = span_trim(plate);
    if (color.n && !field_small(color, &code))
        feed_fault(&r->out->faults, FAULT_BAD_CODE, "vehiclePlate", color);
    s->plate_color = toll_color(code);
    if (is_default_plate(plate))
        return;
    if (plate.n > PLATE_MOST) {
        feed_fault(
            &r->out->faults, FAULT_TOO_BIG, "vehiclePlate", (struct span){NULL, 0});
        return;
    }
    if (plate_parse(plate, &s->plate, &differs) == PLATE_JUNK)
        feed_fault(&r->out->faults, FAULT_ODD_PLATE, "vehiclePlate", plate);
    if (differs)
        s->plate_text = plate;
}

/* ---- the two records ---- */

static uint8_t
sureness(struct record *r)
{
    struct span s = text_of(r, K_SURE);
    double x;
    if (s.n == 0 || span_eq_cstr(s, "-1"))
        return CONFIDENCE_UNKNOWN;
    if (!span_f64(s, &x) || x < 0 || x > 1000) {
        feed_fault(&r->out->faults, FAULT_BAD_NUMBER, keys[K_SURE], s);
        return CONFIDENCE_UNKNOWN;
    }
    bool fraction = x <= 1 && memchr(s.p, '.', s.n);
    return (uint8_t)lround(fraction ? x * 100 : x > 100 ? x / 10 : x);
}

/* The class that was recognised: a code of GA 24.4 where the maker gives one, else the
 * toll class. */
static code3
read_class(struct record *r)
{
    struct span s = text_of(r, K_GA_CLASS);
    code3 c = 0;
    if (s.n && s.n <= 3 && code_find("vehicle_class", s) && code3_parse(s, &c))
        return c;
    unsigned toll = number_of(r, K_READ_CLASS, UINT16_MAX, 0);
    return toll_class(toll ? toll : number_of(r, K_READ_TYPE, UINT16_MAX, 0));
}

static void
put_inline(struct record *r, struct sighting *s)
{
    const struct dom_value *v = &r->v[K_IMAGE];
    struct sighting_batch *b = r->out->batch;
    struct feed_faults *faults = &r->out->faults;
    const struct span nothing = {NULL, 0};
    size_t n;
    if (v->type != DOM_TEXT || v->s.n == 0 || s->image.n)
        return;
    uint8_t *bytes = arena_take(&b->arena, base64_room(v->s.n));
    if (!bytes)
        feed_fault(faults, FAULT_TOO_BIG, keys[K_IMAGE], nothing);
    else if (!base64_decode(v->s, bytes, &n) || n == 0)
        feed_fault(faults, FAULT_BAD_PICTURE, keys[K_IMAGE], nothing);
    else if (!sighting_batch_picture(
                 b, (uint32_t)(b->n - 1), span_of(bytes, n), PICTURE_JPEG))
        feed_fault(faults, FAULT_TOO_BIG, keys[K_IMAGE], nothing);
}

static void
put_picture_record(struct record *r, struct sighting *s)
{
    struct span own = text_of(r, K_PLATE), split = text_of(r, K_READ_VLP);
    uint8_t color = COLOR_UNREAD;
    bool odd;
    if (own.n)
        put_plate(r, s, own, (struct span){NULL, 0});
    else
        put_plate(r, s, split, text_of(r, K_READ_VLPC));
    s->vehicle_class = read_class(r);
    struct span body = text_of(r, K_BODY), speed = text_of(r, K_SPEED);
    if (body.n && field_color(body, NULL, &color, &odd))
        s->vehicle_color = color;
    s->lane = (uint8_t)number_of(r, K_LANE, UINT8_MAX, 0);
    s->confidence = sureness(r);
    if (speed.n && !span_eq_cstr(speed, "-1") && !field_speed(speed, &s->speed_dkmh))
        feed_fault(&r->out->faults, FAULT_BAD_NUMBER, keys[K_SPEED], speed);
    s->image = text_of(r, K_URL);
    if (s->image.n > URL_MOST) {
        feed_fault(&r->out->faults, FAULT_TOO_BIG, keys[K_URL], (struct span){NULL, 0});
        s->image.n = 0;
    }
}

static bool
is_plain(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] < '0' || s.p[i] > '9') && (s.p[i] < 'A' || s.p[i] > 'Z') &&
            (s.p[i] < 'a' || s.p[i] > 'z'))
            return false;
    return true;
}

static void
put_hex(struct record *r, int key, char out[TAG_HEX])
{
    struct span s = text_of(r, key);
    if (is_plain(s) && span_copy(out, TAG_HEX, s))
        return;
    feed_fault(&r->out->faults, FAULT_BAD_CODE, keys[key], s);
    out[0] = 0;
}

static void
put_note(struct record *r, struct sighting *s)
{
    struct tag_note n = {0};
    unsigned medium = number_of(r, K_MEDIUM, UINT16_MAX, 0),
             result = number_of(r, K_RESULT, UINT16_MAX, 0);
    n.medium = medium == 1 ? TAG_OBU : medium == 2 ? TAG_CPC : TAG_UNSAID;
    n.result = result == 1 ? TAG_DONE : result == 2 ? TAG_FAILED : TAG_RESULT_UNSAID;
    put_hex(r, K_HEX, n.own);
    put_hex(r, K_LAST_HEX, n.last);
    struct span last = text_of(r, K_LAST_TIME);
    if (last.n && !time_of(r, last, &n.last_ms))
        feed_fault(&r->out->faults, FAULT_BAD_TIME, keys[K_LAST_TIME], last);
    n.picture = text_of(r, K_TRADE_PIC);
    if (!is_plain(n.picture))
        n.picture.n = 0;
    s->image = tag_note_format(r->note, &n);
}

static void
put_transaction(struct record *r, struct sighting *s)
{
    struct span issued = text_of(r, K_TAG_PLATE), own = text_of(r, K_PLATE);
    if (issued.n)
        put_plate(r, s, issued, (struct span){NULL, 0});
    else if (own.n)
        put_plate(r, s, own, (struct span){NULL, 0});
    else
        put_plate(r, s, text_of(r, K_VLP), text_of(r, K_VLPC));
    s->vehicle_class = toll_class(number_of(r, K_CLASS, UINT16_MAX, 0));
    s->lane = (uint8_t)number_of(r, K_ANTENNA, UINT8_MAX, 0);
    s->flags = SIGHTING_TAG;
    put_note(r, s);
}

/* ---- one record ---- */

static uint8_t
refuse(struct record *r, enum feed_fault fault, int key, struct span sample)
{
    feed_fault(&r->out->faults, fault, keys[key], sample);
    return (uint8_t)(fault + 1);
}

static bool
has(const struct record *r, int key)
{
    return r->v[key].type != DOM_NONE && r->v[key].type != DOM_NULL;
}

/* The site's code: 0, or why not. */
static uint8_t
find_code(struct record *r)
{
    struct span gantry = text_of(r, K_GANTRY);
    if (gantry.n == 0)
        return refuse(r, FAULT_NO_PLACE, K_GANTRY, gantry);
    if (gantry.n > CODE_MOST)
        return refuse(r, FAULT_ID_LENGTH, K_GANTRY, gantry);
    memcpy(r->code, gantry.p, gantry.n);
    memcpy(
        r->code + gantry.n, r->tag ? RSU_SUFFIX : "", r->tag ? sizeof RSU_SUFFIX : 1);
    return 0;
}

static uint8_t
find_id(struct record *r, ts_ms time, struct span *out)
{
    int key = r->tag ? K_TRADE : K_PIC;
    *out = text_of(r, key);
    if (out->n > RECORD_ID_MOST)
        return refuse(r, FAULT_TOO_BIG, key, (struct span){NULL, 0});
    if (out->n)
        return 0;
    feed_fault(&r->out->faults, FAULT_NO_ID, keys[key], *out);
    *out = field_made_id(
        r->made_id, time, span_cstr(r->code), text_of(r, K_PLATE),
        number_of(r, r->tag ? K_ANTENNA : K_LANE, UINT8_MAX, 0));
    return 0;
}

static uint8_t
find_time(struct record *r, ts_ms *out)
{
    int key = r->tag ? K_TRANS_TIME : K_PIC_TIME;
    struct span s = text_of(r, key);
    if (s.n == 0)
        return refuse(r, FAULT_NO_TIME, key, s);
    return time_of(r, s, out) ? 0 : refuse(r, FAULT_BAD_TIME, key, s);
}

/* Puts the row's texts and its place into the batch; false past the cap. */
static bool
keep_row(struct record *r, struct sighting *s)
{
    struct sighting_batch *b = r->out->batch;
    struct feed_site site = {0};
    if (!field_keep_texts(b, s))
        return false;
    struct span code = span_cstr(r->code);
    if (r->needs && r->needs->site && r->needs->site(r->needs->ctx, code, &site))
        s->site = site.id;
    if (s->site.v)
        return true;
    struct span copy = arena_span(&b->arena, code);
    return copy.p && sighting_batch_unplaced(b, (uint32_t)(b->n - 1), copy);
}

static uint8_t
take_record(struct record *r)
{
    struct sighting_batch *b = r->out->batch;
    ts_ms time;
    struct span id;
    uint8_t why;
    r->tag = has(r, K_TRANS_TIME) || !(has(r, K_PIC) || has(r, K_PIC_TIME));
    if ((why = find_time(r, &time)) || (why = find_code(r)) ||
        (why = find_id(r, time, &id)))
        return why;
    struct sighting *s = sighting_batch_add(b);
    if (!s)
        return refuse(r, FAULT_TOO_BIG, K_GANTRY, (struct span){NULL, 0});
    s->pass_ms = time;
    s->arrive_ms = r->in->now_ms;
    s->record_id = id; /* device stays 0: a platform sends for all its gantries, and a
                          file must meet what came over the wire */
    if (r->tag)
        put_transaction(r, s);
    else
        put_picture_record(r, s);
    if (!keep_row(r, s)) {
        b->n--;
        return refuse(r, FAULT_TOO_BIG, K_GANTRY, (struct span){NULL, 0});
    }
    if (!r->tag)
        put_inline(r, s);
    return 0;
}

static void
one_record(
    struct feed_run *run, const struct feed_in *in, struct feed_out *out,
    struct dom_node node, uint32_t number)
{
    struct feed_object *o = &out->objects[out->objects_n++];
    struct record r = {.in = in, .needs = run->needs, .out = out};
    bool other_case = false;
    *o = (struct feed_object){.row = FEED_NO_ROW, .line = number};
    if (dom_type_of(node) != DOM_OBJECT) {
        feed_fault(&out->faults, FAULT_NOT_OBJECT, "record", (struct span){NULL, 0});
        o->fault = FAULT_NOT_OBJECT + 1;
        return;
    }
    dom_fields(node, run->own, r.v, &other_case);
    if (other_case)
        feed_fault(&out->faults, FAULT_KEY_CASE, "record", (struct span){NULL, 0});
    size_t before = out->batch->n;
    o->fault = take_record(&r);
    if (o->fault)
        return;
    o->row = (uint32_t)before;
    o->rows = 1;
    o->id = out->batch->rows[before].record_id;
}

/* ---- the message ---- */

static bool
is_record(struct feed_run *run, struct dom_node node)
{
    struct dom_value v[K_COUNT];
    bool other_case;
    dom_fields(node, run->own, v, &other_case);
    return v[K_GANTRY].type != DOM_NONE || v[K_TRADE].type != DOM_NONE ||
           v[K_PIC].type != DOM_NONE;
}

/* The list within whatever stands around it: the platforms name it each their own way
 * ("etctu", "viu", "data"). A record alone is its own list. */
static bool
find_list(
    struct feed_run *run, struct feed_out *out, struct dom_node root,
    struct dom_node *list)
{
    for (unsigned depth = 0; depth < DEEP; depth++) {
        if (dom_type_of(root) == DOM_LIST) {
            *list = root;
            if (depth)
                feed_fault(&out->faults, FAULT_WRAPPER, "body", (struct span){NULL, 0});
            return true;
        }
        if (dom_type_of(root) != DOM_OBJECT)
            return false;
        if (is_record(run, root)) {
            out->single = true;
            *list = root;
            feed_fault(&out->faults, FAULT_SINGLE, "body", (struct span){NULL, 0});
            return true;
        }
        struct dom_iter it = dom_walk(root);
        struct dom_node member, inner = root;
        struct span key;
        bool found = false;
        while (!found && dom_next_pair(&it, &key, &member)) {
            enum dom_type type = dom_type_of(member);
            found = type == DOM_LIST || type == DOM_OBJECT;
            inner = member;
        }
        if (!found)
            return false;
        root = inner;
    }
    return false;
}

static enum err
make_room(struct feed_out *out, size_t records, size_t bytes)
{
    size_t rows = records < RECORDS_MOST ? records : RECORDS_MOST;
    out->what = FEED_PASSES;
    out->objects = arena_array(out->arena, records + 1, sizeof *out->objects);
    out->batch = sighting_batch_new(rows + 1, bytes + rows * 1024 + (1u << 16));
    return out->objects && out->batch ? OK : ERR_NOMEM;
}

static void
too_many(struct feed_out *out, uint32_t number)
{
    feed_fault(&out->faults, FAULT_TOO_MANY, "record", (struct span){NULL, 0});
    out->objects[out->objects_n++] = (struct feed_object){
        .row = FEED_NO_ROW, .line = number, .fault = FAULT_TOO_MANY + 1};
}

static enum err
decode_list(
    struct feed_run *run, const struct feed_in *in, struct feed_out *out,
    struct dom_node list)
{
    size_t n = out->single ? 1 : dom_size(list);
    enum err e = make_room(out, n, in->body.n);
    struct dom_iter it = dom_walk(list);
    struct dom_node node = list;
    if (e)
        return e;
    for (uint32_t number = 1; out->single ? number == 1 : dom_next(&it, &node);
         number++)
        if (number > RECORDS_MOST)
            too_many(out, number);
        else
            one_record(run, in, out, node, number);
    return OK;
}

/* ---- one record a line ---- */

/* A first line that is an object by itself: the rest is read line by line. */
static bool
is_lines(struct span body)
{
    struct span line = span_trim(span_cut(&body, '\n'));
    return line.n > 1 && line.p[0] == '{' && line.p[line.n - 1] == '}' &&
           span_trim(body).n > 0;
}

static enum err
decode_lines(
    struct feed_run *run, const struct feed_in *in, struct feed_out *out,
    struct span body)
{
    size_t lines = 1;
    for (size_t i = 0; i < body.n; i++)
        lines += body.p[i] == '\n';
    enum err e = make_room(out, lines, body.n);
    if (e)
        return e;
    for (uint32_t number = 1; body.n; number++) {
        struct span line = span_trim(span_cut(&body, '\n'));
        struct dom_node node;
        enum dom_fault fault;
        if (line.n == 0)
            continue;
        if (out->objects_n >= RECORDS_MOST) {
            too_many(out, number);
        } else if (dom_parse(run->dom, line, &node, &fault) == OK) {
            one_record(run, in, out, node, number);
        } else {
            enum feed_fault why =
                fault == DOM_BAD_UTF8 ? FAULT_NOT_UTF8 : FAULT_NOT_JSON;
            feed_fault(&out->faults, why, "line", line);
            out->objects[out->objects_n++] = (struct feed_object){
                .row = FEED_NO_ROW, .line = number, .fault = (uint8_t)(why + 1)};
        }
    }
    return OK;
}

static enum err
decode(struct feed_run *run, const struct feed_in *in, struct feed_out *out)
{
    struct dom_node root, list;
    enum dom_fault fault;
    struct span text;
    if (in->method != FEED_POST) {
        feed_fault(&out->faults, FAULT_UNSUPPORTED, "method", (struct span){NULL, 0});
        out->what = FEED_REFUSED;
        return OK;
    }
    if (is_lines(in->body))
        return decode_lines(run, in, out, in->body);
    if (!feed_json(run, in, out, &text, &root, &fault))
        return OK; /* broken, and counted */
    if (!find_list(run, out, root, &list)) {
        feed_fault(&out->faults, FAULT_NOT_OBJECT, "body", (struct span){NULL, 0});
        return OK;
    }
    return decode_list(run, in, out, list);
}

static void
reply(
    const struct feed_in *in, const struct feed_out *out,
    const struct feed_about *about, struct buf *body, struct feed_reply *head)
{
    (void)in;
    if (out->what != FEED_BROKEN) {
        taken_reply(out, about, body, head);
        return;
    }
    bool json = feed_fault_count(&out->faults, FAULT_NOT_OBJECT) > 0;
    head->status = 400;
    head->type = "application/json";
    buf_text(body, "{\"error\":{\"code\":\"bad_body\",\"message\":");
    buf_json(
        body, span_cstr(
                  about->english
                      ? (json ? "send a list of gantry records: none is in this body"
                              : "the body is not JSON: send a list of gantry records")
                      : (json ? "请发送门架流水列表，此报文中没有流水记录"
                              : "报文不是合法 JSON，请发送门架流水列表")));
    buf_text(body, "}}");
}

const struct feed feed_etc_gantry = {
    .name = "etc_gantry",
    .zh = "ETC 门架通行流水与牌识流水",
    .en = "ETC gantries: transactions and picture records",
    .standard = "交通运输部公告 2019 年第 35 号",
    .clause = "门架通行流水、门架牌识流水",
    .transport = FEED_HTTP,
    .path = "/api/v1/gantry",
    .body_max = 16u << 20,
    .objects_max = RECORDS_MOST,
    .overflow = FEED_BUSY,
    .open = open_tables,
    .close = free,
    .decode = decode,
    .reply = reply,
};
