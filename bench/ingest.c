/* SPDX-License-Identifier: Apache-2.0 */
/* ingest.c - passes over HTTP into a running daemon: how many a second, what a pass
 * costs, how long pictures take, and how soon a watched plate is on the event stream.
 *
 *   ./dev bench ingest [--seconds S] [--connections N] [--vehicles V] [--watches W]
 * [--json FILE]
 *                      [--only flood|pictures|alarm] [--tongqu FILE] [--keep DIR]
 *
 * Makes a city and a data directory (registry, sites, watches), starts `tongqu serve`
 * beside itself and sends GA/T 1400 lists over loopback. flood: lists of 100 with
 * distinct ids and times, 5 % sent again, 0.3 % late, as fast as they are answered;
 * what is stored must equal what was sent. pictures: 300 passes a second, three inline
 * pictures of 100 kB each. alarm: 5,000 passes a second, and ten times a second one of
 * a watched plate: from before send() to the event in the stream. CPU of the daemon is
 * user + system of its process; the generator's is printed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/civil.h"
#include "core/os_clock.h"
#include "core/os_file.h"

#define LIST 100
#define CONNECTIONS_MAX 256
#define SITES_MAX 1000
#define PLATE_BYTES 9 /* the usual seven characters, first one Chinese */
#define OBJECT_ROOM 1024
#define PICTURE_BYTES 100000
#define DEVICE "14010000001190000001"
#define PASSWORD "a phrase for the bench 7"

struct options {
    int seconds, connections, vehicles, watches;
    const char *json, *only, *tongqu, *keep;
};

struct plate_text {
    char text[PLATE_BYTES + 1];
    char color;   /* ColorType digit */
    char body[4]; /* body colour */
};

static struct {
    char dir[OS_PATH], data[OS_PATH], city[OS_PATH];
    pid_t daemon;
    unsigned port;
    char sites[SITES_MAX][24];
    size_t sites_n;
    struct plate_text *plates;
    size_t plates_n;
    char (*watched)[PLATE_BYTES + 1]; /* sorted */
    char (*driven)[PLATE_BYTES + 1];  /* of them in force */
    size_t watched_n, driven_n;
    struct zone zone;
    atomic_uint_fast64_t next_id, sent, again;
    atomic_bool stop;
} rig;

/* ---- results ---- */

struct result {
    const char *name, *unit, *better;
    double value, bar;
};
static struct result results[16];
static size_t results_n;

static void
result(const char *name, double value, const char *unit, double bar, const char *better)
{
    results[results_n++] = (struct result){name, unit, better, value, bar};
    printf("%-34s %12.2f %-10s", name, value, unit);
    if (bar >= 0)
        printf(" bar %s %g", strcmp(better, "lower") == 0 ? "<=" : ">=", bar);
    printf("\n");
    fflush(stdout);
}

static void
write_json(const char *file)
{
    FILE *f = file ? fopen(file, "w") : NULL;
    if (!f)
        return;
    fputs("[\n", f);
    for (size_t i = 0; i < results_n; i++) {
        const struct result *r = &results[i];
        fprintf(
            f, "  {\"name\":\"%s\",\"value\":%.3f,\"unit\":\"%s\",\"bar\":", r->name,
            r->value, r->unit);
        if (r->bar >= 0)
            fprintf(f, "%g", r->bar);
        else
            fputs("null", f);
        fprintf(f, ",\"better\":\"%s\"}%s\n", r->better, i + 1 < results_n ? "," : "");
    }
    fputs("]\n", f);
    fclose(f);
}

static _Noreturn void
die(const char *what)
{
    fprintf(stderr, "bench ingest: %s\n", what);
    if (rig.daemon > 0)
        kill(rig.daemon, SIGTERM);
    exit(1);
}

/* ---- the daemon beside us ---- */

static pid_t
start(const char *const *argv, int *out)
{
    int pipe_fd[2] = {-1, -1};
    if (out && pipe(pipe_fd) != 0)
        die("no pipe");
    pid_t pid = fork();
    if (pid == 0) {
        if (out)
            dup2(pipe_fd[1], 1);
        else if (!freopen("/dev/null", "w", stdout))
            _exit(127);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    if (out) {
        close(pipe_fd[1]);
        *out = pipe_fd[0];
    }
    return pid;
}

static void
run(const char *const *argv)
{
    int status = 0;
    pid_t pid = start(argv, NULL);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
        WEXITSTATUS(status) != 0) {
        fprintf(stderr, "failed: %s %s\n", argv[0], argv[1]);
        die("a step of the set-up failed");
    }
}

static void
path_in(char dst[OS_PATH], const char *dir, const char *name)
{
    if (os_join(dst, OS_PATH, dir, name) != OK)
        die("path too long");
}

static void
import(const char *tongqu, const char *what)
{
    char name[32], file[OS_PATH];
    snprintf(name, sizeof name, "%s.csv", what);
    path_in(file, rig.city, name);
    const char *plain[] = {tongqu, "import", what, file, "--data", rig.data, NULL};
    const char *watches[] = {tongqu,       "import", what,       file,
                             "--data",     rig.data, "--author", "desk",
                             "--approver", "chief",  NULL};
    run(strcmp(what, "watches") == 0 ? watches : plain);
}

static void
add_user(const char *tongqu, const char *login, const char *role)
{
    char file[OS_PATH];
    path_in(file, rig.dir, "password");
    FILE *f = fopen(file, "w");
    if (!f || fprintf(f, "%s\n", PASSWORD) < 0 || fclose(f) != 0)
        die("cannot write the password file");
    const char *argv[] = {
        tongqu,
        "user",
        "add",
        login,
        "--role",
        role,
        "--data",
        rig.data,
        "--password-file",
        file,
        "--keep-password",
        NULL};
    run(argv);
}

static void
set_up(const struct options *o)
{
    char vehicles[16], watches[16], from[TS_TEXT];
    ts_format(from, os_now_ms() - DAY_MS, &rig.zone);
    from[10] = 0; /* a day: its watches are in force today */
    snprintf(vehicles, sizeof vehicles, "%d", o->vehicles);
    snprintf(watches, sizeof watches, "%d", o->watches);
    path_in(rig.data, rig.dir, "data");
    path_in(rig.city, rig.dir, "city");
    const char *city[] = {o->tongqu,   "city",      "--seed", "7",          "--days",
                          "1",         "--per-day", "1000",   "--vehicles", vehicles,
                          "--watches", watches,     "--from", from,         "--out",
                          rig.city,    NULL};
    const char *init[] = {o->tongqu, "init", "--data", rig.data, NULL};
    run(city);
    run(init);
    add_user(o->tongqu, "desk", "duty");
    add_user(o->tongqu, "chief", "supervisor");
    import(o->tongqu, "sites");
    import(o->tongqu, "registry");
    import(o->tongqu, "watches");
}

static void
start_daemon(const char *tongqu)
{
    const char *argv[] = {tongqu,     "serve",       "--data", rig.data,
                          "--listen", "127.0.0.1:0", NULL};
    int out = -1;
    char line[256] = "";
    size_t n = 0;
    rig.daemon = start(argv, &out);
    while (n + 1 < sizeof line && !strchr(line, '\n')) {
        ssize_t got = read(out, line + n, sizeof line - 1 - n);
        if (got <= 0)
            die("the daemon did not start");
        n += (size_t)got;
        line[n] = 0;
    }
    char *port = strrchr(line, ':');
    if (strncmp(line, "ready http://", 13) != 0 || !port)
        die("the daemon is not ready");
    rig.port = (unsigned)strtoul(port + 1, NULL, 10);
}

static double
daemon_cpu_us(void)
{
    char path[64], text[1024];
    unsigned long user, sys;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)rig.daemon);
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = 0;
    char *after = strrchr(text, ')');
    if (!after || sscanf(
                      after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                      &user, &sys) != 2)
        die("the daemon has gone");
    return (double)(user + sys) * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

/* ---- what drives ---- */

static bool
is_watched(const char *plate)
{
    size_t low = 0, high = rig.watched_n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strcmp(plate, rig.watched[mid]);
        if (order == 0)
            return true;
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static FILE *
open_csv(const char *name, char *line, size_t cap)
{
    char file[OS_PATH];
    path_in(file, rig.city, name);
    FILE *f = fopen(file, "r");
    if (!f || !fgets(line, (int)cap, f))
        die("the city lacks a file");
    return f;
}

/* watch,plate,reason,level,from_ms,to_ms: all are kept out of the flood, those in force
 * are driven. */
static void
read_watch(const char *line)
{
    struct span rest = span_trim(span_cstr(line)), cell[6];
    int64_t from, to, now = os_now_ms();
    for (int i = 0; i < 6; i++)
        cell[i] = span_cut(&rest, ',');
    struct span plate = cell[1];
    if (plate.n != PLATE_BYTES || memchr(plate.p, '?', plate.n))
        return;
    (void)span_copy(rig.watched[rig.watched_n++], PLATE_BYTES + 1, plate);
    bool in_force = span_i64(cell[4], &from) && span_i64(cell[5], &to) &&
                    from + HOUR_MS < now && now + HOUR_MS < to;
    if (in_force)
        (void)span_copy(rig.driven[rig.driven_n++], PLATE_BYTES + 1, plate);
}

static void
read_city(const struct options *o)
{
    char line[1024];
    FILE *f = open_csv("sites.csv", line, sizeof line);
    while (rig.sites_n < SITES_MAX && fgets(line, sizeof line, f))
        snprintf(rig.sites[rig.sites_n++], 24, "%.*s", (int)strcspn(line, ","), line);
    fclose(f);
    rig.watched = calloc((size_t)o->watches + 1, sizeof *rig.watched);
    rig.plates = calloc((size_t)o->vehicles + 1, sizeof *rig.plates);
    rig.driven = calloc((size_t)o->watches + 1, sizeof *rig.driven);
    if (!rig.watched || !rig.plates || !rig.driven)
        die("memory");
    f = open_csv("watches.csv", line, sizeof line);
    while (rig.watched_n < (size_t)o->watches && fgets(line, sizeof line, f))
        read_watch(line);
    fclose(f);
    qsort(rig.watched, rig.watched_n, sizeof *rig.watched, by_text);
    /* Lawful saloons that nobody looks for: what the flood is made of. */
    f = open_csv("registry.csv", line, sizeof line);
    while (rig.plates_n < (size_t)o->vehicles && fgets(line, sizeof line, f)) {
        char plate[32], color[4], kind[4], class[8], body[4], brand[8], status[16];
        if (sscanf(
                line, "%31[^,],%3[^,],%3[^,],%7[^,],%3[^,],%7[^,],%15[^,]", plate,
                color, kind, class, body, brand, status) != 7)
            continue;
        bool usual =
            strlen(plate) == PLATE_BYTES && !color[1] && strcmp(class, "K33") == 0;
        if (!usual || strcmp(status, "A") != 0 || is_watched(plate))
            continue;
        struct plate_text *p = &rig.plates[rig.plates_n++];
        memcpy(p->text, plate, PLATE_BYTES);
        p->color = color[0];
        snprintf(p->body, sizeof p->body, "%s", body);
    }
    fclose(f);
    if (!rig.plates_n || !rig.sites_n)
        die("the city has no plain cars");
}

/* One GA/T 1400 MotorVehicle as cameras write it. */
static size_t
object(
    char *dst, size_t cap, uint64_t id, const struct plate_text *p, size_t site,
    ts_ms at)
{
    char time[TS_TEXT];
    ts_format_viid(time, at, &rig.zone, true);
    return (size_t)snprintf(
        dst, cap,
        "{\"MotorVehicleID\":\"" DEVICE
        "02%.14s%05u02%07llu\",\"InfoKind\":1,\"SourceID\":"
        "\"" DEVICE "02%.14s%05u\",\"TollgateID\":\"%s\",\"DeviceID\":\"" DEVICE "\","
        "\"StorageUrl1\":\"http://192.0.2.10/pic/"
        "%llu.jpg\",\"LeftTopX\":100,\"LeftTopY\":200,"
        "\"RightBtmX\":300,\"RightBtmY\":400,\"MarkTime\":\"%.14s\",\"AppearTime\":\"%."
        "14s\","
        "\"DisappearTime\":\"%.14s\",\"LaneNo\":%u,\"HasPlate\":\"1\",\"PlateClass\":"
        "\"02\","
        "\"PlateColor\":\"%c\",\"PlateNo\":\"%s\",\"PlateReliability\":\"98\","
        "\"Speed\":43.0,"
        "\"Direction\":\"1\",\"VehicleClass\":\"K33\",\"VehicleColor\":\"%s\","
        "\"VehicleColorDepth\":\"1\",\"IsModified\":false,\"SafetyBelt\":1,\"Calling\":"
        "0,"
        "\"PassTime\":\"%s\"",
        time, (unsigned)(id % 100000), (unsigned long long)id, time,
        (unsigned)(id % 100000), rig.sites[site], (unsigned long long)id, time, time,
        time, 1 + (unsigned)(id % 4), p->color, p->text, p->body, time);
}

static const char list_head[] = "{\"MotorVehicleListObject\":{\"MotorVehicleObject\":[";
static const char list_tail[] = "]}}";

/* ---- connections ---- */

static int
dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)rig.port)};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0)
        die("cannot connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void
say(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t put = send(fd, p, n, MSG_NOSIGNAL);
        if (put <= 0)
            die("the daemon closed a connection");
        p += put;
        n -= (size_t)put;
    }
}

/* The whole reply into dst; returns the status. */
static int
hear(int fd, char *dst, size_t cap)
{
    size_t n = 0, want = SIZE_MAX;
    while (n < want) {
        ssize_t got = recv(fd, dst + n, cap - 1 - n, 0);
        if (got <= 0)
            die("no answer");
        n += (size_t)got;
        dst[n] = 0;
        char *end = want == SIZE_MAX ? strstr(dst, "\r\n\r\n") : NULL;
        char *size = end ? strstr(dst, "Content-Length: ") : NULL;
        if (end)
            want = (size_t)(end + 4 - dst) + (size ? strtoul(size + 16, NULL, 10) : 0);
    }
    return (int)strtol(dst + 9, NULL, 10);
}

static int
post_list(int fd, char *body, size_t n, char *reply, size_t cap)
{
    char head[256];
    int h = snprintf(
        head, sizeof head,
        "POST /VIID/MotorVehicles HTTP/1.1\r\nHost: bench\r\nUser-Identify: " DEVICE
        "\r\nContent-Type: application/VIID+JSON;charset=UTF-8\r\nContent-Length: "
        "%zu\r\n\r\n",
        n);
    char *at = body - h; /* the caller leaves room in front: one send */
    memcpy(at, head, (size_t)h);
    say(fd, at, n + (size_t)h);
    return hear(fd, reply, cap);
}

#define FRONT 256 /* room for the head in front of a body */

/* ---- flood ---- */

static bool
all_taken(const char *reply, size_t n)
{
    size_t ok = 0;
    for (const char *p = reply; (p = strstr(p, "\"StatusCode\":0,")); p++)
        ok++;
    return ok == n;
}

static void *
flood_loop(void *arg)
{
    (void)arg;
    char *room = malloc(FRONT + LIST * OBJECT_ROOM + 64), *reply = malloc(1 << 18);
    char *kept = malloc(LIST * OBJECT_ROOM / 20); /* 5 % of a list, to be sent again */
    size_t kept_n = 0;
    if (!room || !reply || !kept)
        die("memory");
    char *body = room + FRONT;
    int fd = dial();
    while (!atomic_load(&rig.stop)) {
        uint64_t first = atomic_fetch_add(&rig.next_id, LIST);
        ts_ms now = os_now_ms();
        size_t n = sizeof list_head - 1, objects = LIST;
        memcpy(body, list_head, n);
        if (kept_n) {
            memcpy(body + n, kept, kept_n);
            n += kept_n;
            body[n++] = ',';
            objects += LIST / 20;
            atomic_fetch_add(&rig.again, LIST / 20);
        }
        size_t again_from = n;
        for (uint64_t i = 0; i < LIST; i++) {
            uint64_t id = first + i;
            const struct plate_text *p = &rig.plates[id % rig.plates_n];
            ts_ms at = now - (ts_ms)(id % 1000) - (id % 333 == 0 ? 10 * MINUTE_MS : 0);
            n += object(
                body + n, OBJECT_ROOM, id, p, id % rig.plates_n % rig.sites_n, at);
            body[n++] = '}';
            if (i == LIST / 20 - 1) {
                kept_n = n - again_from;
                memcpy(kept, body + again_from, kept_n);
            }
            if (i + 1 < LIST)
                body[n++] = ',';
        }
        memcpy(body + n, list_tail, sizeof list_tail);
        n += sizeof list_tail - 1;
        int status;
        while ((status = post_list(fd, body, n, reply, 1 << 18)) == 503)
            usleep(20000); /* busy: the same list again, as a camera does */
        if (status != 200 || !all_taken(reply, objects)) {
            fprintf(stderr, "%.600s\n", reply);
            die("a list was not taken");
        }
        atomic_fetch_add(&rig.sent, LIST);
    }
    close(fd);
    free(room);
    free(reply);
    free(kept);
    return NULL;
}

static double
counter(const char *name)
{
    static char text[1 << 16];
    char want[96];
    int fd = dial();
    static const char ask[] =
        "GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
    say(fd, ask, sizeof ask - 1);
    (void)hear(fd, text, sizeof text);
    close(fd);
    snprintf(want, sizeof want, "\ntongqu_%s ", name);
    char *at = strstr(text, want);
    return at ? strtod(at + strlen(want), NULL) : -1;
}

/* Seconds until the rules have seen all that is stored; -1 after two minutes. */
static double
rules_catch_up(void)
{
    dur_us from = os_mono_us();
    for (int i = 0; i < 1200; i++) {
        double journal = counter("journal_lsn"), rules = counter("rules_lsn");
        if (journal >= 0 && rules >= journal)
            return (double)(os_mono_us() - from) / 1e6;
        usleep(100000);
    }
    return -1;
}

static void
flood(const struct options *o)
{
    pthread_t threads[CONNECTIONS_MAX];
    double stored = counter("sightings_stored_total");
    double again = counter("sightings_duplicate_total");
    double cpu = daemon_cpu_us();
    dur_us own = os_process_cpu_us(), from = os_mono_us();
    for (int i = 0; i < o->connections; i++)
        pthread_create(&threads[i], NULL, flood_loop, NULL);
    sleep((unsigned)o->seconds);
    atomic_store(&rig.stop, true);
    for (int i = 0; i < o->connections; i++)
        pthread_join(threads[i], NULL);
    double took_s = (double)(os_mono_us() - from) / 1e6, n = (double)rig.sent;
    double behind_s = rules_catch_up();
    cpu = daemon_cpu_us() -
          cpu; /* with the work of the rules that was still to be done */
    own = os_process_cpu_us() - own;
    stored = counter("sightings_stored_total") - stored;
    again = counter("sightings_duplicate_total") - again;
    result("passes", n / took_s, "1/s", 100000, "higher");
    result("daemon cpu a pass", cpu / n, "us", 8, "lower");
    result("generator cpu a pass", (double)own / n, "us", -1, "lower");
    result("stored minus sent", stored - n, "passes", 0, "lower");
    result(
        "again known minus sent again", again - (double)rig.again, "passes", 0,
        "lower");
    result("rules caught up after", behind_s, "s", -1, "lower");
    if (stored != n)
        die("what is stored is not what was sent");
}

/* ---- pictures ---- */

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct pacer {   /* threads that share one rate */
    double rate; /* messages a second */
    dur_us from;
    atomic_uint_fast64_t turn;
    atomic_uint_fast64_t done;
    double *took_ms;
    size_t room;
    char *picture; /* base64 */
    size_t picture_n;
    int list;
};

/* Waits for the next turn; false when time is over. */
static bool
next_turn(struct pacer *p, dur_us *due)
{
    uint64_t turn = atomic_fetch_add(&p->turn, 1);
    *due = p->from + (dur_us)((double)turn * 1e6 / p->rate);
    while (!atomic_load(&rig.stop)) {
        dur_us wait = *due - os_mono_us();
        if (wait <= 0)
            return true;
        usleep((useconds_t)(wait < 20000 ? wait : 20000));
    }
    return false;
}

static size_t
with_pictures(char *dst, size_t cap, const struct pacer *p, uint64_t id)
{
    size_t n =
        (size_t)snprintf(dst, cap, ",\"SubImageList\":{\"SubImageInfoObject\":[");
    for (int i = 0; i < 3; i++) {
        n += (size_t)snprintf(
            dst + n, cap - n,
            "%s{\"ImageID\":\"" DEVICE
            "02%019llu\",\"EventSort\":16,\"DeviceID\":\"" DEVICE
            "\",\"Type\":\"0%d\",\"FileFormat\":\"Jpeg\",\"Data\":\"",
            i ? "," : "", (unsigned long long)id, i + 1);
        memcpy(dst + n, p->picture, p->picture_n);
        n += p->picture_n;
        n += (size_t)snprintf(dst + n, cap - n, "\"}");
    }
    return n + (size_t)snprintf(dst + n, cap - n, "]}");
}

static void *
paced_loop(void *arg)
{
    struct pacer *p = arg;
    size_t room_n = FRONT + 4096 + (size_t)p->list * (OBJECT_ROOM + 4 * p->picture_n);
    char *room = malloc(room_n), *reply = malloc(1 << 18);
    if (!room || !reply)
        die("memory");
    char *body = room + FRONT;
    int fd = dial();
    dur_us due;
    while (next_turn(p, &due)) {
        ts_ms now = os_now_ms();
        size_t n = sizeof list_head - 1;
        memcpy(body, list_head, n);
        uint64_t first = atomic_fetch_add(&rig.next_id, (uint64_t)p->list);
        for (uint64_t id = first; id < first + (uint64_t)p->list; id++) {
            if (id > first)
                body[n++] = ',';
            size_t car = id % rig.plates_n;
            n += object(
                body + n, OBJECT_ROOM, id, &rig.plates[car], car % rig.sites_n, now);
            if (p->picture)
                n += with_pictures(body + n, room_n - FRONT - n, p, id);
            body[n++] = '}';
        }
        memcpy(body + n, list_tail, sizeof list_tail);
        n += sizeof list_tail - 1;
        if (post_list(fd, body, n, reply, 1 << 18) != 200)
            die("a paced list was refused");
        uint64_t slot = atomic_fetch_add(&p->done, 1);
        if (slot < p->room)
            p->took_ms[slot] = (double)(os_mono_us() - due) / 1000; /* waiting counts */
    }
    close(fd);
    free(room);
    free(reply);
    return NULL;
}

static void
percentiles(const char *what, double *ms, size_t n, double bar50, double bar99)
{
    char name[2][64];
    static char kept[8][64];
    static size_t kept_n;
    if (!n)
        die("nothing was measured");
    qsort(ms, n, sizeof *ms, by_value);
    snprintf(name[0], 64, "%s p50", what);
    snprintf(name[1], 64, "%s p99", what);
    double value[2] = {ms[n / 2], ms[n - 1 - n / 100]}, bar[2] = {bar50, bar99};
    for (int i = 0; i < 2; i++) {
        memcpy(kept[kept_n], name[i], 64);
        result(kept[kept_n++], value[i], "ms", bar[i], "lower");
    }
}

static void
start_paced(struct pacer *p, pthread_t *threads, int n, double rate, int list)
{
    p->rate = rate / list;
    p->list = list;
    p->from = os_mono_us();
    p->room = 1u << 20;
    p->took_ms = calloc(p->room, sizeof *p->took_ms);
    if (!p->took_ms)
        die("memory");
    atomic_store(&rig.stop, false);
    for (int i = 0; i < n; i++)
        pthread_create(&threads[i], NULL, paced_loop, p);
}

static void
stop_paced(pthread_t *threads, int n)
{
    atomic_store(&rig.stop, true);
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
}

static void
pictures(const struct options *o)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct pacer p = {.picture_n = (PICTURE_BYTES + 2) / 3 * 4};
    pthread_t threads[16];
    p.picture = malloc(p.picture_n);
    if (!p.picture)
        die("memory");
    uint64_t s = 88172645463325252u;
    for (size_t i = 0; i < p.picture_n; i++) {
        s ^= s << 13, s ^= s >> 7, s ^= s << 17;
        p.picture[i] = digits[s & 63];
    }
    memcpy(p.picture, "/9j/4AAQSkZJRgAB", 16); /* begins like a JPEG */
    double stored = counter("pictures_stored_total");
    start_paced(&p, threads, 16, 300, 1);
    sleep((unsigned)(o->seconds < 20 ? o->seconds : 20));
    stop_paced(threads, 16);
    double took_s = (double)(os_mono_us() - p.from) / 1e6, n = (double)p.done;
    result("passes with 3 pictures", n / took_s, "1/s", 290, "higher");
    percentiles("pass with 3 pictures", p.took_ms, (size_t)n, -1, 200);
    stored = counter("pictures_stored_total") - stored;
    result("pictures stored minus sent", stored - 3 * n, "pictures", 0, "lower");
    free(p.picture);
    free(p.took_ms);
}

/* ---- alarm ---- */

static void
sign_in(int fd, char cookie[80])
{
    static char reply[1 << 16];
    static const char body[] = "{\"user\":\"desk\",\"password\":\"" PASSWORD "\"}";
    char ask[512];
    int n = snprintf(
        ask, sizeof ask,
        "POST /api/v1/session HTTP/1.1\r\nHost: bench\r\nContent-Type: "
        "application/json\r\n"
        "Content-Length: %zu\r\n\r\n%s",
        sizeof body - 1, body);
    say(fd, ask, (size_t)n);
    if (hear(fd, reply, sizeof reply) != 200)
        die("signing in failed");
    char *at = strstr(reply, "tongqu_session=");
    if (!at)
        die("no cookie");
    snprintf(cookie, 80, "%.79s", at);
    cookie[15 + 64] = 0;
}

struct ear { /* reads the event stream */
    int fd;
    pthread_mutex_t lock;
    pthread_cond_t heard;
    char want[PLATE_BYTES + 16];
    dur_us at_us;
};

static void *
listen_loop(void *arg)
{
    struct ear *e = arg;
    static char text[1 << 20];
    size_t n = 0;
    for (;;) {
        ssize_t got = recv(e->fd, text + n, sizeof text - 1 - n, 0);
        dur_us now = os_mono_us();
        if (got <= 0)
            return NULL;
        n += (size_t)got;
        text[n] = 0;
        pthread_mutex_lock(&e->lock);
        if (e->want[0] && strstr(text, e->want)) {
            e->at_us = now;
            e->want[0] = 0;
            pthread_cond_signal(&e->heard);
        }
        pthread_mutex_unlock(&e->lock);
        char *last = n ? memrchr(text, '\n', n) : NULL;
        size_t done = last ? (size_t)(last + 1 - text) : n > sizeof text / 2 ? n : 0;
        memmove(text, text + done, n - done);
        n -= done;
    }
}

/* One watched plate: milliseconds until its event, or -1 after two seconds. */
static double
one_alarm(struct ear *e, int fd, size_t which)
{
    static char room[FRONT + 4096], reply[65536];
    char *body = room + FRONT;
    struct plate_text p = {.color = '5', .body = "2"};
    memcpy(p.text, rig.driven[which], PLATE_BYTES);
    size_t n = sizeof list_head - 1;
    memcpy(body, list_head, n);
    uint64_t id = atomic_fetch_add(&rig.next_id, 1);
    n += object(body + n, OBJECT_ROOM, id, &p, which % rig.sites_n, os_now_ms());
    n += (size_t)snprintf(body + n, 64, "}%s", list_tail);
    pthread_mutex_lock(&e->lock);
    snprintf(e->want, sizeof e->want, "\"plate\":\"%s\"", p.text);
    dur_us from = os_mono_us();
    pthread_mutex_unlock(&e->lock);
    if (post_list(fd, body, n, reply, sizeof reply) != 200)
        die("a watched pass was refused");
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 2;
    pthread_mutex_lock(&e->lock);
    while (e->want[0] &&
           pthread_cond_timedwait(&e->heard, &e->lock, &until) != ETIMEDOUT)
        continue;
    bool missed = e->want[0] != 0;
    e->want[0] = 0;
    double ms = missed ? -1 : (double)(e->at_us - from) / 1000;
    pthread_mutex_unlock(&e->lock);
    return ms;
}

static void
alarm_time(const struct options *o)
{
    struct ear ear = {
        .lock = PTHREAD_MUTEX_INITIALIZER, .heard = PTHREAD_COND_INITIALIZER};
    struct pacer p = {0};
    pthread_t threads[8], listener;
    char cookie[80], ask[256], first[4096];
    int desk = dial(), fd = dial();
    size_t n = 0, missed = 0, most = (size_t)(o->seconds < 20 ? o->seconds : 20) * 10;
    double *ms = calloc(most, sizeof *ms);
    if (!ms)
        die("memory");
    sign_in(desk, cookie);
    ear.fd = dial();
    int len = snprintf(
        ask, sizeof ask,
        "GET /api/v1/events?topics=alarm HTTP/1.1\r\nHost: bench\r\nCookie: %s\r\n\r\n",
        cookie);
    say(ear.fd, ask, (size_t)len);
    if (recv(ear.fd, first, sizeof first - 1, 0) <= 0)
        die("no event stream");
    pthread_create(&listener, NULL, listen_loop, &ear);
    start_paced(&p, threads, 8, 5000, 10);
    usleep(500000);
    for (size_t i = 0; i < most && i < rig.driven_n; i++) {
        double took = one_alarm(&ear, fd, i * (rig.driven_n / most));
        if (took < 0)
            missed++;
        else
            ms[n++] = took;
        usleep(50000 + (useconds_t)(i * 7919 % 50000));
    }
    stop_paced(threads, 8);
    double rate = (double)p.done * 10 / ((double)(os_mono_us() - p.from) / 1e6);
    result("passes beside the alarms", rate, "1/s", 4900, "higher");
    percentiles("socket to event", ms, n, 10, 50);
    result("watched passes without event", (double)missed, "passes", 0, "lower");
    shutdown(ear.fd, SHUT_RDWR);
    pthread_join(listener, NULL);
    close(desk);
    close(fd);
    free(ms);
    free(p.took_ms);
}

/* ---- main ---- */

static void
read_options(int argc, char **argv, struct options *o)
{
    const struct {
        const char *name;
        int *number;
        const char **text;
    } rows[] = {
        {"--seconds", &o->seconds, NULL},   {"--connections", &o->connections, NULL},
        {"--vehicles", &o->vehicles, NULL}, {"--watches", &o->watches, NULL},
        {"--json", NULL, &o->json},         {"--only", NULL, &o->only},
        {"--tongqu", NULL, &o->tongqu},     {"--keep", NULL, &o->keep},
    };
    for (int i = 1; i < argc; i += 2) {
        bool known = false;
        for (size_t k = 0; i + 1 < argc && k < sizeof rows / sizeof rows[0]; k++) {
            if (strcmp(argv[i], rows[k].name) != 0)
                continue;
            known = true;
            if (rows[k].number)
                *rows[k].number = (int)strtol(argv[i + 1], NULL, 10);
            else
                *rows[k].text = argv[i + 1];
        }
        if (!known) {
            fprintf(
                stderr,
                "usage: bench-ingest [--seconds S] [--connections N] [--vehicles V] "
                "[--watches W] [--json FILE] [--only flood|pictures|alarm] "
                "[--tongqu FILE] [--keep DIR]\n");
            exit(2);
        }
    }
    if (o->connections < 1 || o->connections > CONNECTIONS_MAX || o->seconds < 1)
        die("1 to 256 connections, at least one second");
}

static bool
wanted(const struct options *o, const char *part)
{
    return !o->only || strcmp(o->only, part) == 0;
}

static void
remove_all(const char *dir)
{
    const char *argv[] = {"/bin/rm", "-rf", dir, NULL};
    run(argv);
}

int
main(int argc, char **argv)
{
    struct options o = {
        .seconds = 60,
        .connections = 32,
        .vehicles = 1500000,
        .watches = 100000,
        .tongqu = "build/release/tongqu"};
    read_options(argc, argv, &o);
    if (zone_parse(SPAN("Asia/Shanghai"), &rig.zone, NULL) != OK)
        die("zone");
    atomic_store(&rig.next_id, 1);
    snprintf(
        rig.dir, sizeof rig.dir, "%s/tongqu-ingest-XXXXXX",
        getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (o.keep)
        snprintf(rig.dir, sizeof rig.dir, "%s", o.keep);
    else if (!mkdtemp(rig.dir))
        die("no directory");
    set_up(&o);
    read_city(&o);
    start_daemon(o.tongqu);
    if (wanted(&o, "flood"))
        flood(&o);
    if (wanted(&o, "pictures"))
        pictures(&o);
    if (wanted(&o, "alarm"))
        alarm_time(&o);
    write_json(o.json);
    kill(rig.daemon, SIGTERM);
    waitpid(rig.daemon, NULL, 0);
    if (!o.keep)
        remove_all(rig.dir);
    free(rig.plates);
    free(rig.watched);
    free(rig.driven);
    return 0;
}
