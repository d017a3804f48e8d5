/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu demo: a living city in one command: makes it when it is not there yet, serves
 * it, and lets its cameras and units speak to the service over HTTP from a process of
 * their own. */
#include "city/city.h"
#include "city/trips.h"
#include "cli/cmd.h"
#include "cli/demo.h"
#include "cli/run_op.h"
#include "cli/service.h"
#include "cli/setup.h"
#include "core/os_clock.h"
#include "core/os_file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define HISTORY_DAYS 3

static enum err
path_of(char *dst, const char *dir, const char *name, struct note *note)
{
    enum err e = os_join(dst, OS_PATH, dir, name);
    return e == OK ? OK : note_set(note, e, "dir", "the path is too long", "路径过长");
}

/* ---- making the city ---- */

static enum err
import(
    const char *data, const char *from, const char *what, json_t *args, FILE *quiet,
    struct note *note)
{
    char file[OS_PATH], name[64];
    snprintf(name, sizeof name, "%s.csv", what);
    if (!args || json_object_set_new(args, "what", json_string(what)) != 0)
        return ERR_NOMEM;
    enum err e = path_of(file, from, name, note);
    int in = e == OK ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    if (e == OK && in < 0)
        e = note_fmt(note, ERR_IO, "dir", "%s cannot be read", "无法读取 %s", file);
    if (e == OK)
        e = door_run(data, "import", args, in, quiet, note);
    if (in >= 0)
        close(in);
    json_decref(args);
    return e;
}

/* People of every role; their passwords need no change, so that the tour can begin at
 * once. */
static enum err
accounts(const char *data, struct note *note)
{
    static const struct setup_person people[] = {
        {.login = "duty", .name = "值班员", .role = "duty"},
        {.login = "analyst", .name = "研判员", .role = "analyst"},
        {.login = "chief", .name = "支队主管", .role = "supervisor"},
        {.login = "brigade", .name = "大队值班", .role = "duty", .org = "140105000000"},
        {.login = "leader",
         .name = "大队主管",
         .role = "supervisor",
         .org = "140105000000"},
    };
    enum err e = OK;
    for (size_t i = 0; e == OK && i < sizeof people / sizeof *people; i++)
        e = setup_user(data, &people[i], stdout, note);
    return e;
}

/* An officer of a unit that is there by now: orders sent to it come to this phone. */
static enum err
officer(const char *data, struct note *note)
{
    static const struct setup_person squad = {
        .login = "squad",
        .name = "民警",
        .role = "squad",
        .org = "140105000100",
        .unit = "小店101"};
    enum err e = setup_user(data, &squad, stdout, note);
    fflush(stdout);
    return e;
}

static enum err
copy_file(const char *from, const char *to, struct note *note)
{
    char *text;
    size_t n;
    enum err e = os_read_file(os_fs_real(), from, 64u << 20, &text, &n, note);
    if (e != OK)
        return e;
    e = os_write_file(os_fs_real(), to, span_of(text, n), "demo.roads", note);
    free(text);
    return e;
}

/* The city's own files stay beside the data: the simulator lives by the same seed. */
static enum err
make(
    const struct demo *d, const char *data, const char *city, FILE *quiet,
    struct note *note)
{
    static const char *const tables[] = {"org",     "units",    "sites",   "zones",
                                         "permits", "sections", "registry"};
    char roads[OS_PATH], ours[OS_PATH];
    struct setup s = {.dir = data, .zone = {"Asia/Shanghai", 480}, .out = stdout};
    struct city_opts o = d->city;
    o.out = city;
    o.until_ms = os_now_ms();
    printf(
        "making a city: %d days of history, %u passes a day, seed %llu (once)\n",
        o.days - 1, o.per_day, (unsigned long long)o.seed);
    fflush(stdout);
    enum err e = city_write(&o, note);
    printf("accounts and first passwords (shown once; begin with duty):\n");
    if (e == OK)
        e = setup_data(&s, note);
    if (e == OK)
        e = import(data, city, tables[0], json_object(), quiet, note);
    if (e == OK)
        e = accounts(data, note);
    fflush(stdout);
    for (size_t i = 1; e == OK && i < sizeof tables / sizeof *tables; i++)
        e = import(data, city, tables[i], json_object(), quiet, note);
    if (e == OK)
        e = officer(data, note);
    if (e == OK)
        e = import(
            data, city, "watches",
            json_pack("{s:s, s:s}", "author", "duty", "approver", "chief"), quiet,
            note);
    if (e == OK)
        e = import(data, city, "sightings", json_object(), quiet, note);
    if (e == OK)
        e = path_of(roads, city, "roads.geojson", note);
    if (e == OK)
        e = path_of(ours, data, "roads.geojson", note);
    return e == OK ? copy_file(roads, ours, note) : e;
}

/* Real trips instead of a made city: sites and passes, nothing planted, nobody driving
 * now. */
static enum err
make_real(
    const char *trips, const char *data, const char *city, FILE *quiet,
    struct note *note)
{
    char roads[OS_PATH], ours[OS_PATH];
    struct trips_sum sum;
    struct setup s = {.dir = data, .zone = {"Asia/Shanghai", 480}, .out = stdout};
    enum err e = os_mkdir(os_fs_real(), city, note);
    if (e == OK)
        e = trips_write(trips, city, trips_start(os_now_ms(), &s.zone), &sum, note);
    if (e != OK)
        return e;
    printf(
        "%llu sites, %llu trips, %llu passes; accounts and first passwords (shown "
        "once):\n",
        (unsigned long long)sum.sites, (unsigned long long)sum.trips,
        (unsigned long long)sum.passes);
    e = setup_data(&s, note);
    if (e == OK)
        e = setup_user(
            data,
            &(struct setup_person){.login = "duty", .name = "值班员", .role = "duty"},
            stdout, note);
    if (e == OK)
        e = setup_user(
            data,
            &(struct setup_person){
                .login = "analyst", .name = "研判员", .role = "analyst"},
            stdout, note);
    fflush(stdout);
    if (e == OK)
        e = import(data, city, "sites", json_object(), quiet, note);
    if (e == OK)
        e = import(data, city, "sightings", json_object(), quiet, note);
    if (e == OK)
        e = path_of(roads, city, "roads.geojson", note);
    if (e == OK)
        e = path_of(ours, data, "roads.geojson", note);
    return e == OK ? copy_file(roads, ours, note) : e;
}

static enum err
senders(const struct demo *d, const char *data, FILE *quiet, struct note *note)
{
    enum err e = OK;
    const struct {
        const char *code, *name, *protocol, *secret;
    } rows[] = {
        {DEMO_CAMERAS, "演示卡口平台", "viid", d->camera_secret},
        {DEMO_UNITS, "演示定位网关", "fixes", d->unit_secret},
    };
    for (int i = 0; i < 2 && e == OK; i++) {
        json_t *args = json_pack(
            "{s:s, s:s, s:s, s:s}", "code", rows[i].code, "name", rows[i].name,
            "protocol", rows[i].protocol, "password", rows[i].secret);
        if (!args)
            return ERR_NOMEM;
        e = door_run(data, "device_add", args, -1, quiet, note);
        json_decref(args);
    }
    return e;
}

/* demo.json is written last: a city that was cut off half way is not taken for a whole
 * one. */
static enum err
ensure(
    struct demo *d, const char *trips, const char *data, const char *city,
    struct note *note)
{
    char file[OS_PATH];
    uint64_t size;
    bool is_dir;
    enum err e = path_of(file, data, DEMO_FILE, note);
    if (e != OK)
        return e;
    if (os_stat(os_fs_real(), file, &size, &is_dir) == OK)
        return demo_read(file, d, note);
    FILE *quiet =
        fopen("/dev/null", "w"); /* a person wants the sign-in and the address */
    if (!quiet)
        return note_set(note, ERR_IO, NULL, "/dev/null is not there", "缺少 /dev/null");
    e = os_mkdir(os_fs_real(), d->dir, note);
    if (e == OK)
        e = trips ? make_real(trips, data, city, quiet, note)
                  : make(d, data, city, quiet, note);
    if (e == OK && !trips)
        e = senders(d, data, quiet, note);
    d->real = trips != NULL;
    if (e == OK)
        e = demo_write(file, d, note);
    fclose(quiet);
    return e;
}

/* ---- the living part ---- */

struct living {
    const struct demo *demo;
    char file[OS_PATH];
    pid_t child;
};

static enum err
start_simulator(void *arg, const struct daemon *d, struct note *note)
{
    struct living *l = arg;
    char self[OS_PATH];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0)
        return note_set(
            note, ERR_IO, NULL, "the program does not find itself", "程序无法定位自身");
    self[n] = 0;
    l->child = fork();
    if (l->child < 0)
        return note_set(
            note, ERR_NOMEM, NULL, "no process for the simulator", "无法创建仿真进程");
    if (l->child == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execl(self, "tongqu", "demo-sim", l->file, daemon_url(d, 0), (char *)NULL);
        _exit(127);
    }
    return OK;
}

static void
stop_simulator(void *arg)
{
    struct living *l = arg;
    if (l->child <= 0)
        return;
    kill(l->child, SIGTERM);
    waitpid(l->child, NULL, 0);
    l->child = 0;
}

/* A city's own data directory is not a place for a made one. */
static enum err
refuse_data(const char *dir, struct note *note)
{
    char format[OS_PATH];
    uint64_t size;
    bool is_dir;
    enum err e = path_of(format, dir, "format", note);
    if (e == OK && os_stat(os_fs_real(), format, &size, &is_dir) == OK)
        e = note_fmt(
            note, ERR_USAGE, "dir",
            "%s is a data directory: give the demo city another --dir",
            "%s 是数据目录：请为演示城市另选 --dir", dir);
    return e;
}

static enum err
run(const struct cmd_args *args, struct note *note)
{
    char data[OS_PATH], city[OS_PATH], home[OS_PATH];
    const char *dir = cmd_cstr(args, "dir");
    if (!dir) {
        const char *base = getenv("XDG_DATA_HOME"), *user = getenv("HOME");
        snprintf(
            home, sizeof home, "%s/%stongqu-demo",
            base   ? base
            : user ? user
                   : "/tmp",
            base || !user ? "" : ".local/share/");
        dir = home;
    }
    ts_ms now = os_now_ms();
    struct zone zone = {"Asia/Shanghai", 480};
    int64_t first = civil_day(now, &zone) - HISTORY_DAYS;
    struct demo d = {
        .dir = dir,
        .city =
            {
                .seed = (uint64_t)cmd_number(args, "seed"),
                .days = HISTORY_DAYS + 1,
                .per_day =
                    (uint32_t)(cmd_number(args, "per-day") * cmd_number(args, "speed")),
                .watches = 20000,
                .from_ms = civil_day_start(first, &zone),
            },
    };
    demo_secrets(&d);
    enum err e = refuse_data(dir, note);
    if (e == OK)
        e = path_of(data, dir, "data", note);
    if (e == OK)
        e = path_of(city, dir, "city", note);
    if (e == OK)
        e = demo_parents(dir, note);
    if (e == OK)
        e = ensure(&d, cmd_cstr(args, "trips"), data, city, note);
    struct living l = {.demo = &d};
    if (e == OK)
        e = path_of(l.file, data, DEMO_FILE, note);
    if (e != OK)
        return e;
    struct service s = {
        .daemon =
            {.dir = data,
             .listen = cmd_cstr(args, "listen"),
             .web_root = cmd_cstr(args, "web-root")},
        .seconds = cmd_given(args, "for") ? cmd_number(args, "for") : 0,
        .ready = d.real ? NULL : start_simulator,
        .stopping = stop_simulator,
        .arg = &l,
    };
    e = service_run(&s, note);
    stop_simulator(&l);
    return e;
}

static const struct cmd_opt opts[] = {
    {"dir", "DIR", OPT_PATH, false, 0, 0, NULL,
     "where the city lives (default ~/.local/share/tongqu-demo)",
     "城市所在目录（缺省 ~/.local/share/tongqu-demo）"},
    {"listen", "HOST:PORT", OPT_LISTEN, false, 0, 0, "127.0.0.1:8080",
     "console and API", "控制台与接口的监听地址"},
    {"speed", "N", OPT_NUMBER, false, 0.1, 20, "1",
     "so many times the usual traffic (a new city only)",
     "车流倍数（仅对新建城市有效）"},
    {"per-day", "R", OPT_NUMBER, false, 60000, 3000000, "200000",
     "passes a day (a new city only)", "每天过车数（仅对新建城市有效）"},
    {"seed", "N", OPT_NUMBER, false, 0, 1e15, "1",
     "another seed, another city (a new city only)", "种子（仅对新建城市有效）"},
    {"trips", "DIR", OPT_PATH, false, 0, 0, NULL,
     "a real network with trips instead of a made city: nodes.csv, edges.csv, "
     "trips-hour-a.csv (or .gz)",
     "用真实路网与行程代替生成城市：nodes.csv、edges.csv、trips-hour-a.csv（或 .gz）"},
    {"for", "SECONDS", OPT_NUMBER, false, 1, 1e7, NULL, "stop by itself after so long",
     "运行若干秒后自动停止"},
    {"web-root", "DIR", OPT_PATH, false, 0, 0, NULL, "console files from here",
     "从该目录提供控制台文件"},
    {0},
};

const struct cmd cmd_demo = {
    .name = "demo",
    .synopsis = "[--dir DIR] [--listen HOST:PORT] [--speed N] [--for SECONDS]",
    .en = "A living demo city: three days of history, cameras and patrols that go on "
          "now, alarms within "
          "a minute. Prints \"ready URL\".",
    .zh = "演示城市：三天历史、实时过车与警力、一分钟内出现预警；就绪时输出“ready "
          "地址”。",
    .opts = opts,
    .examples = "  tongqu demo\n  tongqu demo --dir /tmp/city --listen 127.0.0.1:9000 "
                "--for 120\n",
    .fn = run,
};
