/* SPDX-License-Identifier: Apache-2.0 */
/* One record of a file to import: its fields, and where it goes when it is refused. */
#include "daemon/import.h"

#include "core/os_clock.h"

#include <math.h>

/* ---- rejects ---- */

static void
open_rejects(struct import *im)
{
    char dir[OS_PATH];
    struct note note;
    if (os_join(dir, sizeof dir, im->call->door->base->dir, "rejects") != OK ||
        os_mkdir(os_fs_real(), dir, &note) != OK) {
        fprintf(im->call->log, "the folder for rejects cannot be made: %s\n", dir);
        return;
    }
    char name[64];
    snprintf(name, sizeof name, "%s-%lld.csv", im->kind->name, (long long)os_now_ms());
    if (os_join(im->rejects_path, sizeof im->rejects_path, dir, name) != OK)
        return;
    im->rejects = fopen(im->rejects_path, "w");
    if (!im->rejects)
        fprintf(im->call->log, "rejects cannot be written: %s\n", im->rejects_path);
    else
        fprintf(im->rejects, "\xEF\xBB\xBFline,column,value,reason,reason_zh\n");
}

static void
quoted(FILE *out, struct span s)
{
    fputc('"', out);
    if (s.n && strchr("=+-@\t\r", s.p[0])) /* no formula for a spreadsheet */
        fputc('\'', out);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            fputc('"', out);
        fputc(s.p[i], out);
    }
    fputc('"', out);
}

static void
write_reject(
    struct import *im, uint64_t line, const char *column, struct span value,
    const char *en, const char *zh)
{
    if (!im->rejects && im->rejected + im->cut + im->leap == 0)
        open_rejects(im);
    if (!im->rejects)
        return;
    fprintf(im->rejects, "%llu,%s,", (unsigned long long)line, column);
    quoted(im->rejects, value);
    fprintf(im->rejects, ",\"%s\",\"%s\"\n", en, zh);
}

void
import_reject(
    struct import *im, uint64_t line, const char *column, struct span value,
    const char *en, const char *zh)
{
    write_reject(im, line, column, value, en, zh);
    im->rejected++;
}

void
import_cut(
    struct import *im, uint64_t line, const char *column, struct span value,
    enum feed_fault why)
{
    const struct feed_fault_row *row = feed_fault_row(why);
    if (why == FAULT_TOO_BIG) {
        write_reject(
            im, line, column, value,
            "longer than is kept: the record is taken without it",
            "超过可保存长度：记录已收下，但不含该内容");
        im->cut++;
        return;
    }
    write_reject(im, line, column, value, row->en, row->zh);
    im->leap++;
}

void
import_reject_record(struct import *im, const struct csv_record *r)
{
    const struct feed_fault_row *row = feed_fault_row((enum feed_fault)(r->fault - 1));
    import_reject(im, r->line, "line", (struct span){NULL, 0}, row->en, row->zh);
}

/* ---- fields ---- */

bool
import_has(const struct import *im, int column)
{
    return im->column[column] >= 0;
}

struct span
import_text(const struct import *im, int column)
{
    return span_trim(csv_field(im->record, im->column[column]));
}

bool
import_copy(const struct import *im, int column, char *dst, size_t cap)
{
    return span_copy(dst, cap, import_text(im, column));
}

/* Numbers of optional columns: absent text gives `absent`. */
bool
import_number(
    const struct import *im, int column, double min, double max, double absent,
    double *out)
{
    struct span s = import_text(im, column);
    double v = absent;
    if (s.n && (!span_f64(s, &v) || v < min || v > max))
        return false;
    *out = v;
    return true;
}

bool
import_position(const struct import *im, int lon_col, int lat_col, e7 *lon, e7 *lat)
{
    double x, y;
    if (!import_number(im, lon_col, -180, 180, 0, &x) ||
        !import_number(im, lat_col, -90, 90, 0, &y))
        return false;
    *lon = (e7)lround(x * 1e7);
    *lat = (e7)lround(y * 1e7);
    return true;
}

bool
import_instant(const struct import *im, int column, ts_ms absent, ts_ms *out)
{
    struct span s = import_text(im, column);
    *out = absent;
    return s.n == 0 || ts_parse(s, &im->call->door->base->zone, out, NULL) == OK;
}

/* The record's reason and OK: the import goes on. */
enum err
import_refuse(struct import *im, int column, const char *en, const char *zh)
{
    import_reject(
        im, im->record->line, im->kind->names[column], import_text(im, column), en, zh);
    return OK;
}

enum err
import_told(struct import *im, enum ledger_topic topic, uint64_t object)
{
    struct ledger_entry entry = {
        .topic = (uint8_t)topic, .object = object, .at_ms = im->now};
    uint64_t n;
    im->taken++;
    return ledger_note(im->call->door->base->ledger, &entry, &n);
}
