/* SPDX-License-Identifier: Apache-2.0 */
/* ydoc.h - a YAML (or JSON) file as a tree of nodes that know where they stand.
 *
 * The scalar never decides its type: `no`, `08:30` and `1e3` are text until a typed
 * reader below asks for something else. Aliases, anchors, tags, second documents and
 * doubled keys are refused; size, depth and number of nodes are bounded.
 *
 * Units    line and column count from 1, columns in characters.
 * Owner    ydoc_parse() gives a document; ydoc_free() takes nodes and texts with it.
 * Threads  constant once read.
 * Errors   ERR_INPUT, ERR_TOOBIG; FILE:LINE:COLUMN path: what was expected.
 * See      YAML 1.1 through libyaml; tests in ydoc_test.c, fuzz/loop_def_fuzz.c.
 */
#ifndef TQ_LOOPS_YDOC_H
#define TQ_LOOPS_YDOC_H

#include "core/err.h"
#include "core/span.h"

#define YDOC_MAX_BYTES (1u << 20)
#define YDOC_MAX_DEPTH 16
#define YDOC_MAX_NODES 50000

enum ydoc_kind { YDOC_TEXT, YDOC_LIST, YDOC_MAP };

struct ydoc_node {
    struct span text; /* YDOC_TEXT; NUL-terminated behind its length */
    struct span key;  /* under which it stands in a map; .p NULL otherwise */
    struct ydoc_node *parent, *first, *last, *next;
    uint32_t line, column;         /* of the value */
    uint32_t key_line, key_column; /* of the key */
    uint32_t index;                /* in its parent */
    uint32_t n;                    /* children */
    uint8_t kind;                  /* enum ydoc_kind */
    bool plain;                    /* text without quotes */
};

struct ydoc;
/* Reads the one document of text. `file` is kept for messages. */
enum err ydoc_parse(
    struct span text, const char *file, struct ydoc **out, struct note *note) MUST_USE;
void ydoc_free(struct ydoc *y);
const struct ydoc_node *ydoc_root(const struct ydoc *y);
const char *ydoc_file(const struct ydoc *y);

/* The child under a key of a map; NULL when there is none (or node is no map). */
const struct ydoc_node *ydoc_find(const struct ydoc_node *node, const char *key);

/* "moves[3].from" of a node, cut to fit, into dst[cap]; returns dst. "" for the root.
 */
char *ydoc_path(const struct ydoc_node *node, char *dst, size_t cap);

/* Fills the note with FILE:LINE:COLUMN path: the sentence, and returns e. Both formats
 * take the same arguments. */
enum err ydoc_wrong(
    const struct ydoc *y, const struct ydoc_node *node, struct note *note, enum err e,
    const char *en, const char *zh, ...);
/* The same at the key of the node (an unknown or misplaced key). */
enum err ydoc_wrong_key(
    const struct ydoc *y, const struct ydoc_node *node, struct note *note, enum err e,
    const char *en, const char *zh, ...);

/* Typed readers: ERR_INPUT says what was expected here. */
enum err ydoc_get_text(
    const struct ydoc *y, const struct ydoc_node *node, size_t max, struct span *out,
    struct note *note) MUST_USE;
/* A name: a-z, 0-9 and _, beginning with a letter, at most 40 long. */
enum err ydoc_get_name(
    const struct ydoc *y, const struct ydoc_node *node, struct span *out,
    struct note *note) MUST_USE;
enum err ydoc_get_i64(
    const struct ydoc *y, const struct ydoc_node *node, int64_t min, int64_t max,
    int64_t *out, struct note *note) MUST_USE;
enum err ydoc_get_number(
    const struct ydoc *y, const struct ydoc_node *node, double *out,
    struct note *note) MUST_USE;
/* true or false, nothing else. */
enum err ydoc_get_flag(
    const struct ydoc *y, const struct ydoc_node *node, bool *out,
    struct note *note) MUST_USE;
/* "2min", "24h", "90s", "3d", "1h30min" as milliseconds, more than 0. */
enum err ydoc_get_duration(
    const struct ydoc *y, const struct ydoc_node *node, int64_t *out_ms,
    struct note *note) MUST_USE;
/* One of words[0..n): its number. */
enum err ydoc_get_word(
    const struct ydoc *y, const struct ydoc_node *node, const char *const *words,
    size_t n, size_t *out, struct note *note) MUST_USE;
enum err ydoc_want(
    const struct ydoc *y, const struct ydoc_node *node, enum ydoc_kind kind,
    struct note *note) MUST_USE;
/* The node must be a map with no other keys than keys[0..n). The first unknown one is
 * the error. */
enum err ydoc_only(
    const struct ydoc *y, const struct ydoc_node *node, const char *const *keys,
    size_t n, struct note *note) MUST_USE;
/* The child under key, or ERR_INPUT "key is missing". */
enum err ydoc_need(
    const struct ydoc *y, const struct ydoc_node *node, const char *key,
    const struct ydoc_node **out, struct note *note) MUST_USE;

/* "90s", "2min", "1h30min", "24h", "3d": milliseconds; false on anything else. */
bool duration_parse(struct span s, int64_t *out_ms);

#endif
