/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu video: outside video of a matter from the command line, as the console does
 * it: a clip is kept, its clock is set against a known pass, a marked frame becomes a
 * pass entered by hand. */
#include "daemon/op_house.h"
#include "daemon/op_list.h"
#include "serve/clip_book.h"
#include "store/ledger_matter.h"

#include "core/os_clock.h"

#include <unistd.h>

struct video {
    struct op_call *c;
    struct matter_row matter;
    struct clip_entry *clips;
    size_t clips_n;
    const struct clip_entry *clip; /* the one that is meant; NULL with list, import */
    struct op_house house;
    struct arena arena;
};

/* ---- the matter and its journal ---- */

static void
desk_of(struct base *b, struct ledger *l, struct ledger_reader *r, struct desk *out)
{
    *out = (struct desk){
        .defs = b->loops,
        .orgs = base_org(b),
        .sites = base_sites(b),
        .zone = &b->zone,
        .ledger = l,
        .reader = r,
        .now = os_now_ms(),
    };
}

static void
desk_release(struct desk *d)
{
    org_table_unref((struct org_table *)(uintptr_t)d->orgs);
    site_table_unref((struct site_table *)(uintptr_t)d->sites);
}

static enum err
find_matter(struct video *v, struct note *note)
{
    const char *text = op_text(v->c, "matter");
    enum err e =
        ledger_matter_by_number(v->c->door->reader, span_cstr(text), &v->matter);
    return e == ERR_NOTFOUND ? note_fmt(
                                   note, e, "matter", "there is no matter \"%s\"",
                                   "没有事项“%s”", text)
                             : e;
}

static enum err
read_book(struct video *v, struct note *note)
{
    struct desk d;
    desk_of(v->c->door->base, NULL, v->c->door->reader, &d);
    enum err e =
        clip_book_read(&d, v->matter.id, &v->arena, &v->clips, &v->clips_n, note);
    desk_release(&d);
    return e;
}

struct entry { /* to be written */
    uint64_t matter;
    const char *move;
    json_t *fields;
};

static enum err
write_it(struct base *b, void *arg, struct note *note)
{
    struct entry *x = arg;
    struct desk d;
    desk_of(b, b->ledger, ledger_as_reader(b->ledger), &d);
    /* The machine's own keyboard stands for the command centre, as for matter open. */
    const struct matter_actor by = {
        .roles = ROLE_DUTY | ROLE_ANALYST | ROLE_SUPERVISOR,
        .org = {d.orgs->n ? d.orgs->rows[1].id.v : 1},
    };
    enum err e = clip_book_move(&d, x->matter, x->move, x->fields, &by, note);
    desk_release(&d);
    return e;
}

static enum err
journal(
    struct video *v, const char *move, json_t *fields, const char *hash,
    struct note *note)
{
    struct entry x = {v->matter.id, move, fields};
    char action[32];
    enum err e = door_ledger(v->c->door, write_it, &x, note);
    snprintf(action, sizeof action, "video.%s", op_text(v->c, "what"));
    return e == OK ? op_audit(v->c, action, hash, v->matter.number, 1) : e;
}

static int32_t
offset_of(const struct video *v, struct site_id site)
{
    return model_site(v->house.model, site)->offset_ms;
}

/* ---- import, list ---- */

static enum err
read_clip(struct video *v, struct buf *out, struct note *note)
{
    for (;;) {
        uint8_t *room = buf_room(out, 1 << 20);
        ssize_t n = room ? read(v->c->in, room, 1 << 20) : -1;
        if (n < 0)
            return note_set(
                note, ERR_IO, "file", "the file cannot be read", "无法读取文件");
        if (n == 0)
            return OK;
        out->n += (size_t)n;
        if (out->n > CLIP_BYTES)
            return note_fmt(
                note, ERR_TOOBIG, "file",
                "a clip has at most %u MB: cut it first (ffmpeg -ss FROM -to TO -i IN "
                "-c copy OUT)",
                "单段视频不得超过 %u MB：请先截取（ffmpeg -ss 起 -to 止 -i 输入 -c "
                "copy "
                "输出）",
                CLIP_BYTES >> 20);
    }
}

static enum err
import(struct video *v, struct note *note)
{
    struct buf bytes = {0};
    struct doc_ref ref;
    char hash[DOC_REF_TEXT];
    int64_t ms = 0;
    enum err e = v->matter.open ? read_clip(v, &bytes, note)
                                : note_set(
                                      note, ERR_GATE, "matter",
                                      "the matter is closed: reopen it first",
                                      "该事项已办结，请先重新打开");
    if (e == OK && bytes.n == 0)
        e = note_set(note, ERR_INPUT, "file", "the file is empty", "文件为空");
    if (e == OK)
        e = clip_keep(
            os_fs_real(), v->c->door->base->dir, span_of(bytes.p, bytes.n), &ref, &ms,
            note);
    if (e == OK) {
        doc_ref_format(hash, &ref);
        e = journal(
            v, "add_clip", clip_book_added(&ref, span_cstr(op_text(v->c, "name")), ms),
            hash, note);
    }
    if (e == OK)
        fprintf(v->c->out, "%s\n", hash);
    buf_release(&bytes);
    return e;
}

static const struct op_column columns[] = {
    {"clip", 64},      {"name", 20},     {"length_ms", -10}, {"zero_ms", -13},
    {"known_pass", 0}, {"frames_n", -6}, {NULL, 0},
};

static json_t *
frames_json(const struct clip_entry *x)
{
    json_t *list = json_array();
    for (size_t i = 0; i < x->frames_n; i++) {
        char id[SIGHTING_ID_TEXT];
        const struct clip_frame *f = &x->frames[i];
        json_array_append_new(
            list,
            json_pack(
                "{s:I, s:I, s:s, s:s%}", "position_ms", (json_int_t)f->position_ms,
                "time_ms", (json_int_t)f->at_ms, "pass",
                sighting_id_format(id, f->pass), "note", f->note.p, f->note.n));
    }
    return list;
}

static enum err
list(struct video *v, struct note *note)
{
    struct op_list l;
    enum err e = op_list_begin(v->c, columns, &l, note);
    for (size_t i = 0; e == OK && i < v->clips_n; i++) {
        const struct clip_entry *x = &v->clips[i];
        json_t *row = json_pack(
            "{s:s, s:s%, s:I, s:I, s:o, s:o, s:I, s:o}", "clip", x->hash, "name",
            x->name.p, x->name.n, "length_ms", (json_int_t)x->length_ms, "added_ms",
            (json_int_t)x->added_ms, "zero_ms",
            x->clocked ? json_integer(x->zero_ms) : json_null(), "known_pass",
            x->clocked ? json_stringn(x->known.p, x->known.n) : json_null(), "frames_n",
            (json_int_t)x->frames_n, "frames", frames_json(x));
        if (row)
            op_list_row(&l, row);
        e = row ? OK : ERR_NOMEM;
        json_decref(row);
    }
    if (e == OK)
        op_list_end(&l);
    return e;
}

/* ---- clock, frame, mark ---- */

static enum err
set_clock(struct video *v, struct note *note)
{
    const char *text = op_text(v->c, "pass");
    struct sighting_id pass;
    ts_ms zero = 0;
    char at[TS_TEXT];
    if (!text || !sighting_id_parse(span_cstr(text), &pass))
        return note_set(
            note, ERR_USAGE, "pass", "--pass is the id of a pass, as query prints it",
            "--pass 为过车编号，可由 query 得到");
    int32_t offset = offset_of(v, (struct site_id){pass.site});
    enum err e = journal(
        v, "set_clip_clock",
        clip_book_clock(
            v->clip->hash, pass, op_number(v->c, "position_ms", 0), offset, &zero),
        v->clip->hash, note);
    if (e == OK)
        fprintf(v->c->out, "%s\n", ts_format(at, zero, &v->c->door->base->zone));
    return e;
}

static enum err
frame_of(struct video *v, struct buf *jpeg, struct note *note)
{
    return clip_frame(
        v->c->door->base->dir, &v->clip->ref, op_number(v->c, "position_ms", 0), jpeg,
        note);
}

/* Somebody sees it: a record of class look, before it leaves. */
static enum err
frame(struct video *v, struct note *note)
{
    struct buf jpeg = {0};
    uint64_t number;
    enum err e = frame_of(v, &jpeg, note);
    struct audit_record rec = {
        .at_ms = os_now_ms(),
        .class = AUDIT_LOOK,
        .outcome = e == OK ? AUDIT_OK : AUDIT_REFUSED,
        .matter = v->matter.id,
        .count = e == OK,
        .login = span_cstr(v->c->login),
        .address = SPAN("local"),
        .action = SPAN("clip"),
        .object = span_cstr(v->clip->hash),
    };
    enum err kept = audit_write(v->c->door->base->audit, &rec, &number);
    if (e == OK)
        e = kept;
    if (e == OK && fwrite(jpeg.p, 1, jpeg.n, v->c->out) != jpeg.n)
        e = ERR_IO;
    buf_release(&jpeg);
    return e;
}

static enum err
read_pass(struct video *v, struct clip_pass *out, struct note *note)
{
    const char *site = op_text(v->c, "site");
    struct site_table *sites = base_sites(v->c->door->base);
    out->site = site_find(sites, span_cstr(site ? site : ""));
    site_table_unref(sites);
    if (!out->site.v)
        return note_fmt(
            note, ERR_INPUT, "site", "there is no site \"%s\": name one with --site",
            "没有点位“%s”：请用 --site 指定", site ? site : "");
    if (!v->clip->clocked)
        return note_set(
            note, ERR_GATE, "clip",
            "set the clip's clock first, against a pass that is known (video clock)",
            "请先用一条已知过车给视频对时（video clock）");
    out->hash = v->clip->hash;
    out->position_ms = op_number(v->c, "position_ms", 0);
    out->true_ms = v->clip->zero_ms + out->position_ms;
    out->now_ms = os_now_ms();
    out->offset_ms = offset_of(v, out->site);
    out->plate = span_cstr(op_text(v->c, "plate"));
    out->plate_color = (uint8_t)op_number(v->c, "plate_color", 0);
    out->vehicle_color = (uint8_t)op_number(v->c, "color", 0);
    if (!code3_parse(span_cstr(op_text(v->c, "class")), &out->vehicle_class) ||
        !code3_parse(span_cstr(op_text(v->c, "brand")), &out->brand))
        return note_set(
            note, ERR_USAGE, "class", "class and brand have up to three characters",
            "车型与品牌代码至多三个字符");
    return OK;
}

static enum err
append(struct base *b, void *arg, struct note *note)
{
    struct sighting_batch **batch = arg;
    return sight_append(b->sight, batch, 1, os_now_ms(), note);
}

static enum err
mark(struct video *v, struct note *note)
{
    struct clip_pass p = {0};
    struct clip_frame f = {0};
    struct buf jpeg = {0};
    char id[SIGHTING_ID_TEXT];
    struct sighting_batch *b = sighting_batch_new(1, 16 << 20);
    enum err e = b ? read_pass(v, &p, note) : ERR_NOMEM;
    if (e == OK)
        e = frame_of(v, &jpeg, note);
    if (e == OK)
        e = clip_book_pass(&p, span_of(jpeg.p, jpeg.n), b, &f.pass, note);
    f.position_ms = p.position_ms;
    f.at_ms = p.true_ms;
    if (e == OK)
        e = journal(
            v, "mark_frame",
            clip_book_marked(v->clip->hash, &f, span_cstr(op_text(v->c, "note"))),
            v->clip->hash, note);
    if (e == OK)
        e = door_store(v->c->door, append, &b, note);
    if (e == OK && b->fate[0] != FATE_STORED && b->fate[0] != FATE_DUPLICATE)
        e = note_set(
            note, ERR_INPUT, "position_ms",
            "a pass of this time is not taken: it lies ahead of now or past the "
            "retention",
            "该时间的过车不能入库：晚于当前或早于保存期限");
    if (e == OK)
        fprintf(v->c->out, "%s\n", sighting_id_format(id, f.pass));
    if (b)
        sighting_batch_free(b);
    buf_release(&jpeg);
    return e;
}

static const struct {
    const char *what;
    bool clip; /* is about one that is there */
    enum err (*fn)(struct video *v, struct note *note);
} deeds[] = {
    {"import", false, import}, {"list", false, list}, {"clock", true, set_clock},
    {"frame", true, frame},    {"mark", true, mark},
};

static enum err
run(struct op_call *c, struct note *note)
{
    struct video v = {.c = c};
    size_t i = 0;
    while (i < sizeof deeds / sizeof *deeds &&
           strcmp(deeds[i].what, op_text(c, "what")) != 0)
        i++;
    must(i < sizeof deeds / sizeof *deeds); /* the command checked the word */
    arena_init(&v.arena, 64 << 20);
    enum err e = find_matter(&v, note);
    if (e == OK)
        e = read_book(&v, note);
    if (e == OK && deeds[i].clip)
        e = clip_book_find(
            v.clips, v.clips_n, span_cstr(op_text(c, "clip")), &v.clip, note);
    if (e == OK)
        e = op_house_open(c, &v.house);
    if (e == OK)
        e = deeds[i].fn(&v, note);
    op_house_close(&v.house);
    arena_release(&v.arena);
    return e;
}

const struct op op_video = {.name = "video", .fn = run};
