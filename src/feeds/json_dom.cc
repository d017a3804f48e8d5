/* SPDX-License-Identifier: Apache-2.0 */
/* The only C++ of the program. simdjson's elements are two words (document, index);
 * they cross the border as such. Exceptions are compiled out: simdjson then answers
 * with error codes only. */
#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

#include <cstring>
#include <new>
#include <type_traits>

/* The C headers, seen from here. */
#define _Noreturn [[noreturn]]
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#include "core/err.h"
}
#pragma GCC diagnostic pop
#include "feeds/json_dom.h"

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

struct dom {
    simdjson::dom::parser parser;
};

static_assert(simdjson::SIMDJSON_PADDING <= DOM_PAD, "callers pad for us");
static_assert(
    sizeof(element) == sizeof(dom_node) && std::is_trivially_copyable<element>::value,
    "");
static_assert(
    sizeof(array::iterator) == 16 && std::is_trivially_copyable<array::iterator>::value,
    "");
static_assert(
    sizeof(object::iterator) == 16 &&
        std::is_trivially_copyable<object::iterator>::value,
    "");

template <typename To, typename From>
static To
recast(const From &from)
{
    static_assert(sizeof(To) == sizeof(From), "");
    To to;
    std::memcpy(static_cast<void *>(&to), &from, sizeof to);
    return to;
}

static element
open_node(dom_node n)
{
    return recast<element>(n);
}

extern "C" struct dom *
dom_new(void)
{
    dom *d = new (std::nothrow) dom;
    return d;
}

extern "C" void
dom_free(struct dom *d)
{
    delete d;
}

static enum dom_fault
fault_of(simdjson::error_code e)
{
    switch (e) {
    case simdjson::UTF8_ERROR:
        return DOM_BAD_UTF8;
    case simdjson::EMPTY:
        return DOM_EMPTY;
    default:
        return DOM_BAD_JSON;
    }
}

extern "C" enum err
dom_parse(struct dom *d, struct span text, struct dom_node *root, enum dom_fault *fault)
{
    element e;
    *fault = DOM_FINE;
    if (text.n == 0) {
        *fault = DOM_EMPTY;
        return ERR_INPUT;
    }
    if (text.n > d->parser.capacity() || d->parser.max_depth() != DOM_DEPTH) {
        size_t room = text.n < 65536 ? 65536 : text.n;
        if (d->parser.allocate(room, DOM_DEPTH) != simdjson::SUCCESS)
            return ERR_NOMEM;
    }
    simdjson::error_code code = d->parser.parse(text.p, text.n, false).get(e);
    if (code == simdjson::MEMALLOC)
        return ERR_NOMEM;
    if (code == simdjson::CAPACITY)
        return ERR_TOOBIG;
    if (code != simdjson::SUCCESS) {
        *fault = fault_of(code);
        return ERR_INPUT;
    }
    *root = recast<dom_node>(e);
    return OK;
}

static inline void
value_of(element e, struct dom_value *out)
{
    switch (e.type()) {
    case element_type::STRING: {
        std::string_view s = e.get_string().value_unsafe();
        out->type = DOM_TEXT;
        out->s.p = s.data();
        out->s.n = s.size();
        return;
    }
    case element_type::INT64:
        out->type = DOM_INT;
        out->i = e.get_int64().value_unsafe();
        return;
    case element_type::UINT64:
        out->type = DOM_NUMBER;
        out->d = static_cast<double>(e.get_uint64().value_unsafe());
        return;
    case element_type::DOUBLE:
        out->type = DOM_NUMBER;
        out->d = e.get_double().value_unsafe();
        return;
    case element_type::BOOL:
        out->type = DOM_BOOL;
        out->b = e.get_bool().value_unsafe();
        return;
    case element_type::ARRAY:
        out->type = DOM_LIST;
        out->node = recast<dom_node>(e);
        return;
    case element_type::OBJECT:
        out->type = DOM_OBJECT;
        out->node = recast<dom_node>(e);
        return;
    case element_type::NULL_VALUE:
        out->type = DOM_NULL;
        return;
    }
    out->type = DOM_NONE;
}

extern "C" void
dom_get(struct dom_node node, struct dom_value *out)
{
    value_of(open_node(node), out);
}

extern "C" enum dom_type
dom_type_of(struct dom_node node)
{
    dom_value v;
    value_of(open_node(node), &v);
    return v.type;
}

extern "C" size_t
dom_size(struct dom_node node)
{
    array a;
    object o;
    if (open_node(node).get_array().get(a) == simdjson::SUCCESS)
        return a.size();
    if (open_node(node).get_object().get(o) == simdjson::SUCCESS)
        return o.size();
    return 0;
}

struct words {
    uint64_t w[2];
};

extern "C" struct dom_iter
dom_walk(struct dom_node node)
{
    struct dom_iter it = {{0, 0}, {0, 0}};
    words at = {{0, 0}}, end = {{0, 0}};
    array a;
    object o;
    if (open_node(node).get_array().get(a) == simdjson::SUCCESS) {
        at = recast<words>(a.begin());
        end = recast<words>(a.end());
    } else if (open_node(node).get_object().get(o) == simdjson::SUCCESS) {
        at = recast<words>(o.begin());
        end = recast<words>(o.end());
    }
    std::memcpy(it.at, at.w, sizeof it.at);
    std::memcpy(it.end, end.w, sizeof it.end);
    return it;
}

extern "C" bool
dom_next(struct dom_iter *it, struct dom_node *out)
{
    if (it->at[1] == it->end[1])
        return false;
    words w = {{it->at[0], it->at[1]}};
    array::iterator i = recast<array::iterator>(w);
    *out = recast<dom_node>(*i);
    ++i;
    w = recast<words>(i);
    std::memcpy(it->at, w.w, sizeof it->at);
    return true;
}

extern "C" bool
dom_next_pair(struct dom_iter *it, struct span *key, struct dom_node *out)
{
    if (it->at[1] == it->end[1])
        return false;
    words w = {{it->at[0], it->at[1]}};
    object::iterator i = recast<object::iterator>(w);
    std::string_view k = i.key();
    key->p = k.data();
    key->n = k.size();
    *out = recast<dom_node>(i.value());
    ++i;
    w = recast<words>(i);
    std::memcpy(it->at, w.w, sizeof it->at);
    return true;
}

/* ---- keys ---- */

static inline unsigned
fold(char c)
{
    return static_cast<unsigned char>(c) | 0x20u;
}

static inline uint8_t
key_hash(const char *p, size_t n)
{
    return static_cast<uint8_t>(
        n * 5u + fold(p[0]) * 7u + fold(p[n / 2]) * 31u + fold(p[n - 1]) * 59u);
}

extern "C" void
dom_keys_init(struct dom_keys *k, const char *const *names, size_t n)
{
    must(n <= DOM_KEYS);
    std::memset(k, 0, sizeof *k);
    k->names = names;
    k->n = static_cast<uint8_t>(n);
    for (size_t i = 0; i < n; i++) {
        size_t len = std::strlen(names[i]);
        must(len > 0 && len < 256);
        k->len[i] = static_cast<uint8_t>(len);
        uint8_t h = key_hash(names[i], len);
        while (k->slot[h])
            h++;
        k->slot[h] = static_cast<uint8_t>(i + 1);
    }
}

static bool
same_folded(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char x = a[i], y = b[i];
        x = x >= 'A' && x <= 'Z' ? static_cast<char>(x + 32) : x;
        y = y >= 'A' && y <= 'Z' ? static_cast<char>(y + 32) : y;
        if (x != y)
            return false;
    }
    return true;
}

/* Index + 1 of a key, or 0. */
static inline unsigned
find_key(const struct dom_keys *k, const char *p, size_t n, bool *other_case)
{
    if (n == 0 || n > 255)
        return 0;
    for (uint8_t h = key_hash(p, n); k->slot[h]; h++) {
        unsigned i = k->slot[h] - 1u;
        if (k->len[i] != n)
            continue;
        if (std::memcmp(k->names[i], p, n) == 0)
            return i + 1;
        if (same_folded(k->names[i], p, n)) {
            *other_case = true;
            return i + 1;
        }
    }
    return 0;
}

extern "C" size_t
dom_fields(
    struct dom_node node, const struct dom_keys *k, struct dom_value *values,
    bool *other_case)
{
    object o;
    size_t unknown = 0;
    for (unsigned i = 0; i < k->n; i++)
        values[i].type = DOM_NONE;
    if (open_node(node).get_object().get(o) != simdjson::SUCCESS)
        return 0;
    object::iterator end = o.end();
    for (object::iterator i = o.begin(); i != end; ++i) {
        std::string_view key = i.key();
        unsigned found = find_key(k, key.data(), key.size(), other_case);
        if (found)
            value_of(i.value(), &values[found - 1]);
        else
            unknown++;
    }
    return unknown;
}
