/* SPDX-License-Identifier: Apache-2.0 */
/* assets.h - the web console: embedded in the binary by the build, or read from
 * --web-root.
 *
 * Owner    assets_open() gives the caller an object for assets_free(); replies borrow
 * from it.
 * Threads  immutable once open.
 * Errors   ERR_NOTFOUND or ERR_INPUT for a web root without a readable manifest.json.
 * See      console/build.mjs makes manifest.json; cmake/console.cmake embeds it.
 */
#ifndef TQ_SERVE_ASSETS_H
#define TQ_SERVE_ASSETS_H

#include "serve/http.h"

struct asset {
    const char *path; /* "/a/app-AB12.js"; NULL ends a table */
    const char *type, *etag;
    struct span bytes, gzip; /* gzip.p NULL = not worth it */
    bool immutable;          /* its name carries its content */
};
extern const struct asset console_rows[]; /* made by the build; empty without console */

extern const char console_policy[]; /* Content-Security-Policy of the console */

struct assets;
/* root NULL = the embedded console (or a page that says how to build it). */
enum err assets_open(const char *root, struct assets **out, struct note *note) MUST_USE;
void assets_free(struct assets *a);
/* Answers a GET of the path; false when no asset has it. */
bool assets_reply(const struct assets *a, struct req *r);
size_t assets_count(const struct assets *a);

#endif
