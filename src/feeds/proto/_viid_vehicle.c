/* SPDX-License-Identifier: Apache-2.0 */
/* MotorVehicle (GA/T 1400.3) to a row of the batch. The hot path of the daemon: one
 * call takes the object apart, a record costs one arena take for its texts and one for
 * each picture. */
#include "feeds/proto/_viid.h"

#include "feeds/base64.h"
#include "feeds/field.h"

#include <math.h>

enum {
    V_ID,
    V_KIND,
    V_TOLLGATE,
    V_DEVICE,
    V_URL1,
    V_URL2,
    V_URL3,
    V_URL4,
    V_URL5,
    V_LANE,
    V_DIRECTION,
    V_SPEED,
    V_HAS_PLATE,
    V_PLATE_COLOR,
    V_PLATE,
    V_RELIABILITY,
    V_DECKED,
    V_ALTERED,
    V_COVERED,
    V_CLASS,
    V_BRAND,
    V_COLOR,
    V_PASS,
    V_APPEAR,
    V_MARK,
    V_PICTURES,
    V_COUNT
};

static const char *const vehicle_keys[V_COUNT] = {
    [V_ID] = "MotorVehicleID",   [V_KIND] = "InfoKind",
    [V_TOLLGATE] = "TollgateID", [V_DEVICE] = "DeviceID",
    [V_URL1] = "StorageUrl1",    [V_URL2] = "StorageUrl2",
    [V_URL3] = "StorageUrl3",    [V_URL4] = "StorageUrl4",
    [V_URL5] = "StorageUrl5",    [V_LANE] = "LaneNo",
    [V_DIRECTION] = "Direction", [V_SPEED] = "Speed",
    [V_HAS_PLATE] = "HasPlate",  [V_PLATE_COLOR] = "PlateColor",
    [V_PLATE] = "PlateNo",       [V_RELIABILITY] = "PlateReliability",
    [V_DECKED] = "IsDecked",     [V_ALTERED] = "IsAltered",
    [V_COVERED] = "IsCovered",   [V_CLASS] = "VehicleClass",
    [V_BRAND] = "VehicleBrand",  [V_COLOR] = "VehicleColor",
    [V_PASS] = "PassTime",       [V_APPEAR] = "AppearTime",
    [V_MARK] = "MarkTime",       [V_PICTURES] = "SubImageList",
};

enum { P_ID, P_TYPE, P_PATH, P_SHOT, P_DATA, P_COUNT };
static const char *const picture_keys[P_COUNT] = {
    [P_ID] = "ImageID",    [P_TYPE] = "Type", [P_PATH] = "StoragePath",
    [P_SHOT] = "ShotTime", [P_DATA] = "Data",
};

#define VEHICLE_ID_LENGTH 48
#define RECORD_ID_MOST 256
#define IMAGE_MOST 1024
#define PLATE_MOST 64
#define CODE_MOST 31 /* a site's code has 32 bytes */
#define PICTURES_MOST 16

void
viid_vehicle_keys(struct viid *v)
{
    dom_keys_init(&v->vehicle, vehicle_keys, V_COUNT);
    dom_keys_init(&v->picture, picture_keys, P_COUNT);
}

bool
viid_is_vehicle(struct dom_node node)
{
    struct dom_iter it = dom_walk(node);
    struct span key;
    struct dom_node member;
    while (dom_next_pair(&it, &key, &member))
        if (span_eq_cstr(key, "MotorVehicleID") || span_eq_cstr(key, "PlateNo") ||
            span_eq_cstr(key, "PassTime"))
            return true;
    return false;
}

/* ---- single fields ---- */

static uint8_t
color_of(
    struct viid_job *job, const struct dom_value *v, const char *field,
    const struct color_map *map)
{
    char scratch[LOOSE_TEXT];
    struct span s;
    uint8_t color = COLOR_UNREAD;
    bool odd;
    if (!loose_text(v, field, job->faults, scratch, &s))
        return COLOR_UNREAD;
    bool known = field_color(s, map, &color, &odd);
    if (known && !odd)
        return color;
    feed_fault(job->faults, FAULT_BAD_CODE, field, s);
    return known ? color : COLOR_UNREAD;
}

static code3
code_of(struct viid_job *job, const struct dom_value *v, const char *field)
{
    char scratch[LOOSE_TEXT];
    struct span s;
    code3 code;
    if (!loose_text(v, field, job->faults, scratch, &s))
        return 0;
    if (code3_parse(s, &code))
        return code;
    feed_fault(job->faults, FAULT_BAD_CODE, field, s);
    return 0;
}

static uint8_t
direction_of(struct viid_job *job, const struct dom_value *v)
{
    char scratch[LOOSE_TEXT];
    struct span s;
    unsigned code;
    if (!loose_text(v, "Direction", job->faults, scratch, &s))
        return DIR_UNKNOWN;
    if (field_small(s, &code) && code <= UINT8_MAX) {
        if (code > DIR_OTHER)
            feed_fault(job->faults, FAULT_BAD_CODE, "Direction", s);
        return (uint8_t)code;
    }
    feed_fault(job->faults, FAULT_BAD_CODE, "Direction", s);
    return DIR_UNKNOWN;
}

static uint16_t
speed_of(struct viid_job *job, const struct dom_value *v)
{
    double kmh;
    if (!loose_number(v, "Speed", job->faults, 0, 500, &kmh))
        return SPEED_UNKNOWN;
    return (uint16_t)lround(kmh * 10);
}

static uint8_t
reliability_of(struct viid_job *job, const struct dom_value *v)
{
    double x;
    if (v->type == DOM_TEXT) { /* s3 by the standard: a text is right here */
        struct span s = span_trim(v->s);
        unsigned percent;
        if (s.n == 0)
            return CONFIDENCE_UNKNOWN;
        if (field_small(s, &percent) && percent <= 100)
            return (uint8_t)percent;
        if (!span_f64(s, &x)) {
            feed_fault(job->faults, FAULT_BAD_NUMBER, "PlateReliability", s);
            return CONFIDENCE_UNKNOWN;
        }
    } else if (!loose_number(v, "PlateReliability", job->faults, 0, 100, &x)) {
        return CONFIDENCE_UNKNOWN;
    }
    if (x < 0 || x > 100) {
        feed_fault(job->faults, FAULT_BAD_NUMBER, "PlateReliability", v->s);
        return CONFIDENCE_UNKNOWN;
    }
    bool fraction = x > 0 && x <= 1 && v->type != DOM_INT; /* 0.93 for 93 */
    return (uint8_t)lround(fraction ? x * 100 : x);
}

static uint8_t
flags_of(struct viid_job *job, const struct dom_value *v, struct plate plate)
{
    static const struct {
        uint8_t key, flag;
    } rows[] = {
        {V_DECKED, SIGHTING_DECKED},
        {V_ALTERED, SIGHTING_ALTERED},
        {V_COVERED, SIGHTING_COVERED}};
    unsigned flags = 0;
    bool yes;
    int64_t kind;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (loose_bool(&v[rows[i].key], vehicle_keys[rows[i].key], job->faults, &yes) &&
            yes)
            flags |= rows[i].flag;
    if (loose_bool(&v[V_HAS_PLATE], "HasPlate", job->faults, &yes) && !yes &&
        plate_is_none(plate))
        flags |= SIGHTING_NO_PLATE;
    if (loose_int(&v[V_KIND], "InfoKind", job->faults, 0, 99, &kind) && kind == 2)
        flags |= SIGHTING_BY_HAND;
    return (uint8_t)flags;
}

/* ---- the record ---- */

/* The list of SubImageInfoObject in whatever wrapping; empty iterator when there is
 * none. */
static struct dom_iter
picture_list(const struct dom_value *v)
{
    struct dom_iter none = {{0, 0}, {0, 0}};
    struct dom_node node;
    struct span key;
    if (v->type == DOM_LIST)
        return dom_walk(v->node);
    if (v->type != DOM_OBJECT)
        return none;
    struct dom_iter it = dom_walk(v->node);
    while (dom_next_pair(&it, &key, &node))
        if (dom_type_of(node) == DOM_LIST)
            return dom_walk(node);
    return none;
}

static bool
time_of(struct viid_job *job, const struct dom_value *v, ts_ms *out)
{
    static const uint8_t order[] = {V_PASS, V_APPEAR, V_MARK};
    for (size_t i = 0; i < sizeof order; i++)
        if (loose_time(
                &v[order[i]], vehicle_keys[order[i]], job->faults, job->in->zone, out))
            return true;
    struct dom_iter it = picture_list(&v[V_PICTURES]);
    struct dom_node node;
    struct dom_value p[P_COUNT];
    bool other_case = false;
    while (dom_next(&it, &node)) {
        dom_fields(node, &job->v->picture, p, &other_case);
        if (loose_time(&p[P_SHOT], "ShotTime", job->faults, job->in->zone, out))
            return true;
    }
    return false;
}

/* What the record says about its place: TollgateID, else DeviceID, else who sent it. */
static struct span
place_code(struct viid_job *job, const struct dom_value *v, char *scratch)
{
    struct span s;
    if (loose_text(&v[V_TOLLGATE], "TollgateID", job->faults, scratch, &s) &&
        s.n <= CODE_MOST)
        return s;
    if (loose_text(&v[V_DEVICE], "DeviceID", job->faults, scratch, &s) &&
        s.n <= CODE_MOST)
        return s;
    return job->in->site.v || job->in->device_code.n > CODE_MOST
               ? (struct span){NULL, 0}
               : job->in->device_code;
}

/* The site of a code; the same code as in the record before is not asked again. */
static const struct feed_site *
site_of(struct viid_job *job, struct span code)
{
    if (job->last_known && span_eq(job->last_code, code))
        return &job->last_site;
    job->last_known = false;
    job->last_site = (struct feed_site){job->in->site, NULL};
    if (code.n == 0)
        return &job->last_site;
    job->last_site = (struct feed_site){0};
    const struct feed_needs *needs = job->run->needs;
    if (needs && needs->site)
        (void)needs->site(needs->ctx, code, &job->last_site);
    if (job->last_site.colors &&
        span_eq_cstr(span_cstr(job->last_site.colors->name), "gat1400"))
        job->last_site.colors = NULL;
    memcpy(job->code_text, code.p, code.n);
    job->last_code = span_of(job->code_text, code.n);
    job->last_known = true;
    return &job->last_site;
}

static bool
text_in(
    struct viid_job *job, const struct dom_value *v, const char *field,
    struct span *out)
{
    *out = v->s;
    return v->type == DOM_TEXT && loose_whole(field, job->faults, out) && out->n;
}

static struct span
image_of(struct viid_job *job, const struct dom_value *v)
{
    static const uint8_t order[] = {V_URL1, V_URL3, V_URL4, V_URL2, V_URL5};
    struct span s;
    for (size_t i = 0; i < sizeof order; i++)
        if (text_in(job, &v[order[i]], vehicle_keys[order[i]], &s))
            return s;
    struct dom_iter it = picture_list(&v[V_PICTURES]);
    struct dom_node node;
    struct dom_value p[P_COUNT];
    bool other_case = false;
    while (dom_next(&it, &node)) {
        dom_fields(node, &job->v->picture, p, &other_case);
        if (text_in(job, &p[P_PATH], picture_keys[P_PATH], &s))
            return s;
    }
    return (struct span){NULL, 0};
}

/* Types that show a person's face or body are not ours to keep. */
static bool
shows_person(unsigned type)
{
    return type == 4 || type == 5 || type == 10 || type == 11;
}

static void
add_picture(struct viid_job *job, uint32_t row, struct span data, unsigned type)
{
    struct sighting_batch *b = job->out->batch;
    size_t n = 0;
    uint8_t *bytes = arena_take(&b->arena, base64_room(data.n));
    if (!bytes) {
        feed_fault(job->faults, FAULT_TOO_BIG, "Data", (struct span){NULL, 0});
        return;
    }
    if (!base64_decode(data, bytes, &n) || n < 4) {
        feed_fault(
            job->faults, FAULT_BAD_PICTURE, "Data",
            span_of(data.p, data.n < 24 ? data.n : 24));
        return;
    }
    if (!sighting_batch_picture(b, row, span_of(bytes, n), (uint8_t)type))
        feed_fault(job->faults, FAULT_TOO_BIG, "SubImageList", (struct span){NULL, 0});
}

static void
add_pictures(struct viid_job *job, const struct dom_value *v, uint32_t row)
{
    struct dom_iter it = picture_list(v);
    struct dom_node node;
    struct dom_value p[P_COUNT];
    bool other_case = false;
    for (unsigned n = 0; dom_next(&it, &node) && n < PICTURES_MOST; n++) {
        char scratch[LOOSE_TEXT];
        struct span type_text;
        unsigned type = 0;
        dom_fields(node, &job->v->picture, p, &other_case);
        if (p[P_DATA].type != DOM_TEXT || p[P_DATA].s.n == 0)
            continue;
        if (loose_text(&p[P_TYPE], "Type", job->faults, scratch, &type_text) &&
            (!field_small(type_text, &type) || type > UINT8_MAX)) {
            feed_fault(job->faults, FAULT_BAD_CODE, "Type", type_text);
            type = 0;
        }
        if (shows_person(type))
            feed_fault(
                job->faults, FAULT_OUT_OF_SCOPE, "SubImageInfoObject", type_text);
        else
            add_picture(job, row, p[P_DATA].s, type);
    }
}

/* The plate, and its text where that must be kept. */
static struct span
plate_of(struct viid_job *job, const struct dom_value *v, struct plate *plate)
{
    char scratch[LOOSE_TEXT];
    struct span s;
    bool differs;
    *plate = PLATE_NONE;
    if (!loose_text(v, "PlateNo", job->faults, scratch, &s))
        return (struct span){NULL, 0};
    if (s.n > PLATE_MOST) {
        feed_fault(job->faults, FAULT_TOO_BIG, "PlateNo", (struct span){NULL, 0});
        s.n = PLATE_MOST;
    }
    if (plate_parse(s, plate, &differs) == PLATE_JUNK)
        feed_fault(job->faults, FAULT_ODD_PLATE, "PlateNo", s);
    if (!differs)
        return (struct span){NULL, 0};
    return v->type == DOM_TEXT ? s : viid_keep(job, s);
}

static bool
refuse(
    struct viid_job *job, enum feed_fault fault, const char *field, struct span sample)
{
    feed_fault(job->faults, fault, field, sample);
    job->last_fault = (uint8_t)(fault + 1);
    return false;
}

/* The record's id as sent; empty when it has none. */
static struct span
record_id(struct viid_job *job, const struct dom_value *v)
{
    struct span s = {NULL, 0};
    if (!loose_text(v, "MotorVehicleID", job->faults, job->id_scratch, &s))
        return (struct span){NULL, 0};
    if (s.n != VEHICLE_ID_LENGTH)
        feed_fault(job->faults, FAULT_ID_LENGTH, "MotorVehicleID", s);
    return s;
}

static bool
fill(
    struct viid_job *job, const struct dom_value *v, struct sighting *s,
    struct span code)
{
    const struct feed_site *site = site_of(job, code);
    s->site = site->id;
    s->device = job->in->device;
    s->arrive_ms = job->in->now_ms;
    s->plate_text = plate_of(job, &v[V_PLATE], &s->plate);
    s->plate_color = color_of(job, &v[V_PLATE_COLOR], "PlateColor", site->colors);
    s->vehicle_color = color_of(job, &v[V_COLOR], "VehicleColor", NULL);
    s->vehicle_class = code_of(job, &v[V_CLASS], "VehicleClass");
    s->brand = code_of(job, &v[V_BRAND], "VehicleBrand");
    s->direction = direction_of(job, &v[V_DIRECTION]);
    s->speed_dkmh = speed_of(job, &v[V_SPEED]);
    s->confidence = reliability_of(job, &v[V_RELIABILITY]);
    s->flags = flags_of(job, v, s->plate);
    int64_t lane;
    if (loose_int(&v[V_LANE], "LaneNo", job->faults, 0, UINT8_MAX, &lane))
        s->lane = (uint8_t)lane;
    s->image = image_of(job, v);
    if (s->image.n > IMAGE_MOST) {
        feed_fault(job->faults, FAULT_TOO_BIG, "StorageUrl1", (struct span){NULL, 0});
        s->image.n = 0;
    }
    char id[FIELD_ID];
    if (s->record_id.n == 0) {
        feed_fault(job->faults, FAULT_NO_ID, "MotorVehicleID", (struct span){NULL, 0});
        struct span plate =
            v[V_PLATE].type == DOM_TEXT ? v[V_PLATE].s : (struct span){NULL, 0};
        s->record_id = field_made_id(id, s->pass_ms, code, plate, s->lane);
    }
    return field_keep_texts(job->out->batch, s);
}

bool
viid_vehicle(struct viid_job *job, struct dom_node node, struct span extra)
{
    struct dom_value v[V_COUNT];
    char code_scratch[LOOSE_TEXT];
    bool other_case = false;
    ts_ms pass_ms;
    struct sighting_batch *b = job->out->batch;
    job->last_fault = 0;
    job->last_id = (struct span){NULL, 0};
    if (dom_type_of(node) != DOM_OBJECT)
        return refuse(
            job, FAULT_NOT_OBJECT, "MotorVehicleObject", (struct span){NULL, 0});
    dom_fields(node, &job->v->vehicle, v, &other_case);
    if (other_case)
        feed_fault(
            job->faults, FAULT_KEY_CASE, "MotorVehicleObject", (struct span){NULL, 0});
    struct span id = record_id(job, &v[V_ID]);
    job->last_id = id;
    if (id.n > RECORD_ID_MOST) {
        job->last_id.n = RECORD_ID_MOST;
        return refuse(job, FAULT_TOO_BIG, "MotorVehicleID", (struct span){NULL, 0});
    }
    if (!time_of(job, v, &pass_ms))
        return refuse(
            job, FAULT_NO_TIME, "PassTime",
            v[V_PASS].type == DOM_TEXT ? v[V_PASS].s : id);
    struct span code = place_code(job, v, code_scratch);
    if (code.n == 0 && job->in->site.v == 0)
        return refuse(job, FAULT_NO_PLACE, "TollgateID", id);
    struct sighting *s = sighting_batch_add(b);
    if (!s)
        return refuse(
            job, FAULT_TOO_MANY, "MotorVehicleObject", (struct span){NULL, 0});
    uint32_t row = (uint32_t)(b->n - 1);
    s->pass_ms = pass_ms;
    s->record_id = id;
    bool kept = fill(job, v, s, code);
    if (kept && s->site.v == 0) {
        struct span copy = arena_span(&b->arena, code);
        kept = copy.p && sighting_batch_unplaced(b, row, copy);
    }
    if (!kept) {
        b->n--;
        job->err = ERR_TOOBIG;
        return refuse(job, FAULT_TOO_BIG, "MotorVehicleObject", (struct span){NULL, 0});
    }
    job->last_id = s->record_id;
    add_pictures(job, &v[V_PICTURES], row);
    if (extra.n)
        add_picture(job, row, extra, 1);
    return true;
}
