/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu city: writes the files of a demo city with its planted truth. */
#include "city/city.h"
#include "cli/cmd.h"

#include <stdio.h>

struct told {
    struct progress progress;
    uint64_t rows;
};

static void
tell(void *ctx, int day, int days, uint64_t rows)
{
    struct told *t = ctx;
    (void)day, (void)days;
    t->rows = rows;
    progress_at(&t->progress, rows);
}

static enum err
run(const struct cmd_args *args, struct note *note)
{
    struct told told = {.rows = 0};
    uint64_t seed;
    if (!span_u64(cmd_text(args, "seed"), &seed))
        return note_set(
            note, ERR_USAGE, "seed", "--seed must be a whole number from 0",
            "--seed 须为非负整数");
    struct city_opts o = {
        .seed = seed,
        .days = (int)cmd_number(args, "days"),
        .per_day = (uint32_t)cmd_number(args, "per-day"),
        .vehicles = (uint32_t)cmd_number(args, "vehicles"),
        .watches = (uint32_t)cmd_number(args, "watches"),
        .from_ms = cmd_given(args, "from") ? cmd_time(args, "from") : 0,
        .until_ms = cmd_given(args, "until") ? cmd_time(args, "until") : 0,
        .out = cmd_cstr(args, "out"),
        .progress = tell,
        .progress_ctx = &told,
    };
    progress_begin(&told.progress, "sightings", (uint64_t)o.per_day * (uint64_t)o.days);
    enum err e = city_write(&o, note);
    progress_end(&told.progress, told.rows);
    if (!e)
        printf(
            "%s: %llu sightings of %d days, seed %llu\n", o.out,
            (unsigned long long)told.rows, o.days, (unsigned long long)o.seed);
    return e;
}

static const struct cmd_opt opts[] = {
    {"seed", "N", OPT_TEXT, false, 0, 0, "1", "the same seed gives the same bytes",
     "种子：相同种子生成完全相同的文件"},
    {"days", "D", OPT_NUMBER, false, 1, 400, "7", "days", "天数"},
    {"per-day", "R", OPT_NUMBER, false, 1000, 12000000, "1000000",
     "records captured a day (retries come on top)", "每天过车记录数（重传另计）"},
    {"out", "DIR", OPT_PATH, true, 0, 0, NULL, "directory to write, made when missing",
     "输出目录，不存在则创建"},
    {"vehicles", "V", OPT_NUMBER, false, 0, 5000000, "0",
     "registered vehicles; 0: 21 for every 100 records a day",
     "登记车辆数；0 表示按每日记录数的 21%"},
    {"watches", "W", OPT_NUMBER, false, 0, 2000000, "100000", "rows of watches.csv",
     "布控条数"},
    {"from", "T", OPT_TIME, false, 0, 0, NULL,
     "first day (default 2026-03-02, a Monday)", "起始日期（默认 2026-03-02，星期一）"},
    {"until", "T", OPT_TIME, false, 0, 0, NULL,
     "leave out what arrives at or after T (the live simulator goes on from there)",
     "不写入 T 及之后到达的记录（由实时模拟器接续）"},
    {0},
};

const struct cmd cmd_city = {
    .name = "city",
    .synopsis = "--out DIR [--seed N] [--days D] [--per-day R]",
    .en =
        "Write a demo city: sites, registry, watches, sightings and the planted truth.",
    .zh = "生成演示城市：点位、登记库、布控、过车记录及预埋真值。",
    .opts = opts,
    .examples = "  tongqu city --seed 7 --days 7 --per-day 1000000 --out city\n",
    .fn = run,
};
