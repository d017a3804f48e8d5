/* SPDX-License-Identifier: Apache-2.0 */
/* csv.h - reading tables of text and lines of JSON (NDJSON, seen by the first '{'): RFC
 * 4180 quotes, CRLF or LF, with or without BOM, UTF-8 or GB18030, streaming, with the
 * line number of every record.
 *
 * Shape    csv_new() reads the head; csv_columns() says which column is which;
 * csv_next() gives records.
 * Owner    fields are borrowed until the next csv_next().
 * Threads  one.
 * Errors   ERR_INPUT: no such column, a head that cannot be; ERR_IO from the source;
 * ERR_NOTFOUND: the end. A record that is too long or whose quote never ends is read as
 * its line stands.
 * See      RFC 4180; csv_test.c; bench/csv_decode.c.
 */
#ifndef TQ_FEEDS_CSV_H
#define TQ_FEEDS_CSV_H

#include "core/err.h"
#include "core/span.h"
#include "feeds/pass_text.h"

#define CSV_FIELDS 128
#define CSV_RECORD (1u << 16) /* longest record in bytes */

enum csv_code { CSV_AUTO, CSV_UTF8, CSV_GB18030 };

/* Fills up to cap bytes; *n = 0 at the end. csv_from_file() takes a FILE * as ctx. */
typedef enum err (*csv_source)(
    void *ctx, char *dst, size_t cap, size_t *n, struct note *note);

enum err csv_from_file(void *file, char *dst, size_t cap, size_t *n, struct note *note);

struct csv_conf {
    csv_source source;
    void *ctx;
    enum csv_code code;
    char comma;         /* 0 = ',' ; ';' and tab are found by themselves in the head */
    const char *header; /* names instead of a head line: "plate,plate_color,..."; NULL =
                           first line */
    const char *map;    /* "theirs=ours,..."; NULL = none */
    size_t window;      /* bytes asked of the source at a time; 0 = 1 MiB */
};

struct csv;
enum err
csv_new(const struct csv_conf *conf, struct csv **out, struct note *note) MUST_USE;
void csv_free(struct csv *c);

/* For each of our names (ended by NULL) the column that has it, or -1; required names
 * that are missing give ERR_INPUT with a note that lists the columns there are. Case
 * and blanks do not matter. */
enum err csv_columns(
    struct csv *c, const char *const *names, const char *const *required, int *column,
    struct note *note) MUST_USE;
size_t csv_width(const struct csv *c); /* number of columns of the head */
struct span csv_name(const struct csv *c, size_t column); /* our name of a column */

struct csv_record {
    struct span *fields; /* n of them; missing ones at the end are not there */
    size_t n;
    uint64_t line;   /* where it begins, from 1 */
    uint64_t offset; /* where it ends, in bytes of text (as UTF-8): for csv_skip_to() */
    uint8_t fault;   /* enum feed_fault + 1: a line of JSON that is none, a record with
                        a NUL in it; n is then 0 */
};
/* The next record that is not blank; ERR_NOTFOUND at the end. */
enum err csv_next(struct csv *c, struct csv_record *out, struct note *note) MUST_USE;
/* The text of a field by our column index (csv_columns); empty when the record is too
 * short. */
static inline struct span
csv_field(const struct csv_record *r, int column)
{
    return column >= 0 && (size_t)column < r->n ? r->fields[column]
                                                : (struct span){NULL, 0};
}
/* Goes on where an earlier reading stopped: offset of its last record, and the line
 * behind it. */
enum err
csv_skip_to(struct csv *c, uint64_t offset, uint64_t line, struct note *note) MUST_USE;
uint64_t csv_bytes(const struct csv *c); /* read from the source so far */
enum csv_code csv_coding(const struct csv *c);

/* ---- sightings ---- */

struct csv_reject {
    uint64_t line;
    enum feed_fault fault;
    const char *column; /* name of the field */
    struct span text;   /* of that field, as it was */
    bool taken;         /* with this text left out, cut or read as its neighbour */
};
struct csv_passes {
    struct csv *csv;
    struct pass_reader *reader;
    int column[PASS_KEYS]; /* from csv_columns(csv, pass_names, ...) */
    struct pass_from from;
    struct feed_faults faults;
    void (*reject)(void *ctx, const struct csv_reject *r);
    void *reject_ctx;
    uint64_t rows, rejected,
        offset;             /* offset: behind the last record taken or rejected */
    uint64_t *lines;        /* of the rows of the batch, filled; NULL: not wanted */
    struct csv_record held; /* a record that did not fit into the batch before */
    bool has_held;
};
/* Fills a batch (until it is full or the table ends). ERR_NOTFOUND: nothing was left to
 * read. */
enum err csv_passes_fill(
    struct csv_passes *p, struct sighting_batch *b, struct note *note) MUST_USE;

#endif
