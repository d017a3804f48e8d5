/* SPDX-License-Identifier: Apache-2.0 */
/* Options become JSON once, so that an operation reads the same alone and through the
 * daemon's door. */
#include "cli/run_op.h"

#include "core/os_file.h"
#include "daemon/door.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void
key_of(char *dst, size_t cap, const char *name)
{
    must(span_copy(dst, cap, span_cstr(name)));
    for (char *p = dst; *p; p++)
        if (*p == '-')
            *p = '_';
}

json_t *
op_args(const struct cmd_args *args, const char *const *names)
{
    json_t *o = json_object();
    for (; o && *names; names++) {
        char key[64];
        const struct cmd_opt *row = args->cmd->opts;
        while (row->name && strcmp(row->name, *names) != 0)
            row++;
        must(row->name != NULL);
        struct span v = cmd_text(args, *names);
        if (!v.p)
            continue;
        key_of(key, sizeof key, *names);
        json_t *value = row->type == OPT_FLAG   ? json_true()
                        : row->type == OPT_TIME ? json_integer(cmd_time(args, *names))
                        : row->type == OPT_NUMBER
                            ? json_integer((json_int_t)cmd_number(args, *names))
                            : json_stringn(v.p, v.n);
        if (json_object_set_new(o, key, value) != 0) {
            json_decref(o);
            return NULL;
        }
    }
    return o;
}

enum err
run_op(
    const struct cmd_args *cmd, const char *op, json_t *args, const char *file,
    struct note *note)
{
    if (!args ||
        (cmd_speaks_chinese() && json_object_set_new(args, "zh", json_true()) != 0)) {
        json_decref(args);
        return ERR_NOMEM;
    }
    int in = -1;
    bool standard = file && strcmp(file, "-") == 0;
    if (file) {
        in = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
        if (in < 0) {
            json_decref(args);
            return note_fmt(
                note, ERR_NOTFOUND, "file", "%s cannot be opened for reading",
                "无法打开 %s", file);
        }
    }
    enum err e = door_run(cmd_cstr(cmd, "data"), op, args, in, stdout, note);
    if (in >= 0 && !standard)
        close(in);
    json_decref(args);
    return e;
}

enum err
keep_printed(FILE *printed, const char *path, const char *site, struct note *note)
{
    long n = fseek(printed, 0, SEEK_END) == 0 ? ftell(printed) : -1;
    char *bytes = n > 0 ? malloc((size_t)n) : NULL;
    rewind(printed);
    enum err e =
        bytes && fread(bytes, 1, (size_t)n, printed) == (size_t)n ? OK : ERR_IO;
    if (e == OK)
        e = os_write_file(os_fs_real(), path, span_of(bytes, (size_t)n), site, note);
    free(bytes);
    return e;
}

enum err
read_secret(const char *path, char *dst, size_t cap, struct note *note)
{
    char *text;
    size_t n;
    enum err e = os_read_file(os_fs_real(), path, 4096, &text, &n, note);
    if (e != OK)
        return e;
    struct span rest = span_of(text, n), line = span_cut(&rest, '\n');
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    if (line.n < 8 || !span_copy(dst, cap, line))
        e = note_fmt(
            note, ERR_INPUT, "password",
            "the first line of %s is no password: 8 to %zu bytes",
            "%s 的首行不是口令：须为 8 至 %zu 字节", path, cap - 1);
    explicit_bzero(text, n);
    free(text);
    return e;
}

enum err
op_password(const struct cmd_args *args, json_t *to, struct note *note)
{
    char password[257];
    const char *file = cmd_cstr(args, "password-file");
    enum err e = file ? read_secret(file, password, sizeof password, note) : OK;
    if (e == OK && file &&
        json_object_set_new(to, "password", json_string(password)) != 0)
        e = note_set(
            note, ERR_INPUT, "password", "the password is no UTF-8 text",
            "口令不是 UTF-8 文字");
    explicit_bzero(password, sizeof password);
    return e;
}
