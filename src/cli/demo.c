/* SPDX-License-Identifier: Apache-2.0 */
/* The demo's memory as a small JSON file. */
#include "cli/demo.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>

static void
secret(char dst[33])
{
    uint8_t bytes[16];
    must(sodium_init() >= 0);
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2hex(dst, 33, bytes, sizeof bytes);
}

void
demo_secrets(struct demo *d)
{
    secret(d->camera_secret);
    secret(d->unit_secret);
}

enum err
demo_write(const char *file, const struct demo *d, struct note *note)
{
    json_t *o = json_pack(
        "{s:I, s:i, s:I, s:I, s:I, s:b, s:s, s:s}", "seed", (json_int_t)d->city.seed,
        "days", d->city.days, "per_day", (json_int_t)d->city.per_day, "watches",
        (json_int_t)d->city.watches, "from_ms", (json_int_t)d->city.from_ms, "real",
        d->real, "camera_secret", d->camera_secret, "unit_secret", d->unit_secret);
    char *text = o ? json_dumps(o, JSON_INDENT(1)) : NULL;
    enum err e = text ? os_write_file(os_fs_real(), file, span_cstr(text), "demo", note)
                      : ERR_NOMEM;
    free(text);
    json_decref(o);
    return e;
}

static int64_t
number(json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

enum err
demo_read(const char *file, struct demo *d, struct note *note)
{
    char *text;
    size_t n;
    enum err e = os_read_file(os_fs_real(), file, 65536, &text, &n, note);
    if (e != OK)
        return e;
    json_t *o = json_loadb(text, n, 0, NULL);
    free(text);
    const char *camera = json_string_value(json_object_get(o, "camera_secret"));
    const char *unit = json_string_value(json_object_get(o, "unit_secret"));
    bool whole =
        camera && unit &&
        span_copy(d->camera_secret, sizeof d->camera_secret, span_cstr(camera)) &&
        span_copy(d->unit_secret, sizeof d->unit_secret, span_cstr(unit));
    if (whole) {
        d->city.seed = (uint64_t)number(o, "seed");
        d->city.days = (int)number(o, "days");
        d->city.per_day = (uint32_t)number(o, "per_day");
        d->city.watches = (uint32_t)number(o, "watches");
        d->city.from_ms = number(o, "from_ms");
        d->real = json_is_true(json_object_get(o, "real"));
    } else {
        e = note_fmt(
            note, ERR_CORRUPT, "dir",
            "%s is damaged: remove the demo's directory to begin anew",
            "%s 已损坏：请删除演示目录后重新开始", file);
    }
    json_decref(o);
    return e;
}

enum err
demo_parents(const char *dir, struct note *note)
{
    char path[OS_PATH];
    if (!span_copy(path, sizeof path, span_cstr(dir)))
        return note_set(note, ERR_TOOBIG, "dir", "the path is too long", "路径过长");
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        enum err e = os_mkdir(os_fs_real(), path, note);
        *slash = '/';
        if (e != OK)
            return e;
    }
    return os_mkdir(os_fs_real(), path, note);
}
