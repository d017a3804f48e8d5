/* SPDX-License-Identifier: Apache-2.0 */
/* _csv.h - the reader of tables and its mode for lines of JSON among themselves.
 *
 * Owner    csv.c.
 * Threads  one.
 */
#ifndef TQ_FEEDS_CSV_PARTS_H
#define TQ_FEEDS_CSV_PARTS_H

#include "core/cur.h"
#include "feeds/csv.h"

struct csv_json;

struct csv {
    struct csv_conf conf;
    char comma;
    size_t window;
    enum csv_code code; /* CSV_AUTO until a byte beyond ASCII decided */
    bool at_end;        /* the source has no more */
    char *text;         /* the window */
    size_t room, at, end;
    char *raw; /* undecoded bytes of GB18030 behind the window's end */
    size_t raw_n;
    struct buf decoded;
    uint64_t line, bytes,
        window_from; /* line number; bytes read; source offset of text[0] */
    uint32_t *cuts;  /* separators of text[at..scanned) */
    size_t cuts_n, cut;
    size_t scanned; /* how far cuts are known */
    bool odd_ahead; /* text[scanned] is a quote or a NUL */
    bool skipping;  /* the rest of a line that was too long */
    struct span fields[CSV_FIELDS];
    struct buf names; /* head: names behind one another */
    struct span name[CSV_FIELDS];
    size_t width;
    struct csv_json *json; /* the file is lines of JSON; NULL = a table */
};

/* ---- csv.c ---- */
/* Reads more text behind the window's end; the window may move. */
enum err csv_fill(struct csv *c, struct note *note) MUST_USE;
/* The end of the line at c->at (behind its line feed), or of the text. */
size_t csv_line_end(const struct csv *c);
void csv_go_on_at(struct csv *c, size_t at);
/* Drops what is left of a line that was too long; false: more text is needed. */
bool csv_skip_line(struct csv *c);

/* ---- csv_json.c ---- */
struct csv_json *csv_json_new(void);
void csv_json_free(struct csv_json *j);
/* The keys that will be asked for become the columns: names (ours) and what the map
 * calls them. */
enum err
csv_json_columns(struct csv *c, const char *const *names, struct note *note) MUST_USE;
enum err
csv_json_next(struct csv *c, struct csv_record *out, struct note *note) MUST_USE;

#endif
