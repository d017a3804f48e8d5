/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu lint: reads what a city edits, and says what is wrong and what is odd, with
 * file, line and column. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cmd.h"
#include "core/os_file.h"
#include "daemon/purposes.h"
#include "daemon/rule_file.h"
#include "loops/loop_def.h"

static const struct cmd_opt opts[] = {
    {"diagram", "KIND", OPT_TEXT, false, 0, 0, NULL,
     "print the state diagram of one kind (Mermaid) instead",
     "改为输出某类闭环的状态图（Mermaid）"},
    {"zh", NULL, OPT_FLAG, false, 0, 0, NULL, "labels of the diagram in Chinese",
     "状态图使用中文"},
    {0},
};

struct told {
    size_t errors, warnings;
};

static void
tell(void *ctx, const struct loop_finding *f)
{
    struct told *t = ctx;
    f->error ? t->errors++ : t->warnings++;
    if (f->pos.line)
        printf(
            "%s:%u:%u %s: %s: %s\n    %s\n", f->file, f->pos.line, f->pos.column,
            f->path, f->error ? "error" : "warning", f->en, f->zh);
    else
        printf("%s\n    %s\n", f->en, f->zh);
}

static enum err
unknown_kind(const struct loop_defs *defs, struct span kind, struct note *note)
{
    struct buf have = {0};
    const struct loop_def *d;
    for (size_t i = 0; (d = loop_defs_at(defs, i)); i++)
        buf_fmt(&have, "%s%s", i ? ", " : "", d->kind);
    enum err e = note_fmt(
        note, ERR_USAGE, "diagram", "there is no kind \"%.*s\": there are %.*s",
        "没有种类“%.*s”，现有：%.*s", SPAN_ARG(kind), (int)have.n,
        have.n ? (const char *)have.p : "");
    buf_release(&have);
    return e;
}

static enum err
diagram(const char *dir, struct span kind, bool zh, struct note *note)
{
    struct loop_defs *defs = loop_defs_new();
    struct buf out = {0};
    enum err e = defs ? loop_defs_load(defs, dir, note) : ERR_NOMEM;
    const struct loop_def *d = e ? NULL : loop_def_find(defs, kind);
    if (d) {
        loop_def_diagram(&out, d, zh);
        fwrite(out.p, 1, out.n, stdout);
    } else if (!e) {
        e = unknown_kind(defs, kind, note);
    }
    buf_release(&out);
    loop_defs_free(defs);
    return e;
}

static enum err
check_purposes(const char *dir, struct told *t, struct note *note)
{
    char path[OS_PATH];
    bool there = false;
    enum err e = os_join(path, sizeof path, dir, "purposes.yaml");
    if (e)
        return note_set(note, e, "DIR", "the path is too long", "路径过长");
    FILE *f = fopen(path, "re");
    there = f != NULL;
    if (f)
        fclose(f);
    if (!there)
        return OK;
    struct look_rules *rules = calloc(1, sizeof *rules);
    struct note why = {0};
    if (!rules)
        return ERR_NOMEM;
    if (purposes_read(path, rules, &why) != OK) {
        t->errors++;
        printf("%s\n    %s\n", why.en, why.zh);
    }
    free(rules);
    return OK;
}

static enum err
check_rules(const char *dir, struct told *t, struct note *note)
{
    char path[OS_PATH];
    struct rule_settings s;
    struct note why = {0};
    enum err e = os_join(path, sizeof path, dir, "rules.yaml");
    if (e)
        return note_set(note, e, "DIR", "the path is too long", "路径过长");
    if (rule_file_read(path, &s, &why) != OK) {
        t->errors++;
        printf("%s\n    %s\n", why.en, why.zh);
    }
    return OK;
}

static enum err
run(const struct cmd_args *args, struct note *note)
{
    char dir[OS_PATH], loops[OS_PATH];
    struct told t = {0};
    size_t errors = 0;
    if (!span_copy(dir, sizeof dir, args->word[0]) ||
        os_join(loops, sizeof loops, dir, "loops") != OK)
        return note_set(note, ERR_USAGE, "DIR", "the path is too long", "路径过长");
    if (cmd_given(args, "diagram"))
        return diagram(loops, cmd_text(args, "diagram"), cmd_flag(args, "zh"), note);
    enum err e = loop_lint_dir(loops, tell, &t, &errors, note);
    if (!e)
        e = check_purposes(dir, &t, note);
    if (!e)
        e = check_rules(dir, &t, note);
    if (e)
        return e;
    printf("%zu errors, %zu warnings\n", t.errors, t.warnings);
    if (t.errors)
        return note_set(
            note, ERR_INPUT, "DIR",
            "there are errors: a service would refuse these files",
            "存在错误：服务将拒绝这些文件");
    return OK;
}

const struct cmd cmd_lint = {
    .name = "lint",
    .synopsis = "DIR [--diagram KIND [--zh]]",
    .en = "Check the definitions a city edits (loops, purposes, rules): errors and "
          "oddities "
          "with "
          "file, line and column.",
    .zh = "检查可编辑的定义文件（闭环、查询事由、规则参数），按文件、行、列指出错误与可"
          "疑之处。",
    .words_min = 1,
    .words_max = 1,
    .opts = opts,
    .examples = "  tongqu lint /usr/share/tongqu/definitions\n"
                "  tongqu lint definitions --diagram alarm --zh\n",
    .fn = run,
};
