/* SPDX-License-Identifier: Apache-2.0 */
/* Three moves make the book: add_clip, set_clip_clock, mark_frame; the last clock
 * counts. */
#include "serve/clip_book.h"

#include <stdlib.h>

/* ---- reading ---- */

struct reading {
    const struct loop_def *def;
    const struct matter_event *event;
    struct arena *a;
    struct clip_entry *clips;
    size_t n;
};

static const struct matter_value *
value(const struct reading *r, const char *name)
{
    int field = loop_field_find(r->def, span_cstr(name));
    for (uint16_t i = 0; field >= 0 && i < r->event->values_n; i++)
        if (r->event->values[i].field == field && r->event->values[i].type)
            return &r->event->values[i];
    return NULL;
}

static struct span
text(const struct reading *r, const char *name)
{
    const struct matter_value *v = value(r, name);
    return v ? span_of(v->text.p, v->text.n) : span_of("", 0);
}

static int64_t
whole(const struct reading *r, const char *name)
{
    const struct matter_value *v = value(r, name);
    return v ? (int64_t)v->number : 0;
}

static ts_ms
instant(const struct reading *r, const char *name)
{
    const struct matter_value *v = value(r, name);
    return v ? v->time_ms : 0;
}

static struct clip_entry *
entry_of(struct reading *r, struct span hash)
{
    for (size_t i = 0; i < r->n; i++)
        if (span_eq_cstr(hash, r->clips[i].hash))
            return &r->clips[i];
    return NULL;
}

static enum err
read_added(struct reading *r)
{
    struct span hash = text(r, "clip");
    struct clip_entry *c = entry_of(r, hash);
    struct doc_ref ref;
    if (!doc_ref_parse(hash, &ref))
        return OK; /* a person wrote the move with other words */
    if (!c && r->n == CLIPS_MOST)
        return ERR_TOOBIG;
    if (!c) {
        c = &r->clips[r->n++];
        *c = (struct clip_entry){.ref = ref};
        doc_ref_format(c->hash, &ref);
        c->added_ms = r->event->at_ms;
        c->by = r->event->by;
    }
    c->name = arena_span(r->a, text(r, "clip_name"));
    c->length_ms = whole(r, "clip_ms");
    return c->name.p ? OK : ERR_TOOBIG;
}

static enum err
read_clock(struct reading *r)
{
    struct clip_entry *c = entry_of(r, text(r, "clip"));
    if (!c)
        return OK;
    c->clocked = true;
    c->zero_ms = instant(r, "clip_zero");
    c->known = arena_span(r->a, text(r, "known_pass"));
    return c->known.p ? OK : ERR_TOOBIG;
}

static enum err
read_frame(struct reading *r)
{
    struct clip_entry *c = entry_of(r, text(r, "clip"));
    struct clip_frame f = {
        .position_ms = whole(r, "clip_position"), .at_ms = instant(r, "marked_at")};
    if (!c || !sighting_id_parse(text(r, "marked_pass"), &f.pass))
        return OK;
    f.note = arena_span(r->a, text(r, "evidence_note"));
    struct clip_frame *more = arena_array(r->a, c->frames_n + 1, sizeof *more);
    if (!more || !f.note.p)
        return ERR_TOOBIG;
    if (c->frames_n)
        memcpy(more, c->frames, c->frames_n * sizeof *more);
    more[c->frames_n++] = f;
    c->frames = more;
    return OK;
}

static enum err
read_event(struct reading *r)
{
    static const struct {
        const char *move;
        enum err (*fn)(struct reading *r);
    } moves[] = {
        {"add_clip", read_added},
        {"set_clip_clock", read_clock},
        {"mark_frame", read_frame},
    };
    if (r->event->kind != MATTER_MOVED || r->event->move < 0)
        return OK;
    const char *name = r->def->moves[r->event->move].name;
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
        if (strcmp(name, moves[i].move) == 0)
            return moves[i].fn(r);
    return OK;
}

enum err
clip_book_read(
    struct desk *d, uint64_t matter, struct arena *a, struct clip_entry **out,
    size_t *n, struct note *note)
{
    struct matter m = {0};
    struct ledger_entry *events;
    size_t events_n = 0;
    struct matter_event *event = malloc(sizeof *event);
    enum err e = event ? desk_load(d, matter, &m, note) : ERR_NOMEM;
    struct reading r = {.def = m.def, .event = event, .a = a};
    bool takes = e == OK && loop_field_find(m.def, SPAN("clip")) >= 0;
    if (takes) {
        r.clips = arena_array(a, CLIPS_MOST, sizeof *r.clips);
        e = r.clips ? ledger_matter_events(d->reader, matter, 0, a, &events, &events_n)
                    : ERR_TOOBIG;
    }
    for (size_t i = 0; e == OK && i < events_n; i++)
        if (matter_event_decode(m.def, events[i].payload, event) == OK)
            e = read_event(&r);
    if (e == OK) {
        *out = r.clips;
        *n = r.n;
    }
    free(event);
    matter_release(&m);
    return e;
}

enum err
clip_book_find(
    const struct clip_entry *clips, size_t n, struct span hash,
    const struct clip_entry **out, struct note *note)
{
    const struct clip_entry *found = NULL;
    bool several = false;
    for (size_t i = 0; i < n; i++)
        if ((hash.n == 0 || hash.n >= 4) &&
            span_starts(span_cstr(clips[i].hash), hash)) {
            several = found != NULL;
            found = &clips[i];
            if (several)
                break;
        }
    if (several)
        return note_set(
            note, ERR_INPUT, "clip", "several clips begin so: name more of the hash",
            "有多段视频符合：请给出更多位哈希");
    if (!found)
        return note_set(
            note, ERR_NOTFOUND, "clip", "the matter has no such clip",
            "该事项没有这段视频");
    *out = found;
    return OK;
}

/* ---- writing ---- */

enum err
clip_book_move(
    struct desk *d, uint64_t matter, const char *move, json_t *fields,
    const struct matter_actor *by, struct note *note)
{
    struct matter m = {0};
    enum err e = fields ? desk_load(d, matter, &m, note) : ERR_NOMEM;
    if (e == OK)
        e = desk_move(d, matter, span_cstr(move), m.seq, fields, by, note);
    if (e == ERR_NOTFOUND || (e == ERR_INPUT && strcmp(note->field, "move") == 0))
        e = note_set(
            note, ERR_NOTFOUND, "id",
            "this matter takes no clips: open a hit-and-run for them",
            "此事项不能添加视频：请另立“肇事逃逸侦查”事项");
    matter_release(&m);
    json_decref(fields);
    return e;
}

json_t *
clip_book_added(const struct doc_ref *ref, struct span name, int64_t length_ms)
{
    char hash[DOC_REF_TEXT], doc[DOC_REF_TEXT + 4];
    doc_ref_format(hash, ref);
    snprintf(doc, sizeof doc, "doc:%s", hash);
    return json_pack(
        "{s:s, s:s%, s:I, s:[s]}", "clip", hash, "clip_name", name.p, name.n, "clip_ms",
        (json_int_t)length_ms, "evidence_files", doc);
}

json_t *
clip_book_clock(
    const char *hash, struct sighting_id pass, int64_t position_ms, int32_t offset_ms,
    ts_ms *zero_ms)
{
    char text[SIGHTING_ID_TEXT];
    *zero_ms = pass.pass_ms - offset_ms - position_ms;
    return json_pack(
        "{s:s, s:I, s:s}", "clip", hash, "clip_zero", (json_int_t)*zero_ms,
        "known_pass", sighting_id_format(text, pass));
}

json_t *
clip_book_marked(const char *hash, const struct clip_frame *frame, struct span note)
{
    char id[SIGHTING_ID_TEXT];
    json_t *fields = json_pack(
        "{s:s, s:I, s:s, s:I}", "clip", hash, "clip_position",
        (json_int_t)frame->position_ms, "marked_pass",
        sighting_id_format(id, frame->pass), "marked_at", (json_int_t)frame->at_ms);
    if (fields && note.n &&
        json_object_set_new(fields, "evidence_note", json_stringn(note.p, note.n)) !=
            0) {
        json_decref(fields);
        return NULL;
    }
    return fields;
}

enum err
clip_book_pass(
    const struct clip_pass *p, struct span jpeg, struct sighting_batch *b,
    struct sighting_id *id, struct note *note)
{
    struct sighting *s = sighting_batch_add(b);
    bool differs;
    must(s != NULL);
    /* As that site's own camera would have dated it, so that one correction fits all.
     */
    s->pass_ms = p->true_ms + p->offset_ms;
    s->arrive_ms = p->now_ms;
    s->site = p->site;
    s->flags = SIGHTING_BY_HAND;
    s->plate_color = p->plate_color;
    s->vehicle_color = p->vehicle_color;
    s->vehicle_class = p->vehicle_class;
    s->brand = p->brand;
    if (p->plate.n && plate_parse(p->plate, &s->plate, &differs) == PLATE_UNREAD)
        return note_set(
            note, ERR_INPUT, "plate", "this is no plate, nor part of one",
            "这不是号牌，也不是部分号牌");
    s->record_id =
        arena_fmt(&b->arena, "hand-%.16s-%lld", p->hash, (long long)p->position_ms);
    struct span picture = arena_span(&b->arena, jpeg);
    if (!s->record_id.p || !picture.p || !sighting_batch_picture(b, 0, picture, 1))
        return ERR_TOOBIG;
    *id = sighting_id_of(s);
    return OK;
}
