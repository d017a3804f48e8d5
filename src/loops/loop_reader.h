/* SPDX-License-Identifier: Apache-2.0 */
/* loop_reader.h - the small steps by which a definition is read from its node tree.
 *
 * The error is sticky: once `err` is set every step does nothing and gives zero or
 * NULL, so a section reads as a list of its keys, and the first thing that is wrong is
 * what is told.
 *
 * Owner    a reader lives on the stack of loop_def_parse(); what it gives lies in the
 * arena.
 * Threads  one reader, one thread.
 * Errors   ERR_INPUT, ERR_TOOBIG in `err`, with the sentence in the note.
 * See      loop_read.c (nouns), loop_read_moves.c (effects, moves, clocks, ladders).
 */
#ifndef TQ_LOOPS_LOOP_READER_H
#define TQ_LOOPS_LOOP_READER_H

#include "core/arena.h"
#include "loops/loop_expr.h"
#include "loops/ydoc.h"

#define LABEL_MAX 120    /* bytes of a label */
#define SENTENCE_MAX 400 /* bytes of a sentence */
#define COUNT(a) (sizeof(a) / sizeof *(a))

struct reader {
    const struct ydoc *y;
    struct arena *arena;
    struct loop_def *d; /* being filled */
    struct note *note;
    enum err err;
};

enum reader_ref { REF_STATE, REF_FIELD, REF_CLOCK, REF_ROLE, REF_MOVE, REF_GATE };

struct loop_pos reader_pos(const struct ydoc_node *n);
/* count zeroed elements; NULL after an error. */
void *reader_take(struct reader *r, size_t count, size_t size);
/* A copy that ends with NUL. */
const char *reader_keep(struct reader *r, struct span s);
/* The text of a node, kept. */
const char *reader_text(struct reader *r, const struct ydoc_node *n, size_t max);
/* The child under key, which must be there. */
const struct ydoc_node *
reader_need(struct reader *r, const struct ydoc_node *map, const char *key);
bool reader_flag(
    struct reader *r, const struct ydoc_node *map, const char *key, bool otherwise);
/* The number of the word under key; `otherwise` when the key is not there. */
size_t reader_word(
    struct reader *r, const struct ydoc_node *map, const char *key,
    const char *const *words, size_t n, size_t otherwise);
void reader_only(
    struct reader *r, const struct ydoc_node *map, const char *const *keys, size_t n);
void reader_want(struct reader *r, const struct ydoc_node *n, enum ydoc_kind kind);
/* zh and en of a map; both, or an error. */
struct loop_text
reader_label(struct reader *r, const struct ydoc_node *map, size_t max);
/* The same where both may be left out. */
struct loop_text
reader_label_maybe(struct reader *r, const struct ydoc_node *map, size_t max);
/* The number of what a node names. */
uint16_t reader_ref(struct reader *r, const struct ydoc_node *n, enum reader_ref kind);
/* A list of names as bits; each once. */
uint64_t
reader_bits(struct reader *r, const struct ydoc_node *list, enum reader_ref kind);
/* A map of named things: false (and the error) when there are too many or a key is no
 * name. */
bool reader_names(struct reader *r, const struct ydoc_node *map, size_t max);
const struct loop_expr *
reader_expr(struct reader *r, const struct ydoc_node *n, enum loop_value_kind kind);

/* Sections of loop_read_moves.c. */
void reader_gates(struct reader *r, const struct ydoc_node *map);
void reader_clocks(struct reader *r, const struct ydoc_node *map);
void reader_moves(struct reader *r, const struct ydoc_node *map);
void reader_ladders(struct reader *r, const struct ydoc_node *map);
/* form: [outcome, note?]. inputs: fields that the opener gives may stand in it. */
const struct loop_ask *reader_form(
    struct reader *r, const struct ydoc_node *list, bool inputs, uint8_t *out_n);

#endif
