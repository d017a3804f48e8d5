/* SPDX-License-Identifier: Apache-2.0 */
/* asking.h - a question about sets of vehicles inside a look: what was given is read,
 * the look reaches as far back as the question does, the record keeps the parameters.
 *
 * Owner    the answer lies in the arena.
 * Threads  a query thread, with its own reader.
 * Errors   those of looks_through() and question.h; ERR_INPUT before anything is
 * recorded, *recorded says.
 */
#ifndef TQ_SERVE_ASKING_H
#define TQ_SERVE_ASKING_H

#include "analysis/question.h"
#include "serve/looks.h"

struct asking {
    struct look_request who; /* as kit_who() or op_house_who() fill it */
    const struct question *question;
    const struct question_given *given;
    size_t given_n;
    size_t limit; /* rows */
};

/* The passes with pictures that the rows of an answer stand for: a cell that names a
 * pass, or the pass of the row's plate at one of its times and sites. They are the
 * scope of the look; rows past ASKING_ROWS have none. */
#define ASKING_ROWS (LOOK_IDS / 2)
struct asking_passes {
    struct sighting_id id[LOOK_IDS];
    uint16_t row[LOOK_IDS]; /* ascending */
    size_t n;
};
/* ,"pictures":[["id",...],...]: one list a row, as far as any has one. */
void asking_passes_json(struct buf *out, const struct asking_passes *p);

enum err asking_run(
    const struct house *house, struct ledger_reader *reader, const struct asking *ask,
    struct arena *arena, struct question_answer *out, struct asking_passes *passes,
    struct look_row *row, bool *recorded, struct note *note) MUST_USE;

#endif
