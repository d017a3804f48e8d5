/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu export evidence: a signed archive of an alarm's passes, or of passes named one
 * by one. */
#include "daemon/op_house.h"
#include "serve/evidence.h"
#include "serve/rows.h"

static enum err
read_ids(const struct op_call *c, struct sighting_id *ids, size_t *n, struct note *note)
{
    struct span rest = span_cstr(op_text(c, "passes"));
    *n = 0;
    while (rest.n) {
        struct span id = span_trim(span_cut(&rest, ','));
        if (*n == EVIDENCE_PASSES || !sighting_id_parse(id, &ids[*n]))
            return note_fmt(
                note, ERR_INPUT, "passes",
                "\"%.*s\" is no pass, or there are more than %u",
                "“%.*s”不是过车编号，或多于 %u 条", SPAN_ARG(id), EVIDENCE_PASSES);
        (*n)++;
    }
    return OK;
}

static enum err
read_alarm(const struct op_call *c, struct alarm_row *row, struct note *note)
{
    struct alarm_id id;
    const char *text = op_text(c, "alarm");
    enum err e = rows_alarm_parse(span_cstr(text), &id)
                     ? ledger_alarm_find(c->door->reader, id, row)
                     : ERR_NOTFOUND;
    return e == ERR_NOTFOUND
               ? note_fmt(
                     note, e, "alarm", "there is no alarm \"%s\"", "没有预警“%s”", text)
               : e;
}

static enum err
run(struct op_call *c, struct note *note)
{
    struct arena a;
    struct op_house h = {0};
    struct buf zip = {0};
    struct look_row row = {0};
    struct alarm_row alarm;
    struct evidence_ask q = {
        .matter = span_cstr(op_text(c, "matter")),
        .title = span_cstr(op_text(c, "title")),
        .remark = span_cstr(op_text(c, "remark")),
        .no_clips = op_flag(c, "no_clips"),
    };
    arena_init(&a, (size_t)1 << 30);
    struct sighting_id *ids = arena_array(&a, EVIDENCE_PASSES, sizeof *ids);
    enum err e = ids ? op_house_who(c, LOOK_EXPORT, &q.who, note) : ERR_TOOBIG;
    if (e == OK && op_text(c, "alarm")) {
        e = read_alarm(c, &alarm, note);
        q.alarm = &alarm.alarm;
        q.alarm_matter = e == OK ? alarm.matter : 0;
    } else if (e == OK) {
        e = read_ids(c, ids, &q.ids_n, note);
        q.ids = ids;
    }
    if (e == OK)
        e = op_house_open(c, &h);
    if (e == OK)
        e = evidence_run(&h.house, c->door->reader, &q, &a, &zip, &row, note);
    if (e == OK)
        e = op_house_looked(c, &row, note);
    if (e == OK && fwrite(zip.p, 1, zip.n, c->out) != zip.n)
        e = ERR_IO;
    op_house_close(&h);
    buf_release(&zip);
    arena_release(&a);
    return e;
}

const struct op op_evidence = {.name = "evidence", .fn = run};
