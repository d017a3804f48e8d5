/* SPDX-License-Identifier: Apache-2.0 */
/* GA/T 1400.4, the service interface of the video image information system: cameras and
 * platforms post JSON objects over HTTP.
 *
 * A resource is a row: its path, the standard names of its wrapper, and what its
 * objects become. Senders wrap lists in many ways, so a list is looked for: the
 * standard names first, then the first list or object of the right look. When the JSON
 * itself is damaged, whole objects of the list are still read one by one: a good record
 * is never lost beside a bad one. */
#include "feeds/proto/_viid.h"

#include "feeds/base64.h"
#include "feeds/when.h"

#include <stdlib.h>
#include <strings.h>

enum kind {
    K_REGISTER,
    K_UNREGISTER,
    K_KEEPALIVE,
    K_TIME,
    K_VEHICLES,
    K_NOTICES,
    K_IMAGES,
    K_TOLLGATES,
    K_LANES,
    K_DEVICES,
    K_SUBSCRIBES,
    K_DISPOSITIONS,
    K_ASKS,
    K_PEOPLE,
    K_UNKEPT,
};

struct resource {
    const char *path; /* below /VIID/ */
    enum kind kind;
    const char *wrapper; /* standard names */
    const char *list;
    const char *id; /* by which an object of it is known */
};

static const struct resource resources[] = {
    {"System/Register", K_REGISTER, "RegisterObject", NULL, NULL},
    {"System/UnRegister", K_UNREGISTER, "UnRegisterObject", NULL, NULL},
    {"System/Keepalive", K_KEEPALIVE, "KeepaliveObject", NULL, NULL},
    {"System/Time", K_TIME, NULL, NULL, NULL},
    {"MotorVehicles", K_VEHICLES, "MotorVehicleListObject", "MotorVehicleObject",
     "MotorVehicleID"},
    {"SubscribeNotifications", K_NOTICES, "SubscribeNotificationListObject",
     "SubscribeNotificationObject", "NotificationID"},
    {"Images", K_IMAGES, "ImageListObject", "Image", "ImageInfo"},
    {"Tollgates", K_TOLLGATES, "TollgateListObject", "TollgateObject", "TollgateID"},
    {"Lanes", K_LANES, "LaneListObject", "LaneObject", "LaneId"},
    {"APEs", K_DEVICES, "APEListObject", "APEObject", "ApeID"},
    {"Subscribes", K_SUBSCRIBES, "SubscribeListObject", "SubscribeObject",
     "SubscribeID"},
    {"Dispositions", K_DISPOSITIONS, "DispositionListObject", "DispositionObject",
     "DispositionID"},
    {"DispositionNotifications", K_ASKS, "DispositionNotificationListObject",
     "DispositionNotificationObject", "NotificationID"},
    {"Persons", K_PEOPLE, "PersonListObject", "PersonObject", "PersonID"},
    {"Faces", K_PEOPLE, "FaceListObject", "FaceObject", "FaceID"},
    {"NonMotorVehicles", K_UNKEPT, "NonMotorVehicleListObject", "NonMotorVehicleObject",
     "NonMotorVehicleID"},
    {"Things", K_UNKEPT, "ThingListObject", "ThingObject", "ThingID"},
    {"Scenes", K_UNKEPT, "SceneListObject", "SceneObject", "SceneID"},
    {"VideoSlices", K_UNKEPT, "VideoSliceListObject", "VideoSlice", "VideoSliceInfo"},
    {"Files", K_UNKEPT, "FileListObject", "File", "FileInfo"},
    {"APSs", K_UNKEPT, "APSListObject", "APSObject", "ApsID"},
    {"VIIDServers", K_UNKEPT, "VIIDServerListObject", "VIIDServerObject",
     "VIIDServerID"},
    {"VehiclesFlows", K_UNKEPT, "VehiclesFlowListObject", "VehiclesFlowObject",
     "VehiclesFlowID"},
};

extern const struct feed feed_viid; /* below */

static const struct span no_text = {NULL, 0};

/* ---- common parts ---- */

struct span
viid_keep(struct viid_job *job, struct span s)
{
    if (s.n == 0)
        return no_text;
    struct span copy = arena_span(job->out->arena, s);
    if (!copy.p)
        job->err = ERR_TOOBIG;
    return copy;
}

static bool
make_objects(struct viid_job *job, size_t room)
{
    job->out->objects =
        arena_array(job->out->arena, room ? room : 1, sizeof *job->out->objects);
    job->objects_room = job->out->objects ? room : 0;
    if (!job->out->objects)
        job->err = ERR_TOOBIG;
    return job->out->objects != NULL;
}

struct feed_object *
viid_object(struct viid_job *job, uint32_t position)
{
    if (job->out->objects_n == job->objects_room) {
        job->err = ERR_TOOBIG;
        return NULL;
    }
    struct feed_object *o = &job->out->objects[job->out->objects_n++];
    *o = (struct feed_object){.row = FEED_NO_ROW, .line = position};
    return o;
}

static bool
key_is(struct span key, const char *name)
{
    return key.n == strlen(name) && strncasecmp(key.p, name, key.n) == 0;
}

static bool
find_member(struct dom_node node, const char *name, struct dom_node *out)
{
    struct dom_iter it = dom_walk(node);
    struct span key;
    if (dom_type_of(node) != DOM_OBJECT)
        return false;
    while (dom_next_pair(&it, &key, out))
        if (key_is(key, name))
            return true;
    return false;
}

/* ---- finding the list ---- */

enum found { FOUND_NONE, FOUND_LIST, FOUND_SINGLE };

static bool
standard_list(const struct resource *r, struct dom_node root, struct dom_node *out)
{
    struct dom_node wrapper;
    return find_member(root, r->wrapper, &wrapper) &&
           find_member(wrapper, r->list, out);
}

/* A record of the resource, not a wrapper around some? */
static bool
is_record(const struct resource *r, struct dom_node node)
{
    struct dom_node member;
    return find_member(node, r->id, &member) ||
           (r->kind == K_VEHICLES && viid_is_vehicle(node));
}

/* Breadth is small and depth bounded: the first list or record below node. */
static enum found
search(
    const struct resource *r, struct dom_node node, unsigned depth,
    struct dom_node *out)
{
    if (dom_type_of(node) == DOM_LIST) {
        *out = node;
        return FOUND_LIST;
    }
    if (dom_type_of(node) != DOM_OBJECT || depth == 0)
        return FOUND_NONE;
    if (is_record(r, node)) {
        *out = node;
        return FOUND_SINGLE;
    }
    struct dom_iter it = dom_walk(node);
    struct span key;
    struct dom_node member;
    while (dom_next_pair(&it, &key, &member)) {
        enum found f = search(r, member, depth - 1, out);
        if (f != FOUND_NONE)
            return f;
    }
    return FOUND_NONE;
}

static enum found
find_list(
    struct viid_job *job, const struct resource *r, bool one, struct dom_node root,
    struct dom_node *out)
{
    if (standard_list(r, root, out)) {
        if (dom_type_of(*out) == DOM_LIST)
            return FOUND_LIST;
        feed_fault(job->faults, FAULT_SINGLE, r->list, no_text);
        return FOUND_SINGLE;
    }
    if (one && find_member(root, r->list, out) && dom_type_of(*out) == DOM_OBJECT)
        return FOUND_SINGLE;
    enum found f = search(r, root, 5, out);
    if (f != FOUND_NONE)
        feed_fault(job->faults, FAULT_WRAPPER, r->wrapper, no_text);
    return f;
}

/* ---- vehicles ---- */

/* Rows and arena for a message: what its texts and pictures can need at most. */
static bool
make_batch(struct viid_job *job, size_t rows)
{
    size_t cap = job->in->body.n * 2 + rows * 512 + (1u << 20);
    job->out->batch = sighting_batch_new(rows, cap);
    if (!job->out->batch)
        job->err = ERR_NOMEM;
    return job->out->batch != NULL;
}

static size_t
at_most(size_t n, size_t most)
{
    return n < most ? n : most;
}

/* One vehicle with its answer. */
static void
one_vehicle(struct viid_job *job, struct dom_node node, uint32_t position)
{
    struct feed_object *o = viid_object(job, position);
    if (!o)
        return;
    size_t before = job->out->batch->n;
    if (viid_vehicle(job, node, no_text)) {
        o->row = (uint32_t)before;
        o->rows = 1;
        o->id = job->last_id; /* in the batch's arena */
    } else {
        o->fault = job->last_fault;
        o->id = viid_keep(job, job->last_id);
    }
}

static void
take_vehicles(struct viid_job *job, enum found found, struct dom_node list)
{
    size_t n = found == FOUND_LIST ? dom_size(list) : 1;
    size_t most = feed_viid.objects_max;
    uint32_t position = 0;
    struct dom_node node;
    if (!make_objects(job, n) || !make_batch(job, at_most(n, most)))
        return;
    job->out->what = FEED_PASSES;
    if (found == FOUND_SINGLE) {
        one_vehicle(job, list, 1);
        return;
    }
    struct dom_iter it = dom_walk(list);
    while (job->err == OK && dom_next(&it, &node))
        one_vehicle(job, node, ++position);
}

/* ---- vehicles inside something else: notifications, images ---- */

#define VEHICLES (&resources[4])

/* The vehicles of one notification or image; FOUND_NONE when it holds none. */
static enum found
inner_vehicles(struct dom_node node, struct dom_node *out)
{
    struct dom_iter it = dom_walk(node);
    struct span key;
    struct dom_node member;
    if (dom_type_of(node) != DOM_OBJECT)
        return FOUND_NONE;
    while (dom_next_pair(&it, &key, &member))
        if (key.n >= 12 && strncasecmp(key.p, "MotorVehicle", 12) == 0)
            return search(VEHICLES, member, 3, out);
    return FOUND_NONE;
}

static size_t
count_inner(struct dom_node list, enum found found)
{
    struct dom_iter it = dom_walk(list);
    struct dom_node node, inner;
    size_t n = 0;
    if (found == FOUND_SINGLE) {
        enum found f = inner_vehicles(list, &inner);
        return f == FOUND_LIST ? dom_size(inner) : f == FOUND_SINGLE;
    }
    while (dom_next(&it, &node)) {
        enum found f = inner_vehicles(node, &inner);
        n += f == FOUND_LIST ? dom_size(inner) : f == FOUND_SINGLE;
    }
    return n;
}

/* All vehicles of one carrier become rows of its one object. `extra`: its picture, if
 * any. */
static void
carry(
    struct viid_job *job, struct feed_object *o, struct dom_node node,
    struct span extra)
{
    struct dom_node inner, vehicle;
    enum found found = inner_vehicles(node, &inner);
    uint32_t first = (uint32_t)job->out->batch->n;
    if (found == FOUND_SINGLE && !viid_vehicle(job, inner, extra))
        o->fault = job->last_fault;
    if (found == FOUND_LIST) {
        struct dom_iter it = dom_walk(inner);
        while (dom_next(&it, &vehicle))
            if (!viid_vehicle(job, vehicle, extra))
                o->fault = job->last_fault;
    }
    o->rows = (uint32_t)job->out->batch->n - first;
    if (o->rows)
        o->row = first;
}

/* Member `name` of an object as text; empty when it is none. */
static struct span
member_text(struct dom_node node, const char *name)
{
    struct dom_node member;
    struct dom_value v;
    if (!find_member(node, name, &member))
        return no_text;
    dom_get(member, &v);
    return v.type == DOM_TEXT ? v.s : no_text;
}

static void
lone_picture(
    struct viid_job *job, struct feed_object *o, struct dom_node info, struct span data)
{
    struct feed_out *out = job->out;
    struct feed_picture *p = &out->pictures[out->pictures_n];
    uint8_t *bytes = arena_take(out->arena, base64_room(data.n));
    size_t n;
    uint64_t type = 0;
    enum when_form form;
    if (!bytes) {
        job->err = ERR_TOOBIG;
        return;
    }
    if (data.n == 0 || !base64_decode(data, bytes, &n)) {
        feed_fault(job->faults, FAULT_BAD_PICTURE, "Data", no_text);
        o->fault = FAULT_BAD_PICTURE + 1;
        return;
    }
    feed_fault(job->faults, FAULT_LONE_PICTURE, "Image", no_text);
    o->fault =
        FAULT_LONE_PICTURE + 1; /* the caller clears it when it keeps the picture */
    if (!span_u64(member_text(info, "Type"), &type) || type > UINT8_MAX)
        type = 0;
    *p = (struct feed_picture){
        .id = o->id,
        .bytes = span_of(bytes, n),
        .type = (uint8_t)type,
        .device = viid_keep(job, member_text(info, "DeviceID")),
    };
    if (!when_parse(member_text(info, "ShotTime"), job->in->zone, &p->shot_ms, &form))
        p->shot_ms = 0;
    out->pictures_n++;
}

static void
one_image(struct viid_job *job, struct dom_node node, uint32_t position)
{
    struct feed_object *o = viid_object(job, position);
    struct dom_node info = node, inner;
    if (!o)
        return;
    if (dom_type_of(node) != DOM_OBJECT) {
        feed_fault(job->faults, FAULT_NOT_OBJECT, "Image", no_text);
        o->fault = FAULT_NOT_OBJECT + 1;
        return;
    }
    (void)find_member(node, "ImageInfo", &info);
    o->id = viid_keep(job, member_text(info, "ImageID"));
    struct span data = member_text(node, "Data");
    if (inner_vehicles(node, &inner) != FOUND_NONE)
        carry(job, o, node, data);
    else
        lone_picture(job, o, info, data);
}

static void
one_notice(struct viid_job *job, struct dom_node node, uint32_t position)
{
    struct feed_object *o = viid_object(job, position);
    if (!o)
        return;
    if (dom_type_of(node) != DOM_OBJECT) {
        feed_fault(
            job->faults, FAULT_NOT_OBJECT, "SubscribeNotificationObject", no_text);
        o->fault = FAULT_NOT_OBJECT + 1;
        return;
    }
    o->id = viid_keep(job, member_text(node, "NotificationID"));
    carry(job, o, node, no_text);
}

typedef void (*one_fn)(struct viid_job *job, struct dom_node node, uint32_t position);

static void
take_carriers(struct viid_job *job, enum found found, struct dom_node list, one_fn one)
{
    size_t n = found == FOUND_LIST ? dom_size(list) : 1;
    struct dom_iter it = dom_walk(list);
    struct dom_node node;
    uint32_t position = 0;
    job->out->pictures =
        arena_array(job->out->arena, n ? n : 1, sizeof *job->out->pictures);
    if (!job->out->pictures || !make_objects(job, n) ||
        !make_batch(job, at_most(count_inner(list, found), feed_viid.objects_max)))
        return;
    if (found == FOUND_SINGLE)
        one(job, list, 1);
    while (found == FOUND_LIST && job->err == OK && dom_next(&it, &node))
        one(job, node, ++position);
    bool passes = job->out->batch->n > 0 || job->out->pictures_n == 0;
    job->out->what = passes ? FEED_PASSES : FEED_PICTURES;
}

/* ---- everything else ---- */

static void
one_other(
    struct viid_job *job, const struct resource *r, struct dom_node node,
    uint32_t position)
{
    struct feed_object *o = viid_object(job, position);
    if (!o)
        return;
    if (dom_type_of(node) != DOM_OBJECT) {
        feed_fault(job->faults, FAULT_NOT_OBJECT, r->list, no_text);
        o->fault = FAULT_NOT_OBJECT + 1;
        return;
    }
    struct feed_out *out = job->out;
    switch (r->kind) {
    case K_TOLLGATES:
        viid_place(job, PLACE_TOLLGATE, node, out->places_n);
        o->id = out->places[out->places_n++].code;
        break;
    case K_LANES:
        viid_place(job, PLACE_LANE, node, out->places_n);
        o->id = out->places[out->places_n++].code;
        break;
    case K_DEVICES:
        viid_place(job, PLACE_DEVICE, node, out->places_n);
        o->id = out->places[out->places_n++].code;
        break;
    case K_SUBSCRIBES:
        viid_ask(job, ASK_SUBSCRIBE, node, out->asks_n);
        o->id = out->asks[out->asks_n++].id;
        break;
    case K_DISPOSITIONS:
        viid_ask(job, ASK_DISPOSITION, node, out->asks_n);
        o->id = out->asks[out->asks_n++].id;
        break;
    case K_ASKS:
        viid_ask(job, ASK_NOTICE, node, out->asks_n);
        o->id = out->asks[out->asks_n++].id;
        break;
    default:
        o->id = viid_any_id(job, node);
        break;
    }
    if (o->id.n == 0 && r->kind < K_PEOPLE) {
        feed_fault(job->faults, FAULT_NO_ID, r->id, no_text);
        o->fault = FAULT_NO_ID + 1;
    }
}

static enum feed_what
meaning(enum kind kind)
{
    switch (kind) {
    case K_TOLLGATES:
    case K_LANES:
    case K_DEVICES:
        return FEED_PLACES;
    case K_PEOPLE:
    case K_UNKEPT:
        return FEED_UNKEPT;
    default:
        return FEED_ASKS;
    }
}

static void
take_others(
    struct viid_job *job, const struct resource *r, enum found found,
    struct dom_node list)
{
    struct feed_out *out = job->out;
    size_t n = found == FOUND_LIST ? dom_size(list) : 1;
    struct dom_iter it = dom_walk(list);
    struct dom_node node;
    uint32_t position = 0;
    if (n > feed_viid.objects_max) {
        feed_fault(job->faults, FAULT_TOO_MANY, r->list, no_text);
        n = feed_viid.objects_max;
    }
    out->what = meaning(r->kind);
    out->places = arena_array(out->arena, n + 1, sizeof *out->places);
    out->asks = arena_array(out->arena, n + 1, sizeof *out->asks);
    if (!out->places || !out->asks || !make_objects(job, n)) {
        job->err = ERR_TOOBIG;
        return;
    }
    if (found == FOUND_SINGLE)
        one_other(job, r, list, 1);
    while (found == FOUND_LIST && job->err == OK && position < n &&
           dom_next(&it, &node))
        one_other(job, r, node, ++position);
    if (out->what == FEED_UNKEPT && n)
        feed_fault(
            job->faults, r->kind == K_PEOPLE ? FAULT_OUT_OF_SCOPE : FAULT_NOT_KEPT,
            r->list, no_text);
    if (out->what == FEED_ASKS && n)
        feed_fault(job->faults, FAULT_ASKED, r->list, no_text);
}

static void
take_list(
    struct viid_job *job, const struct resource *r, enum found found,
    struct dom_node list)
{
    if (r->kind == K_VEHICLES)
        take_vehicles(job, found, list);
    else if (r->kind == K_NOTICES)
        take_carriers(job, found, list, one_notice);
    else if (r->kind == K_IMAGES)
        take_carriers(job, found, list, one_image);
    else
        take_others(job, r, found, list);
}

/* ---- damaged JSON ---- */

/* Each record has this once; the first letter may be small. */
#define MARK "otorVehicleID\""

static size_t
next_mark(struct span s, size_t from)
{
    const char *at =
        from < s.n ? memmem(s.p + from, s.n - from, MARK, sizeof MARK - 1) : NULL;
    return at ? (size_t)(at - s.p) : s.n;
}

static size_t
count_marks(struct span s)
{
    size_t n = 0;
    for (size_t at = next_mark(s, 0); at < s.n; at = next_mark(s, at + 1))
        n++;
    return n;
}

struct wreck {
    struct span text;
    size_t at;     /* everything before is settled */
    size_t budget; /* bytes that may still be looked at */
    /* From anywhere in [marks_from, mark] the next marks are these two: each stretch of
     * the text is searched for them once, however many braces lie in it. */
    size_t marks_from, mark, second;
};

/* Where the record after the next one has its mark. */
static size_t
second_mark(struct wreck *w, size_t from)
{
    if (from < w->marks_from || from > w->mark) {
        w->marks_from = from;
        w->mark = next_mark(w->text, from);
        w->second = next_mark(w->text, w->mark + 1);
    }
    return w->second;
}

/* End of the object that begins at text[from] ('{'), behind its '}' and at most
 * `limit`; 0 when it does not end there. */
static size_t
object_end(struct wreck *w, size_t from, size_t limit)
{
    unsigned depth = 0;
    bool in_text = false;
    for (size_t i = from; i < limit && w->budget; i++, w->budget--) {
        char c = w->text.p[i];
        if (in_text) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_text = false;
        } else if (c == '"') {
            in_text = true;
        } else if (c == '{') {
            depth++;
        } else if (c == '}' && --depth == 0) {
            return i + 1;
        }
    }
    return 0;
}

/* The next object in [from, limit) that ends there, holds no second record, parses
 * (mended, if so asked) and looks like a vehicle. What follows a slice is its padding.
 */
static bool
find_object(
    struct viid_job *job, struct wreck *w, size_t limit, bool mended, size_t *from,
    size_t *end, struct dom_node *out)
{
    enum dom_fault fault;
    for (; *from < limit && w->budget; ++*from) {
        const char *open = memchr(w->text.p + *from, '{', limit - *from);
        if (!open)
            return false;
        *from = (size_t)(open - w->text.p);
        *end = object_end(w, *from, at_most(second_mark(w, *from), limit));
        if (*end == 0)
            continue;
        struct span one = span_of(w->text.p + *from, *end - *from);
        w->budget -= at_most(w->budget, one.n);
        bool parsed = mended ? feed_json_mended(job->run, one, out)
                             : dom_parse(job->run->dom, one, out, &fault) == OK;
        if (parsed && viid_is_vehicle(*out))
            return true;
    }
    return false;
}

static void
take_salvaged(struct viid_job *job, struct dom_node node)
{
    if (job->err == OK && job->out->objects_n < job->objects_room)
        one_vehicle(job, node, (uint32_t)job->out->objects_n + 1);
}

/* Between whole records: what becomes whole by mending. */
static void
take_mended(struct viid_job *job, struct wreck *w, size_t limit)
{
    struct dom_node node;
    size_t from = w->at, end;
    while (find_object(job, w, limit, true, &from, &end, &node)) {
        take_salvaged(job, node);
        from = end;
    }
}

/* Reads what is whole of a damaged list, then what lies between. What is not cannot be
 * answered by id: its sender finds that no status came for it. */
static bool
salvage(struct viid_job *job, struct span text)
{
    struct wreck w = {
        .text = text, .budget = text.n * 16 + 4096, .marks_from = SIZE_MAX};
    size_t room =
        at_most(count_marks(text) * 2 + text.n / 256 + 1, feed_viid.objects_max);
    if (!make_objects(job, room) || !make_batch(job, room))
        return false;
    struct dom_node node;
    enum dom_fault fault;
    size_t from = 0, end;
    while (job->err == OK && find_object(job, &w, text.n, false, &from, &end, &node)) {
        take_mended(job, &w, from);
        if (dom_parse(
                job->run->dom, span_of(text.p + from, end - from), &node, &fault) == OK)
            take_salvaged(job, node);
        from = w.at = end;
    }
    take_mended(job, &w, text.n);
    if (job->out->objects_n == 0) {
        feed_out_release(job->out);
        return false;
    }
    feed_fault(job->faults, FAULT_SALVAGED, "body", no_text);
    job->out->what = FEED_PASSES;
    return true;
}

/* Mending can join records: then it is better to take them one by one. */
static bool
mending_lost(
    struct viid_job *job, const struct resource *r, struct span text, enum found found,
    struct dom_node list)
{
    if (r->kind != K_VEHICLES || !feed_fault_count(job->faults, FAULT_MENDED))
        return false;
    struct dom_node node;
    size_t n = found == FOUND_SINGLE;
    if (found == FOUND_LIST) /* otherwise there is no list */
        for (struct dom_iter it = dom_walk(list); dom_next(&it, &node);)
            n += dom_type_of(node) == DOM_OBJECT && viid_is_vehicle(node);
    return n < count_marks(text);
}

/* ---- the message ---- */

static struct span
device_of(struct viid_job *job, const struct resource *r, struct dom_node root)
{
    struct dom_node inner = root, member;
    struct dom_value v;
    if (!find_member(root, r->wrapper, &inner))
        inner = root;
    if (!find_member(inner, "DeviceID", &member))
        return job->in->device_code;
    char scratch[LOOSE_TEXT];
    struct span s;
    dom_get(member, &v);
    if (!loose_text(&v, "DeviceID", job->faults, scratch, &s) || s.n > 64)
        return job->in->device_code;
    if (s.n != 20)
        feed_fault(job->faults, FAULT_ID_LENGTH, "DeviceID", s);
    return viid_keep(job, s);
}

static void
take_system(struct viid_job *job, const struct resource *r)
{
    static const enum feed_what what[] = {
        [K_REGISTER] = FEED_REGISTER,
        [K_UNREGISTER] = FEED_UNREGISTER,
        [K_KEEPALIVE] = FEED_KEEPALIVE,
    };
    struct dom_node root;
    enum dom_fault fault;
    struct span text;
    job->out->what = what[r->kind];
    job->out->device_code = job->in->device_code;
    /* an empty body leaves what the header said */
    if (job->in->body.n && feed_json(job->run, job->in, job->out, &text, &root, &fault))
        job->out->device_code = device_of(job, r, root);
}

static bool
is_blank(struct span s)
{
    s = span_trim(s);
    return s.n == 0 || span_eq_cstr(s, "null") || span_eq_cstr(s, "{}");
}

static void
take_body(struct viid_job *job, const struct resource *r, bool one)
{
    struct dom_node root, list;
    enum dom_fault fault;
    struct span text;
    job->out->single = one;
    if (is_blank(job->in->body)) { /* nothing sent is nothing wrong */
        job->out->what = FEED_ASKS;
        return;
    }
    if (!feed_json(job->run, job->in, job->out, &text, &root, &fault)) {
        if (job->run->late || r->kind != K_VEHICLES || !salvage(job, text))
            job->out->what = FEED_BROKEN;
        return;
    }
    enum found found = find_list(job, r, one, root, &list);
    if (mending_lost(job, r, text, found, list) && salvage(job, text))
        return;
    if (found == FOUND_NONE) {
        feed_fault(job->faults, FAULT_WRAPPER, r->wrapper, no_text);
        job->out->what = FEED_BROKEN;
        return;
    }
    take_list(job, r, found, list);
}

/* The resource of a path below /VIID/; *one when it names a single object
 * (/MotorVehicles/ID). */
static const struct resource *
resource_of(struct span path, bool *one)
{
    struct span rest = span_skip(path, strlen(feed_viid.path));
    while (rest.n && rest.p[0] == '/')
        rest = span_skip(rest, 1);
    while (rest.n && rest.p[rest.n - 1] == '/')
        rest.n--;
    *one = false;
    for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
        struct span name = span_cstr(resources[i].path);
        if (rest.n < name.n || strncasecmp(rest.p, name.p, name.n) != 0)
            continue;
        *one = rest.n > name.n;
        if (!*one || rest.p[name.n] == '/')
            return &resources[i];
    }
    return NULL;
}

static enum err
decode(struct feed_run *run, const struct feed_in *in, struct feed_out *out)
{
    bool one;
    const struct resource *r = resource_of(in->path, &one);
    struct viid_job job = {
        .v = run->own, .run = run, .in = in, .out = out, .faults = &out->faults};
    bool write = in->method == FEED_POST || in->method == FEED_PUT;
    if (r && r->kind == K_TIME) {
        out->what = FEED_TIME;
        return OK;
    }
    if (!r || !write) {
        feed_fault(job.faults, FAULT_UNSUPPORTED, r ? r->path : "path", no_text);
        out->what = FEED_REFUSED;
        return OK;
    }
    if (r->kind <= K_KEEPALIVE)
        take_system(&job, r);
    else
        take_body(&job, r, one);
    return job.err;
}

static void *
open_tables(void)
{
    struct viid *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    viid_vehicle_keys(v);
    viid_place_keys(v);
    return v;
}

const struct feed feed_viid = {
    .name = "viid",
    .zh = "公安视频图像信息应用系统接口",
    .en = "video image information system interface",
    .standard = "GA/T 1400.4-2017",
    .clause = "service interface over HTTP, JSON; objects of GA/T 1400.3-2017",
    .transport = FEED_HTTP,
    .path = "/VIID/",
    .body_max = 8u << 20,
    .objects_max = 10000,
    .overflow = FEED_BUSY,
    .open = open_tables,
    .close = free,
    .decode = decode,
    .reply = viid_reply,
};
