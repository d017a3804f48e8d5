/* SPDX-License-Identifier: Apache-2.0 */
/* docs.h - documents of matters (pictures copied out as evidence, letters, exports) by
 * their content.
 *
 * Shape    DIR/docs/<2 hex>/<64 hex BLAKE2b-256>: written once, never changed; the same
 *          bytes are one file. Name, type and matter of a document are the matter's own
 *          fields.
 * Owner    the caller frees nothing: bytes go to its arena.
 * Threads  any; putting the same bytes twice at once is harmless.
 * Errors   ERR_NOTFOUND; ERR_CORRUPT when the bytes do not have their name; ERR_TOOBIG;
 *          ERR_FULL.
 */
#ifndef TQ_STORE_DOCS_H
#define TQ_STORE_DOCS_H

#include "core/arena.h"
#include "core/os_file.h"

#define DOCS_MAX (64u << 20)

struct doc_ref {
    uint8_t hash[32];
};
#define DOC_REF_TEXT 65
char *doc_ref_format(char *dst, const struct doc_ref *ref); /* dst[DOC_REF_TEXT] */
bool doc_ref_parse(struct span s, struct doc_ref *out);

/* Are these bytes a document already? */
bool docs_known(struct os_fs *fs, const char *dir, struct span bytes);
/* Durable when OK. */
enum err docs_put(
    struct os_fs *fs, const char *dir, struct span bytes, struct doc_ref *out,
    struct note *note) MUST_USE;
enum err docs_get(
    struct os_fs *fs, const char *dir, const struct doc_ref *ref, struct arena *a,
    struct span *out, struct note *note) MUST_USE;
/* Where it lies (dst[OS_PATH]), for a program of the machine that reads files itself.
 */
enum err
docs_path(const char *dir, const struct doc_ref *ref, char dst[OS_PATH]) MUST_USE;
/* Unlinks it; absent is fine. */
enum err
docs_drop(struct os_fs *fs, const char *dir, const struct doc_ref *ref) MUST_USE;

#endif
