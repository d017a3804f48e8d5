/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the console with what browsers need: type, ETag, gzip, caching for ever
 * where the name is a hash, and a policy that lets no foreign or inline script run. */
#include "serve/assets.h"

#include <jansson.h>
#include <stdlib.h>
#include <strings.h>

#include "core/os_file.h"

#define FILE_MAX (32u << 20)
static const char no_console[] =
    "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><title>Tongqu</title>"
    "<h1>通衢</h1><p>本程序编译时未包含网页控制台。请用 <code>./dev build</code> "
    "重新编译（需要 Node 18 与 "
    "npm），或以 <code>--web-root DIR</code> 指定控制台目录。</p>"
    "<p lang=\"en\">This binary was built without the web console. Build it with "
    "<code>./dev build</code> (needs Node 18 and npm), or point <code>--web-root "
    "DIR</code> at "
    "a built one.</p></html>\n";

static const struct asset empty_rows[] = {
    {"/",
     "text/html; charset=utf-8",
     "\"none\"",
     {no_console, sizeof no_console - 1},
     {NULL, 0},
     false},
    {0},
};

struct assets {
    const struct asset *rows;
    struct asset *own; /* rows of a web root: everything in them is heap */
    size_t own_n;
    char *own_policy; /* its Content-Security-Policy; NULL = the program's */
};

static void
free_own(struct asset *a)
{
    free((void *)(uintptr_t)a->path);
    free((void *)(uintptr_t)a->type);
    free((void *)(uintptr_t)a->etag);
    free((void *)(uintptr_t)a->bytes.p);
    free((void *)(uintptr_t)a->gzip.p);
}

void
assets_free(struct assets *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->own_n; i++)
        free_own(&a->own[i]);
    free(a->own);
    free(a->own_policy);
    free(a);
}

static enum err
read_file(const char *root, const char *name, struct span *out, struct note *note)
{
    char path[OS_PATH], *text = NULL;
    size_t n = 0;
    if (strstr(name, "..") || name[0] == '/' || os_join(path, sizeof path, root, name))
        return note_fmt(
            note, ERR_INPUT, "web-root", "\"%s\" is no file of %s", "“%s” 不在 %s 中",
            name, root);
    enum err e = os_read_file(os_fs_real(), path, FILE_MAX, &text, &n, note);
    if (!e)
        *out = span_of(text, n);
    return e;
}

static char *
copy_text(const json_t *row, const char *key)
{
    const char *s = json_string_value(json_object_get(row, key));
    return s ? strdup(s) : NULL;
}

static enum err
take_row(const char *root, const json_t *row, struct asset *a, struct note *note)
{
    const char *file = json_string_value(json_object_get(row, "file"));
    const char *gz = json_string_value(json_object_get(row, "gz"));
    a->path = copy_text(row, "path");
    a->type = copy_text(row, "type");
    a->etag = copy_text(row, "etag");
    a->immutable = json_is_true(json_object_get(row, "immutable"));
    if (!a->path || !a->type || !a->etag || !file)
        return note_set(
            note, ERR_INPUT, "web-root",
            "manifest.json lacks path, type, etag or "
            "file",
            "manifest.json 缺少 path、type、etag 或 file");
    enum err e = read_file(root, file, &a->bytes, note);
    if (!e && gz)
        e = read_file(root, gz, &a->gzip, note);
    return e;
}

static enum err
read_root(const char *root, struct assets *a, struct note *note)
{
    struct span text = {NULL, 0};
    enum err e = read_file(root, "manifest.json", &text, note);
    if (e)
        return e;
    json_t *doc = json_loadb(text.p, text.n, 0, NULL);
    const json_t *files = json_object_get(doc, "files");
    size_t n = json_array_size(files);
    a->own = calloc(n + 1, sizeof *a->own);
    if (!a->own)
        e = ERR_NOMEM;
    else if (!n)
        e = note_set(
            note, ERR_INPUT, "web-root", "manifest.json names no files",
            "manifest.json 中没有文件");
    for (size_t i = 0; !e && i < n; i++) {
        a->own_n = i + 1;
        e = take_row(root, json_array_get(files, i), &a->own[i], note);
    }
    const char *policy = json_string_value(json_object_get(doc, "csp"));
    if (!e && policy && !(a->own_policy = strdup(policy)))
        e = ERR_NOMEM;
    json_decref(doc);
    free((void *)(uintptr_t)text.p);
    a->rows = a->own;
    return e;
}

enum err
assets_open(const char *root, struct assets **out, struct note *note)
{
    struct assets *a = calloc(1, sizeof *a);
    if (!a)
        return ERR_NOMEM;
    a->rows = console_rows[0].path ? console_rows : empty_rows;
    enum err e = root ? read_root(root, a, note) : OK;
    if (e)
        assets_free(a);
    else
        *out = a;
    return e;
}

size_t
assets_count(const struct assets *a)
{
    size_t n = 0;
    while (a->rows[n].path)
        n++;
    return n;
}

static const struct asset *
find(const struct assets *a, struct span path)
{
    for (const struct asset *row = a->rows; row->path; row++)
        if (span_eq_cstr(path, row->path))
            return row;
    return NULL;
}

/* "gzip" without "q=0" in Accept-Encoding. */
static bool
takes_gzip(const struct req *r)
{
    struct span list = req_header(r, "Accept-Encoding");
    while (list.n) {
        struct span one = span_trim(span_cut(&list, ','));
        struct span name = span_trim(span_cut(&one, ';'));
        one = span_trim(one);
        if (name.n == 4 && strncasecmp(name.p, "gzip", 4) == 0)
            return !span_eq_cstr(one, "q=0") && !span_eq_cstr(one, "q=0.0");
    }
    return false;
}

bool
assets_reply(const struct assets *a, struct req *r)
{
    const struct asset *row = find(a, req_path(r));
    if (!row)
        return false;
    req_set(r, "Content-Type", row->type);
    req_set(r, "ETag", row->etag);
    req_set(
        r, "Cache-Control",
        row->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    req_set(
        r, "Content-Security-Policy", a->own_policy ? a->own_policy : console_policy);
    req_set(r, "Referrer-Policy", "no-referrer");
    req_set(r, "X-Frame-Options", "DENY");
    req_set(r, "Permissions-Policy", "camera=(), microphone=(), geolocation=(self)");
    req_set(r, "Cross-Origin-Opener-Policy", "same-origin");
    if (row->gzip.p)
        req_set(r, "Vary", "Accept-Encoding");
    struct span seen = req_header(r, "If-None-Match");
    while (seen.n) {
        struct span one = span_trim(span_cut(&seen, ','));
        if (span_starts(one, SPAN("W/")))
            one = span_skip(one, 2);
        if (span_eq_cstr(one, row->etag)) {
            req_status(r, 304);
            return true;
        }
    }
    bool gzip = row->gzip.p && takes_gzip(r);
    if (gzip)
        req_set(r, "Content-Encoding", "gzip");
    req_out_static(r, gzip ? row->gzip : row->bytes);
    return true;
}
