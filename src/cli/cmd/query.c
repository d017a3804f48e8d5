/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu query: trajectories, passes, questions about sets of vehicles, and alarms from
 * the command line. */
#include "analysis/question.h"
#include "cli/run_op.h"

static const struct cmd_opt opts[] = {
    {"data", "DIR", OPT_PATH, true, 0, 0, NULL, "data directory", "数据目录"},
    {"plate", "PLATE", OPT_TEXT, false, 0, 0, NULL,
     "a plate; sightings also take ? for one character and * for any number",
     "号牌；sightings 可用 ? 与 * 通配"},
    {"sites", "CODE,...", OPT_TEXT, false, 0, 0, NULL,
     "sightings: codes of up to 64 sites", "过车：至多 64 个点位编码"},
    {"kind", "RULE", OPT_TEXT, false, 0, 0, NULL, "alarms: of one rule",
     "预警：仅某一规则"},
    {"from", "T", OPT_TIME, false, 0, 0, NULL,
     "from this pass time: ISO 8601 with zone, or epoch milliseconds", "起始时间"},
    {"to", "T", OPT_TIME, false, 0, 0, NULL, "up to this pass time", "截止时间"},
    {"matter", "ID", OPT_TEXT, false, 0, 0, NULL,
     "the open matter this look belongs to (tongqu matter open)",
     "本次查询所属的未办结事项"},
    {"purpose", "CODE", OPT_TEXT, false, 0, 0, NULL,
     "why: a code of definitions/purposes.yaml, as inquiry",
     "查询事由代码，如 inquiry"},
    {"at", "LON,LAT", OPT_TEXT, false, 0, 0, NULL, "flight: where it happened, degrees",
     "肇逃筛选：案发位置，经度,纬度"},
    {"site", "CODE", OPT_TEXT, false, 0, 0, NULL, "flight: or at this site",
     "肇逃筛选：或案发点位"},
    {"class", "CODE", OPT_TEXT, false, 0, 0, NULL,
     "flight: class of the vehicle, as K33", "肇逃筛选：车型代码，如 K33"},
    {"color", "N", OPT_NUMBER, false, 0, 99, NULL,
     "flight: body colour, as 2 for white", "肇逃筛选：车身颜色代码，如 2 为白"},
    {"brand", "CODE", OPT_TEXT, false, 0, 0, NULL, "flight: brand",
     "肇逃筛选：品牌代码"},
    {"damage", "TEXT", OPT_TEXT, false, 0, 0, NULL, "flight: what is broken, in words",
     "肇逃筛选：车损描述"},
    {"limit", "N", OPT_NUMBER, false, 1, 10000000, NULL, "rows at most", "最多行数"},
    {"format", "table|json|csv|geojson|markdown", OPT_CHOICE, false, 0, 0, "table",
     "how it is printed; markdown for the list of questions only",
     "输出格式；markdown 仅用于问题清单"},
    {0},
};

/* NAME=VALUE words behind the question as an object of texts. */
static enum err
given(const struct cmd_args *args, json_t **out, struct note *note)
{
    json_t *o = *out = json_object();
    for (size_t i = 1; i < args->words; i++) {
        char key[64];
        struct span value = args->word[i], name = span_cut(&value, '=');
        if (!memchr(args->word[i].p, '=', args->word[i].n) || name.n == 0 ||
            !span_copy(key, sizeof key, name))
            return note_fmt(
                note, ERR_USAGE, "word", "\"%.*s\" is no NAME=VALUE",
                "“%.*s”不是 名称=取值", SPAN_ARG(args->word[i]));
        if (!o || json_object_set_new(o, key, json_stringn(value.p, value.n)) != 0)
            return note_fmt(
                note, ERR_USAGE, key, "%s is no UTF-8 text", "%s 不是 UTF-8 文本", key);
    }
    return OK;
}

static enum err
run(const struct cmd_args *args, struct note *note)
{
    static const char *const names[] = {
        "plate",  "sites", "kind", "from",  "to",    "matter", "purpose", "limit",
        "format", "at",    "site", "class", "color", "brand",  "damage",  NULL};
    char what[32];
    if (!span_copy(what, sizeof what, args->word[0]))
        return ERR_USAGE;
    bool look = strcmp(what, "alarms") != 0 && strcmp(what, "questions") != 0;
    bool flight = strcmp(what, "flight") == 0;
    if (look && !flight && strcmp(what, "trajectory") && strcmp(what, "sightings") &&
        !question_find(span_cstr(what)))
        return note_fmt(
            note, ERR_USAGE, "",
            "there is no question \"%s\": see tongqu query questions",
            "没有名为“%s”的问题，见 tongqu query questions", what);
    if (look && (!cmd_given(args, "from") || !cmd_given(args, "to")))
        return note_set(
            note, ERR_USAGE, "from", "a look needs --from and --to",
            "查询须指定 --from 与 --to");
    if (cmd_given(args, "from") && cmd_given(args, "to") &&
        cmd_time(args, "to") < cmd_time(args, "from"))
        return note_set(
            note, ERR_USAGE, "to", "--to lies before --from", "--to 早于 --from");
    json_t *params = NULL, *a = op_args(args, names);
    enum err e = given(args, &params, note);
    if (e == OK && (!a || json_object_set_new(a, "what", json_string(what)) != 0 ||
                    json_object_set(a, "params", params) != 0))
        e = ERR_NOMEM;
    json_decref(params);
    if (e != OK) {
        json_decref(a);
        return e;
    }
    return run_op(args, flight ? "flight" : "query", a, NULL, note);
}

const struct cmd cmd_query = {
    .name = "query",
    .synopsis =
        "trajectory|sightings|flight|QUESTION|alarms|questions [NAME=VALUE "
        "...] --data DIR [--plate P] --from T --to T --matter ID --purpose CODE "
        "[options]",
    .en = "Look at movements (with an open matter and a purpose, recorded in the audit "
          "chain): one vehicle, some sites, a hit-and-run, or a QUESTION with its "
          "parameters (query questions lists them); or list alarms.",
    .zh =
        "查询轨迹、过车、肇逃筛选或研判问题（须有未办结事项与事由，并记入审计链；query "
        "questions 列出各问题及参数），或列出预警。",
    .words_min = 1,
    .words_max = CMD_WORDS,
    .opts = opts,
    .examples =
        "  tongqu query trajectory --data DIR --plate 晋A12345 --from "
        "2026-03-02T00:00:00+08:00 --to 2026-03-03T00:00:00+08:00 \\\n"
        "    --matter HC-20260302-0001 --purpose inquiry --format json\n"
        "  tongqu query flight --data DIR --at 112.5501,37.8364 --from "
        "2026-03-02T09:56:00+08:00 \\\n"
        "    --to 2026-03-02T10:06:00+08:00 --class K33 --color 2 --plate '*54' \\\n"
        "    --matter HC-20260302-0001 --purpose hit_and_run\n"
        "  tongqu query questions --data DIR\n"
        "  tongqu query first_seen quiet_days=30 --data DIR --from "
        "2026-03-02T00:00:00+08:00 --to 2026-03-03T00:00:00+08:00 \\\n"
        "    --matter HC-20260302-0001 --purpose inquiry --format csv\n"
        "  tongqu query alarms --data DIR --kind cloned_plate --format csv\n",
    .fn = run,
};
