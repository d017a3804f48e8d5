/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.h - a YAML (or JSON) file as a tree of nodes that know where they stand.
 *
 * The scalar never decides its type: `no`, `08:30` and `1e3` are text until a typed
 * reader below asks for something else. Aliases, anchors, tags, second documents and
 * doubled keys are refused; size, depth and number of nodes are bounded.
 *
 * Units    line and column count from 1, columns in characters.
 * Owner    yaml_parse() gives a document; yaml_free() takes all nodes and texts with
 * it. Threads  constant once read. Errors   ERR_INPUT, ERR_TOOBIG. Every note reads
 * FILE:LINE:COLUMN path: what was expected. See      YAML 1.1 through libyaml's events;
 * tests in yaml_test.c, fuzz/loop_def_fuzz.c.
 */
#ifndef TQ_LOOPS_YAML_H
#define TQ_LOOPS_YAML_H

#include "core/err.h"
#include "core/span.h"

#define YAML_MAX_BYTES (1u << 20)
#define YAML_MAX_DEPTH 16
#define YAML_MAX_NODES 50000

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_node {
    struct span text; /* YAML_TEXT; NUL-terminated behind its length */
    struct span key;  /* under which it stands in a map; .p NULL otherwise */
    struct yaml_node *parent, *first, *last, *next;
    uint32_t line, column;         /* of the value */
    uint32_t key_line, key_column; /* of the key */
    uint32_t index;                /* in its parent */
    uint32_t n;                    /* children */
    uint8_t kind;                  /* enum yaml_kind */
    bool plain;                    /* text without quotes */
};

struct yaml;
/* Reads the one document of text. `file` is kept for messages. */
enum err yaml_parse(
    struct span text, const char *file, struct yaml **out, struct note *note) MUST_USE;
void yaml_free(struct yaml *y);
const struct yaml_node *yaml_root(const struct yaml *y);
const char *yaml_file(const struct yaml *y);

/* The child under a key of a map; NULL when there is none (or node is no map). */
const struct yaml_node *yaml_find(const struct yaml_node *node, const char *key);

/* "moves[3].from" of a node, cut to fit, into dst[cap]; returns dst. "" for the root.
 */
char *yaml_path(const struct yaml_node *node, char *dst, size_t cap);

/* Fills the note with FILE:LINE:COLUMN path: the sentence, and returns e. Both formats
 * take the same arguments. */
enum err yaml_wrong(
    const struct yaml *y, const struct yaml_node *node, struct note *note, enum err e,
    const char *en, const char *zh, ...);
/* The same at the key of the node (an unknown or misplaced key). */
enum err yaml_wrong_key(
    const struct yaml *y, const struct yaml_node *node, struct note *note, enum err e,
    const char *en, const char *zh, ...);

/* Typed readers: ERR_INPUT says what was expected here. */
enum err yaml_get_text(
    const struct yaml *y, const struct yaml_node *node, size_t max, struct span *out,
    struct note *note) MUST_USE;
/* A name: a-z, 0-9 and _, beginning with a letter, at most 40 long. */
enum err yaml_get_name(
    const struct yaml *y, const struct yaml_node *node, struct span *out,
    struct note *note) MUST_USE;
enum err yaml_get_i64(
    const struct yaml *y, const struct yaml_node *node, int64_t min, int64_t max,
    int64_t *out, struct note *note) MUST_USE;
enum err yaml_get_number(
    const struct yaml *y, const struct yaml_node *node, double *out,
    struct note *note) MUST_USE;
/* true or false, nothing else. */
enum err yaml_get_flag(
    const struct yaml *y, const struct yaml_node *node, bool *out,
    struct note *note) MUST_USE;
/* "2min", "24h", "90s", "3d", "1h30min" as milliseconds, more than 0. */
enum err yaml_get_duration(
    const struct yaml *y, const struct yaml_node *node, int64_t *out_ms,
    struct note *note) MUST_USE;
/* One of words[0..n): its number. */
enum err yaml_get_word(
    const struct yaml *y, const struct yaml_node *node, const char *const *words,
    size_t n, size_t *out, struct note *note) MUST_USE;
enum err yaml_want(
    const struct yaml *y, const struct yaml_node *node, enum yaml_kind kind,
    struct note *note) MUST_USE;
/* The node must be a map with no other keys than keys[0..n). The first unknown one is
 * the error. */
enum err yaml_only(
    const struct yaml *y, const struct yaml_node *node, const char *const *keys,
    size_t n, struct note *note) MUST_USE;
/* The child under key, or ERR_INPUT "key is missing". */
enum err yaml_need(
    const struct yaml *y, const struct yaml_node *node, const char *key,
    const struct yaml_node **out, struct note *note) MUST_USE;

/* "90s", "2min", "1h30min", "24h", "3d": milliseconds; false on anything else. */
bool duration_parse(struct span s, int64_t *out_ms);

#endif
