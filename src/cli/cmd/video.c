/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu video: outside video of a hit-and-run from the command line. */
#include "cli/run_op.h"
#include "core/os_file.h"
#include "daemon/door.h"

#include <math.h>

static const struct cmd_opt opts[] = {
    {"data", "DIR", OPT_PATH, true, 0, 0, NULL, "data directory", "数据目录"},
    {"matter", "ID", OPT_TEXT, true, 0, 0, NULL, "the matter the video belongs to",
     "视频所属事项"},
    {"name", "TEXT", OPT_TEXT, false, 0, 0, NULL,
     "import: what it is called; the file's name when left out",
     "导入：名称，缺省为文件名"},
    {"clip", "HASH", OPT_TEXT, false, 0, 0, NULL,
     "which clip: the beginning of its hash; need not be said of the only one",
     "哪段视频：哈希前几位；仅一段时可省略"},
    {"at", "SECONDS", OPT_NUMBER, false, 0, 7200, NULL,
     "clock, frame, mark: where in the clip", "对时、取帧、标注：视频内的秒数"},
    {"pass", "ID", OPT_TEXT, false, 0, 0, NULL,
     "clock: the pass of the vehicle that the clip shows there",
     "对时：该处画面中车辆的过车编号"},
    {"site", "CODE", OPT_TEXT, false, 0, 0, NULL, "mark: where the frame was taken",
     "标注：画面所在点位"},
    {"plate", "PLATE", OPT_TEXT, false, 0, 0, NULL,
     "mark: plate; ? for a character that cannot be read",
     "标注：号牌，看不清的字写 ?"},
    {"plate-color", "N", OPT_NUMBER, false, 0, 99, NULL, "mark: plate colour",
     "标注：号牌颜色代码"},
    {"class", "CODE", OPT_TEXT, false, 0, 0, NULL, "mark: class, as K33",
     "标注：车型代码，如 K33"},
    {"color", "N", OPT_NUMBER, false, 0, 99, NULL, "mark: body colour, as 2 for white",
     "标注：车身颜色代码，如 2 为白"},
    {"brand", "CODE", OPT_TEXT, false, 0, 0, NULL, "mark: brand", "标注：品牌代码"},
    {"note", "TEXT", OPT_TEXT, false, 0, 0, NULL, "mark: what the frame shows",
     "标注：画面说明"},
    {"out", "FILE.jpg", OPT_PATH, false, 0, 0, NULL, "frame: the picture to write",
     "取帧：写出的图片文件"},
    {"format", "table|json|csv", OPT_CHOICE, false, 0, 0, "table",
     "list: how it is printed", "列表输出格式"},
    {0},
};

static const struct deed {
    const char *name;
    size_t words; /* with the file */
    bool at, pass, site, out;
} deeds[] = {
    {"import", 2, false, false, false, false}, {"list", 1, false, false, false, false},
    {"clock", 1, true, true, false, false},    {"frame", 1, true, false, false, true},
    {"mark", 1, true, false, true, false},
};

static enum err
check(const struct cmd_args *args, const struct deed **out, struct note *note)
{
    const struct deed *d = NULL;
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++)
        if (span_eq_cstr(args->word[0], deeds[i].name))
            d = &deeds[i];
    if (!d || args->words != d->words)
        return note_set(
            note, ERR_USAGE, "word",
            "tongqu video import FILE | list | clock | frame | mark",
            "用法：tongqu video import 文件 | list | clock | frame | mark");
    const struct {
        bool need;
        const char *name;
    } needs[] = {{d->at, "at"}, {d->pass, "pass"}, {d->site, "site"}, {d->out, "out"}};
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (needs[i].need && !cmd_given(args, needs[i].name))
            return note_fmt(
                note, ERR_USAGE, needs[i].name, "video %s needs --%s",
                "video %s 须指定 --%s", d->name, needs[i].name);
    *out = d;
    return OK;
}

/* The last part of the path, at most 120 bytes of it. */
static json_t *
name_of(struct span path)
{
    size_t from = path.n, n;
    while (from && path.p[from - 1] != '/')
        from--;
    n = path.n - from;
    if (n > 120)
        n = 120;
    json_t *name = json_stringn(path.p + from, n);
    return name ? name : json_string("clip"); /* no UTF-8 */
}

static enum err
write_frame(const struct cmd_args *args, json_t *a, struct note *note)
{
    FILE *printed = tmpfile();
    enum err e = printed
                     ? door_run(cmd_cstr(args, "data"), "video", a, -1, printed, note)
                     : ERR_IO;
    if (e == OK)
        e = keep_printed(printed, cmd_cstr(args, "out"), "video", note);
    if (printed)
        fclose(printed);
    json_decref(a);
    return e;
}

static enum err
run(const struct cmd_args *args, struct note *note)
{
    static const char *const names[] = {
        "matter",      "name",  "clip",   "pass",  "site", "plate", "class",
        "plate-color", "color", "format", "brand", "note", NULL};
    const struct deed *d = NULL;
    enum err e = check(args, &d, note);
    if (e != OK)
        return e;
    json_t *a = op_args(args, names);
    if (!a || json_object_set_new(a, "what", json_string(d->name)) != 0)
        return ERR_NOMEM;
    if (d->words == 2 && !cmd_given(args, "name"))
        json_object_set_new(a, "name", name_of(args->word[1]));
    if (d->at)
        json_object_set_new(
            a, "position_ms", json_integer(llround(cmd_number(args, "at") * 1000)));
    if (d->out)
        return write_frame(args, a, note);
    return run_op(args, "video", a, d->words == 2 ? args->word[1].p : NULL, note);
}

const struct cmd cmd_video = {
    .name = "video",
    .synopsis = "import FILE|list|clock|frame|mark --data DIR --matter ID [options]",
    .en = "Keep an outside clip with a hit-and-run, set its clock by a known pass, and "
          "make a marked frame a pass that says everywhere that a person entered it. "
          "Needs ffmpeg on the machine.",
    .zh = "为肇事逃逸侦查事项导入外部视频、用已知过车对时、将标注画面转为人工录入过车。"
          "本机须装有 ffmpeg。",
    .words_min = 1,
    .words_max = 2,
    .opts = opts,
    .examples =
        "  tongqu video import shop.mp4 --data DIR --matter TY-20260302-0001\n"
        "  tongqu video list --data DIR --matter TY-20260302-0001 --format json\n"
        "  tongqu video clock --data DIR --matter TY-20260302-0001 --at 20.4 --pass "
        "1772416860000-3-0a1b2c3d\n"
        "  tongqu video frame --data DIR --matter TY-20260302-0001 --at 100 --out "
        "crash.jpg\n"
        "  tongqu video mark --data DIR --matter TY-20260302-0001 --at 100 --site "
        "140100000003 --plate '晋A12?45' --note \"右侧后视镜缺失\"\n",
    .fn = run,
};
