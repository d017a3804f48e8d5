/* SPDX-License-Identifier: Apache-2.0 */
/* json_dom.h - reading JSON documents: the one place where simdjson is spoken to.
 *
 * Shape    a document is parsed whole; nodes are small values into it. An object is
 * taken apart in one call against a compiled table of keys, so that a record costs few
 * crossings.
 * Owner    one struct dom per thread; nodes and spans live until its next dom_parse().
 * Threads  one.
 * Errors   ERR_INPUT: no JSON; ERR_TOOBIG; ERR_NOMEM. No exception leaves the shim.
 * See      RFC 8259; json_dom.cc; json_dom_test.c.
 */
#ifndef TQ_FEEDS_JSON_DOM_H
#define TQ_FEEDS_JSON_DOM_H

#include "core/err.h"
#include "core/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Readable bytes that must lie behind every text that is parsed (their values do not
 * matter). */
#define DOM_PAD 64
/* Deepest nesting that is read. */
#define DOM_DEPTH 64

struct dom;
struct dom *dom_new(void); /* NULL without memory */
void dom_free(struct dom *d);

struct dom_node { /* borrowed from the document */
    uint64_t a, b;
};

enum dom_type {
    DOM_NONE,
    DOM_NULL,
    DOM_BOOL,
    DOM_INT,
    DOM_NUMBER,
    DOM_TEXT,
    DOM_LIST,
    DOM_OBJECT
};

struct dom_value {
    enum dom_type type;
    union {
        bool b;
        int64_t i;
        double d; /* DOM_NUMBER: fractions, and integers beyond int64 */
        struct span s;
        struct dom_node node; /* DOM_LIST, DOM_OBJECT */
    };
};

enum dom_fault { DOM_FINE, DOM_BAD_JSON, DOM_BAD_UTF8, DOM_EMPTY };

/* Parses text, which must have DOM_PAD readable bytes behind it. *fault says what kind
 * of wrong. */
enum err dom_parse(
    struct dom *d, struct span text, struct dom_node *root,
    enum dom_fault *fault) MUST_USE;

void dom_get(struct dom_node node, struct dom_value *out);
enum dom_type dom_type_of(struct dom_node node);

/* Elements of a list (0 for others); objects count their members. */
size_t dom_size(struct dom_node list);

struct dom_iter {
    uint64_t at[2], end[2];
};
/* Iterates over a list or object; a node of another type has no elements. */
struct dom_iter dom_walk(struct dom_node node);
bool dom_next(struct dom_iter *it, struct dom_node *out); /* of a list */
bool dom_next_pair(
    struct dom_iter *it, struct span *key, struct dom_node *out); /* of an object */

/* The keys a decoder knows, compiled once. */
#define DOM_KEYS 64
struct dom_keys {
    const char *const *names;
    uint8_t n;
    uint8_t len[DOM_KEYS];
    uint8_t slot[256]; /* index + 1 */
};
void dom_keys_init(struct dom_keys *k, const char *const *names, size_t n);

/* Fills values[i] for names[i] (DOM_NONE where the object lacks it; the last of equal
 * keys counts). Keys are matched without regard to ASCII case; *other_case is set when
 * case differed. Returns how many members had other names. */
size_t dom_fields(
    struct dom_node object, const struct dom_keys *k, struct dom_value *values,
    bool *other_case);

#ifdef __cplusplus
}
#endif
#endif
