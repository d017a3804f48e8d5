/* SPDX-License-Identifier: Apache-2.0 */
/* op_list.h - rows that an operation prints, as the person wants them: a table, JSON or
 * CSV.
 *
 * Shape    a row is a JSON object; the columns say which of its keys stand in a table
 *          and in CSV and in what order. JSON has every key.
 * Owner    columns are borrowed; rows are not kept.
 * Threads  the operation's.
 * Errors   ERR_USAGE: no such format.
 */
#ifndef TQ_DAEMON_OP_LIST_H
#define TQ_DAEMON_OP_LIST_H

#include "daemon/op.h"

enum op_format { OP_TABLE, OP_JSON, OP_CSV };

struct op_column {
    const char *key; /* ended by NULL */
    int width;       /* in a table, half-width columns; negative: to the right; 0: not
                        there */
};

struct op_list {
    FILE *out;
    enum op_format format;
    const struct op_column *columns;
    size_t n; /* rows so far */
};

/* Reads "format" (a table when absent) and prints the head. */
enum err op_list_begin(
    const struct op_call *c, const struct op_column *columns, struct op_list *out,
    struct note *note) MUST_USE;
void op_list_row(struct op_list *l, const json_t *row);
void op_list_end(struct op_list *l);

/* A text of CSV; a spreadsheet must never take it for a formula. */
void op_csv_text(FILE *out, struct span s);

#endif
