/* SPDX-License-Identifier: Apache-2.0 */
/* Everything of GA/T 1400 that is no vehicle: tollgates, lanes and devices as far as a
 * camera needs, and what other platforms ask of us. */
#include "feeds/proto/_viid.h"

#include <math.h>

enum {
    L_TOLLGATE,
    L_LANE,
    L_APE,
    L_NAME,
    L_LON,
    L_LAT,
    L_PLACE,
    L_ORG,
    L_LANES,
    L_LANE_NO,
    L_DIRECTION,
    L_LIMIT,
    L_CITY_PASS,
    L_MODEL,
    L_ADDRESS,
    L_FUNCTION,
    L_ONLINE,
    L_COUNT
};
static const char *const place_keys[L_COUNT] = {
    [L_TOLLGATE] = "TollgateID", [L_LANE] = "LaneId",
    [L_APE] = "ApeID",           [L_NAME] = "Name",
    [L_LON] = "Longitude",       [L_LAT] = "Latitude",
    [L_PLACE] = "Place",         [L_ORG] = "OrgCode",
    [L_LANES] = "LaneNum",       [L_LANE_NO] = "LaneNo",
    [L_DIRECTION] = "Direction", [L_LIMIT] = "MaxSpeed",
    [L_CITY_PASS] = "CityPass",  [L_MODEL] = "Model",
    [L_ADDRESS] = "IPAddr",      [L_FUNCTION] = "FunctionType",
    [L_ONLINE] = "IsOnline",
};

enum {
    A_SUBSCRIBE,
    A_DISPOSITION,
    A_NOTIFICATION,
    A_TITLE,
    A_DETAIL,
    A_URI,
    A_ADDRESS,
    A_APPLICANT,
    A_REASON,
    A_CLASS,
    A_OPERATE,
    A_IMAGE,
    A_FEATURE,
    A_BEGIN,
    A_END,
    A_APPEAR,
    A_COUNT
};
static const char *const ask_keys[A_COUNT] = {
    [A_SUBSCRIBE] = "SubscribeID",
    [A_DISPOSITION] = "DispositionID",
    [A_NOTIFICATION] = "NotificationID",
    [A_TITLE] = "Title",
    [A_DETAIL] = "SubscribeDetail",
    [A_URI] = "ResourceURI",
    [A_ADDRESS] = "ReceiveAddr",
    [A_APPLICANT] = "ApplicantName",
    [A_REASON] = "Reason",
    [A_CLASS] = "ResourceClass",
    [A_OPERATE] = "OperateType",
    [A_IMAGE] = "ResultImageDeclare",
    [A_FEATURE] = "ResultFeatureDeclare",
    [A_BEGIN] = "BeginTime",
    [A_END] = "EndTime",
    [A_APPEAR] = "AppearTime",
};

#define TEXT_MOST 1024

void
viid_place_keys(struct viid *v)
{
    dom_keys_init(&v->place, place_keys, L_COUNT);
    dom_keys_init(&v->other, ask_keys, A_COUNT);
}

/* A text of an object, kept; empty when absent. */
static struct span
text(struct viid_job *job, const struct dom_value *v, const char *field)
{
    char scratch[LOOSE_TEXT];
    struct span s;
    if (!loose_text(v, field, job->faults, scratch, &s))
        return (struct span){NULL, 0};
    if (s.n > TEXT_MOST) {
        feed_fault(job->faults, FAULT_TOO_BIG, field, (struct span){NULL, 0});
        return (struct span){NULL, 0};
    }
    return viid_keep(job, s);
}

static int64_t
number(
    struct viid_job *job, const struct dom_value *v, const char *field, int64_t max,
    int64_t absent)
{
    int64_t n;
    return loose_int(v, field, job->faults, 0, max, &n) ? n : absent;
}

static uint8_t
byte(struct viid_job *job, const struct dom_value *v, unsigned key)
{
    char scratch[LOOSE_TEXT];
    struct span s;
    uint64_t n;
    /* codes of one character are texts by the standard, counts are numbers: both are
     * read */
    if (v[key].type == DOM_INT)
        return (uint8_t)number(job, &v[key], place_keys[key], UINT8_MAX, 0);
    if (!loose_text(&v[key], place_keys[key], job->faults, scratch, &s))
        return 0;
    if (span_u64(span_trim(s), &n) && n <= UINT8_MAX)
        return (uint8_t)n;
    feed_fault(job->faults, FAULT_BAD_NUMBER, place_keys[key], s);
    return 0;
}

static void
position(struct viid_job *job, const struct dom_value *v, struct feed_place *p)
{
    double lon, lat;
    if (!loose_number(&v[L_LON], "Longitude", job->faults, -180, 180, &lon) ||
        !loose_number(&v[L_LAT], "Latitude", job->faults, -90, 90, &lat) ||
        (lon == 0 && lat == 0))
        return;
    p->has_position = true;
    p->lon = (e7)lround(lon * 1e7);
    p->lat = (e7)lround(lat * 1e7);
}

void
viid_place(
    struct viid_job *job, enum feed_place_kind kind, struct dom_node node, size_t i)
{
    static const uint8_t id_of[] = {
        [PLACE_TOLLGATE] = L_TOLLGATE, [PLACE_LANE] = L_LANE, [PLACE_DEVICE] = L_APE};
    struct dom_value v[L_COUNT];
    bool other_case = false;
    struct feed_place *p = &job->out->places[i];
    dom_fields(node, &job->v->place, v, &other_case);
    p->kind = kind;
    p->code = text(job, &v[id_of[kind]], place_keys[id_of[kind]]);
    if (kind != PLACE_TOLLGATE)
        p->tollgate = text(job, &v[L_TOLLGATE], "TollgateID");
    p->name = text(job, &v[L_NAME], "Name");
    p->place = text(job, &v[L_PLACE], "Place");
    p->org = text(job, &v[L_ORG], "OrgCode");
    p->model = text(job, &v[L_MODEL], "Model");
    p->address = text(job, &v[L_ADDRESS], "IPAddr");
    p->functions = text(job, &v[L_FUNCTION], "FunctionType");
    position(job, v, p);
    p->lanes = byte(job, v, L_LANES);
    p->lane_no = byte(job, v, L_LANE_NO);
    p->direction = byte(job, v, L_DIRECTION);
    p->limit_kmh = byte(job, v, L_LIMIT);
    p->city_pass = byte(job, v, L_CITY_PASS);
    p->online = byte(job, v, L_ONLINE);
}

/* ---- what others ask ---- */

/* "-1" is common here, and these are texts or numbers as the sender likes. */
static int64_t
declared(struct viid_job *job, const struct dom_value *v, const char *field)
{
    char scratch[LOOSE_TEXT];
    struct span s;
    int64_t n;
    if (v->type == DOM_INT)
        return v->i;
    if (!loose_text(v, field, job->faults, scratch, &s) || !span_i64(span_trim(s), &n))
        return -1;
    feed_fault(job->faults, FAULT_STRING_FOR_NUMBER, field, (struct span){NULL, 0});
    return n;
}

static ts_ms
time_or_zero(struct viid_job *job, const struct dom_value *v, const char *field)
{
    ts_ms t;
    return loose_time(v, field, job->faults, job->in->zone, &t) ? t : 0;
}

void
viid_ask(struct viid_job *job, enum feed_ask_kind kind, struct dom_node node, size_t i)
{
    static const uint8_t id_of[] = {
        [ASK_SUBSCRIBE] = A_SUBSCRIBE,
        [ASK_DISPOSITION] = A_DISPOSITION,
        [ASK_NOTICE] = A_NOTIFICATION,
        [ASK_OTHER] = A_NOTIFICATION};
    struct dom_value v[A_COUNT];
    bool other_case = false;
    struct feed_ask *a = &job->out->asks[i];
    dom_fields(node, &job->v->other, v, &other_case);
    a->kind = kind;
    a->id = text(job, &v[id_of[kind]], ask_keys[id_of[kind]]);
    a->subscribe_id = text(job, &v[A_SUBSCRIBE], "SubscribeID");
    a->title = text(job, &v[A_TITLE], "Title");
    a->detail = text(job, &v[A_DETAIL], "SubscribeDetail");
    a->resource = text(job, &v[A_URI], "ResourceURI");
    a->address = text(job, &v[A_ADDRESS], "ReceiveAddr");
    a->applicant = text(job, &v[A_APPLICANT], "ApplicantName");
    a->reason = text(job, &v[A_REASON], "Reason");
    a->resource_class = declared(job, &v[A_CLASS], "ResourceClass");
    a->operate =
        v[A_OPERATE].type == DOM_NONE ? 0 : declared(job, &v[A_OPERATE], "OperateType");
    a->result_image = declared(job, &v[A_IMAGE], "ResultImageDeclare");
    a->result_feature = declared(job, &v[A_FEATURE], "ResultFeatureDeclare");
    a->begin_ms = time_or_zero(job, &v[A_BEGIN], "BeginTime");
    a->end_ms = time_or_zero(job, &v[A_END], "EndTime");
    a->appear_ms = time_or_zero(job, &v[A_APPEAR], "AppearTime");
}

static bool
is_id_key(struct span key)
{
    return key.n > 2 && (span_eq_cstr(span_skip(key, key.n - 2), "ID") ||
                         span_eq_cstr(span_skip(key, key.n - 2), "Id"));
}

struct span
viid_any_id(struct viid_job *job, struct dom_node node)
{
    struct dom_iter it = dom_walk(node);
    struct span key, found = {NULL, 0};
    struct dom_node member;
    struct dom_value v;
    if (dom_type_of(node) != DOM_OBJECT)
        return found;
    while (dom_next_pair(&it, &key, &member)) {
        if (!is_id_key(key))
            continue;
        dom_get(member, &v);
        if (v.type == DOM_TEXT && v.s.n && v.s.n <= TEXT_MOST)
            return viid_keep(job, v.s);
    }
    return found;
}
