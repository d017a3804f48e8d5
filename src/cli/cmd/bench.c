/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu bench --truth: any directory in the truth format through the program's own
 * doors (init, import, rules), its alarms scored against what was planted. */
#include "city/score.h"
#include "cli/bench_questions.h"
#include "cli/bench_scenes.h"
#include "cli/bench_sites.h"
#include "cli/run_op.h"
#include "cli/setup.h"
#include "core/os_clock.h"
#include "core/os_file.h"
#include "daemon/base.h"
#include "daemon/door.h"
#include "feeds/csv.h"
#include "store/ledger_alarm.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define PAGE 500

static enum err
join(char *dst, const char *dir, const char *name, struct note *note)
{
    enum err e = os_join(dst, OS_PATH, dir, name);
    return e == OK ? OK
                   : note_set(note, e, "truth", "the path is too long", "路径过长");
}

/* ---- through the doors ---- */

static enum err
import(const char *data, const char *truth, const char *what, struct note *note)
{
    char file[OS_PATH], name[64];
    bool gantry = strcmp(what, "gantry") == 0; /* the rules walk it with the pictures */
    snprintf(name, sizeof name, "%s.%s", what, gantry ? "json" : "csv");
    enum err e = join(file, truth, name, note);
    int in = e == OK ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    if (in < 0)
        return OK; /* a directory need not have every table; sightings are asked for
                      above */
    json_t *args = json_pack(
        "{s:s, s:s, s:s, s:b}", "what", what, "author", "asker", "approver", "giver",
        "no_rules", gantry);
    e = args ? door_run(data, "import", args, in, stderr, note) : ERR_NOMEM;
    json_decref(args);
    close(in);
    return e;
}

static enum err
fill(const char *data, const char *truth, struct note *note)
{
    static const char *const tables[] = {"org",     "units",    "sites",    "zones",
                                         "permits", "sections", "registry", "watches",
                                         "gantry",  "sightings"};
    static const struct setup_person two[] = {
        /* a watch has two persons */
        {.login = "asker", .name = "布控申请人", .role = "duty"},
        {.login = "giver", .name = "布控审批人", .role = "supervisor"}};
    FILE *quiet = fopen("/dev/null", "w");
    struct setup s = {.dir = data, .zone = {"Asia/Shanghai", 480}, .out = quiet};
    enum err e = quiet ? setup_data(&s, note) : ERR_IO;
    for (size_t i = 0; e == OK && i < sizeof two / sizeof *two; i++)
        e = setup_user(data, &two[i], quiet, note);
    for (size_t i = 0; e == OK && i < sizeof tables / sizeof *tables; i++)
        e = import(data, truth, tables[i], note);
    if (quiet)
        fclose(quiet);
    return e;
}

/* ---- what was seen, what was said ---- */

static enum err
tell_seen(struct score *score, const char *truth, struct note *note)
{
    static const char *const names[] = {"record_id", "site", "time_ms", NULL};
    char file[OS_PATH];
    struct csv *csv = NULL;
    int column[4];
    struct csv_record rec;
    struct zone utc = {"UTC", 0};
    enum err e = join(file, truth, "sightings.csv", note);
    FILE *f = e == OK ? fopen(file, "r") : NULL;
    if (e == OK && !f)
        return note_fmt(
            note, ERR_NOTFOUND, "truth", "%s is not there", "没有 %s", file);
    struct csv_conf conf = {.source = csv_from_file, .ctx = f};
    if (e == OK)
        e = csv_new(&conf, &csv, note);
    if (e == OK)
        e = csv_columns(csv, names, names, column, note);
    while (e == OK && (e = csv_next(csv, &rec, note)) == OK) {
        ts_ms t;
        if (ts_parse(csv_field(&rec, column[2]), &utc, &t, NULL) == OK)
            score_seen(
                score, csv_field(&rec, column[0]), csv_field(&rec, column[1]), t);
    }
    if (e == ERR_NOTFOUND)
        e = OK;
    if (csv)
        csv_free(csv);
    if (f)
        fclose(f);
    return e;
}

static enum err
tell_alarms(struct score *score, const char *data, struct note *note)
{
    struct base *b = NULL;
    struct arena a;
    struct base_opts bo = {.dir = data, .now = os_now_ms()};
    struct alarm_query q = {.list = ALARMS_ALL, .cap = PAGE};
    struct alarm_row *rows;
    size_t n = PAGE;
    enum err e = base_open(&bo, &b, note);
    arena_init(&a, 256 << 20);
    while (e == OK && n == PAGE) {
        arena_reset(&a);
        e = ledger_alarms(ledger_as_reader(b->ledger), &q, &a, &rows, &n);
        for (size_t i = 0; e == OK && i < n; i++)
            score_alarm(score, &rows[i].alarm);
        if (e == OK && n) {
            q.before_raised_ms = rows[n - 1].raised_ms;
            q.before_id = rows[n - 1].alarm.id.v;
        }
    }
    arena_release(&a);
    base_close(&b, os_now_ms());
    return e;
}

/* ---- a directory for the time being ---- */

static void remove_tree(const char *dir);

static void
remove_entry(void *arg, const char *name)
{
    char path[OS_PATH];
    uint64_t size;
    bool is_dir = false;
    if (os_join(path, sizeof path, arg, name) != OK)
        return;
    if (os_stat(os_fs_real(), path, &size, &is_dir) == OK && is_dir)
        remove_tree(path);
    else if (os_unlink(os_fs_real(), path) != OK)
        fprintf(stderr, "left behind: %s\n", path);
}

static void
remove_tree(const char *dir)
{
    char path[OS_PATH];
    if (!span_copy(path, sizeof path, span_cstr(dir)) ||
        os_list(os_fs_real(), path, remove_entry, path) != OK ||
        os_rmdir(os_fs_real(), path) != OK)
        fprintf(stderr, "left behind: %s\n", dir);
}

static enum err
write_json(const char *file, const struct score_sum *sum, struct note *note)
{
    struct buf b = {0};
    score_json(sum, &b);
    enum err e =
        b.bad
            ? ERR_NOMEM
            : os_write_file(os_fs_real(), file, span_of(b.p, b.n), "bench.json", note);
    buf_release(&b);
    return e;
}

/* One city: its own data directory, its own score. */
static enum err
city(
    const struct cmd_args *args, const char *truth, struct score_sum *sum,
    struct note *note)
{
    const char *tmp = getenv("TMPDIR");
    const char *explain = cmd_given(args, "explain") ? cmd_cstr(args, "explain") : NULL;
    char dir[OS_PATH], data[OS_PATH];
    struct score *score = NULL;
    snprintf(dir, sizeof dir, "%s/tongqu-bench-XXXXXX", tmp ? tmp : "/tmp");
    enum err e = score_new(truth, &score, note);
    if (e != OK)
        return e;
    if (!mkdtemp(dir)) {
        score_free(score);
        return note_fmt(note, ERR_IO, NULL, "%s cannot be made", "无法创建 %s", dir);
    }
    e = join(data, dir, "data", note);
    if (e == OK)
        e = tell_seen(score, truth, note);
    if (e == OK)
        e = fill(data, truth, note);
    if (e == OK)
        e = tell_alarms(score, data, note);
    bool scenes = explain && strcmp(explain, "hit_and_run") == 0;
    if (e == OK) {
        score_sum(score, sum);
        e = bench_scenes(data, truth, scenes ? stdout : NULL, sum, note);
    }
    if (e == OK)
        e = bench_questions(data, truth, sum, note);
    if (e == OK)
        e = bench_sites(data, truth, explain, sum, note);
    if (e == OK && explain)
        score_explain(score, explain, 20, stdout);
    score_free(score);
    remove_tree(dir);
    return e;
}

static enum err
run(const struct cmd_args *args, struct note *note)
{
    struct score_sum all = {0}, one;
    enum err e = city(args, cmd_cstr(args, "truth"), &all, note);
    for (size_t i = 0; e == OK && i < args->words; i++) {
        char truth[OS_PATH];
        if (!span_copy(truth, sizeof truth, args->word[i]))
            return note_set(
                note, ERR_USAGE, "word", "the path is too long", "路径过长");
        memset(&one, 0, sizeof one);
        e = city(args, truth, &one, note);
        score_add(&all, &one);
    }
    if (e == OK)
        score_print(&all, stdout);
    if (e == OK && cmd_given(args, "json"))
        e = write_json(cmd_cstr(args, "json"), &all, note);
    return e;
}

static const struct cmd_opt opts[] = {
    {"truth", "DIR", OPT_PATH, true, 0, 0, NULL,
     "a directory in the truth format (tongqu city writes one)",
     "真值格式目录（tongqu city 生成）"},
    {"json", "FILE", OPT_PATH, false, 0, 0, NULL, "the figures as JSON too",
     "同时输出 JSON"},
    {"explain", "KIND", OPT_TEXT, false, 0, 0, NULL,
     "show what went wrong for one kind of alarm", "列出某类预警的误报与漏报"},
    {0},
};

const struct cmd cmd_bench = {
    .name = "bench",
    .synopsis = "--truth DIR [DIR ...] [--json FILE] [--explain KIND]",
    .words_max = CMD_WORDS,
    .en = "Score the alarms and questions of a city against its planted truth: "
          "precision, recall, calibration. Several cities are counted together.",
    .zh = "以植入真值给预警与研判打分：查准率、查全率与概率校准；多个城市合并计算。",
    .opts = opts,
    .examples = "  tongqu city --seed 7 --days 3 --per-day 300000 --out city\n"
                "  tongqu bench --truth city\n"
                "  tongqu bench --truth city1 city2 city3\n",
    .fn = run,
};
