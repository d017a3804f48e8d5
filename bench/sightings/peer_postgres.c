/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL over its socket: a server of its own is started under the bench directory
 * (as user postgres when we are root) and stopped at the end. A heap, two B-trees. */
#include "peer.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* As libpq-fe.h declares them. */
static struct {
    void *(*connectdb)(const char *info);
    int (*status)(const void *con);
    char *(*error)(const void *con);
    void *(*exec)(void *con, const char *sql);
    int (*result_status)(const void *r);
    int (*ntuples)(const void *r);
    int (*nfields)(const void *r);
    char *(*value)(const void *r, int row, int col);
    int (*put)(void *con, const char *p, int n);
    int (*put_end)(void *con, const char *error);
    void *(*get_result)(void *con);
    void (*clear)(void *r);
    void (*finish)(void *con);
} pq;
enum { PQ_COMMAND_OK = 1, PQ_TUPLES_OK = 2, PQ_COPY_IN = 4 };

static void *con;
static char base[480], bin[200], as[64];
static bool started;

static bool
link_all(void *so)
{
    const struct {
        const char *name;
        void *slot;
    } syms[] = {
        {"PQconnectdb", &pq.connectdb},
        {"PQstatus", &pq.status},
        {"PQerrorMessage", &pq.error},
        {"PQexec", &pq.exec},
        {"PQresultStatus", &pq.result_status},
        {"PQntuples", &pq.ntuples},
        {"PQnfields", &pq.nfields},
        {"PQgetvalue", &pq.value},
        {"PQputCopyData", &pq.put},
        {"PQputCopyEnd", &pq.put_end},
        {"PQgetResult", &pq.get_result},
        {"PQclear", &pq.clear},
        {"PQfinish", &pq.finish},
    };
    for (size_t i = 0; i < sizeof syms / sizeof *syms; i++) {
        void *p = dlsym(so, syms[i].name);
        if (!p)
            return false;
        memcpy(syms[i].slot, &p, sizeof p);
    }
    return true;
}

static bool
shell(const char *cmd)
{
    int status = system(cmd);
    if (status != 0)
        fprintf(stderr, "PostgreSQL: this failed: %s\n", cmd);
    return status == 0;
}

static bool
run(const char *sql)
{
    void *r = pq.exec(con, sql);
    int s = pq.result_status(r);
    bool good = s == PQ_COMMAND_OK || s == PQ_TUPLES_OK;
    if (!good)
        fprintf(stderr, "PostgreSQL: %s: %s\n", sql, pq.error(con));
    pq.clear(r);
    return good;
}

static bool
server_start(void)
{
    char cmd[4400];
    snprintf(
        cmd, sizeof cmd,
        "mkdir -p '%s' && { [ \"$(id -u)\" != 0 ] || chown postgres '%s'; } && cd / && "
        "%s %s/initdb -D '%s/data' -A trust -U bench -E UTF8 --locale=C >/dev/null && "
        "%s %s/pg_ctl -w -s -D '%s/data' -l '%s/log' -o \"-c listen_addresses='' -c "
        "unix_socket_directories='%s' -c shared_buffers=2GB -c work_mem=256MB -c "
        "maintenance_work_mem=1GB -c max_wal_size=8GB -c "
        "max_parallel_workers_per_gather=2 -c jit=off -c random_page_cost=1.1 -c "
        "effective_cache_size=8GB\" start",
        base, base, as, bin, base, as, bin, base, base, base);
    started = shell(cmd);
    return started;
}

static bool
peer_open(const char *dir, char why[200])
{
    glob_t g;
    char info[600];
    void *so = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    bool found = glob("/usr/lib/postgresql/*/bin", 0, NULL, &g) == 0 && g.gl_pathc;
    if (found)
        snprintf(bin, sizeof bin, "%s", g.gl_pathv[g.gl_pathc - 1]);
    globfree(&g);
    if (!so || !link_all(so) || !found) {
        snprintf(why, 200, "not installed (Debian: postgresql, libpq5)");
        return false;
    }
    if (geteuid() == 0)
        snprintf(as, sizeof as, "runuser -u postgres --");
    snprintf(base, sizeof base, "%s/postgres", dir);
    if (chmod(dir, 0711) != 0) /* its user must reach the folder */
        perror(dir);
    if (!server_start()) {
        snprintf(why, 200, "its server does not start under %.120s", dir);
        return false;
    }
    snprintf(info, sizeof info, "host=%s user=bench dbname=postgres", base);
    con = pq.connectdb(info);
    if (pq.status(con) != 0) {
        snprintf(why, 200, "%.190s", pq.error(con));
        return false;
    }
    return run("CREATE TABLE passes(plate text COLLATE \"C\", plate_color smallint, "
               "class smallint, color smallint, brand smallint, site smallint, lane "
               "smallint, direction smallint, passed bigint, speed smallint, "
               "confidence "
               "smallint, record text, image text)") &&
           run("CREATE TABLE sites(site smallint PRIMARY KEY, x float8, y float8)");
}

/* COPY what the file or the buffer holds. */
static bool
copy_begin(void)
{
    void *r = pq.exec(con, "COPY passes FROM STDIN (FORMAT csv)");
    bool good = pq.result_status(r) == PQ_COPY_IN;
    pq.clear(r);
    return good;
}

static bool
copy_end(bool good)
{
    good = pq.put_end(con, good ? NULL : "given up") == 1 && good;
    void *r;
    while ((r = pq.get_result(con))) {
        good = good && pq.result_status(r) == PQ_COMMAND_OK;
        pq.clear(r);
    }
    return good;
}

static bool
peer_load(const char *csv, const struct city *city)
{
    static char piece[1 << 20];
    FILE *f = fopen(csv, "r");
    size_t n;
    bool good = f && copy_begin();
    while (good && (n = fread(piece, 1, sizeof piece, f)) > 0)
        good = pq.put(con, piece, (int)n) == 1;
    good = f && copy_end(good);
    if (f)
        fclose(f);
    for (unsigned i = 1; good && i <= SITES; i++) {
        char sql[200];
        snprintf(
            sql, sizeof sql, "INSERT INTO sites VALUES(%u,%.17g,%.17g)", i, city->x[i],
            city->y[i]);
        good = run(sql);
    }
    return good && run("CREATE INDEX by_plate ON passes(plate, passed)") &&
           run("CREATE INDEX by_site ON passes(site, passed)") &&
           run("VACUUM ANALYZE passes") && run("CHECKPOINT");
}

static bool
peer_append(const struct sighting *rows, size_t n)
{
    char line[512];
    bool good = copy_begin();
    for (size_t i = 0; good && i < n; i++)
        good = pq.put(con, line, (int)row_line(&rows[i], line)) == 1;
    return copy_end(good);
}

static bool
peer_ask(const char *sql, struct answer *out)
{
    void *r = pq.exec(con, sql);
    struct answer_row row = {.n = 0};
    bool good = pq.result_status(r) == PQ_TUPLES_OK;
    *out = (struct answer){0};
    if (!good)
        fprintf(stderr, "PostgreSQL: %s: %s\n", sql, pq.error(con));
    for (int i = 0; good && i < pq.ntuples(r); i++) {
        for (int c = 0; good && c < pq.nfields(r); c++)
            good = answer_field(&row, span_cstr(pq.value(r, i, c)));
        answer_end(out, &row);
    }
    pq.clear(r);
    return good;
}

static uint64_t
peer_bytes(void)
{
    void *r = pq.exec(con, "SELECT pg_total_relation_size('passes')");
    uint64_t n = pq.ntuples(r) == 1 ? strtoull(pq.value(r, 0, 0), NULL, 10) : 0;
    pq.clear(r);
    return n;
}

static void
peer_close(void)
{
    char cmd[1000];
    if (con)
        pq.finish(con);
    con = NULL;
    snprintf(
        cmd, sizeof cmd, "cd / && %s %s/pg_ctl -w -s -m fast -D '%s/data' stop", as,
        bin, base);
    if (started)
        (void)shell(cmd);
    started = false;
}

static void
exact(char dst[96], const char *column)
{
    snprintf(dst, 96, "%s <> '无牌' AND position('?' in %s) = 0", column, column);
}

const struct peer peer_postgres = {
    .name = "PostgreSQL",
    .open = peer_open,
    .load = peer_load,
    .append = peer_append,
    .ask = peer_ask,
    .bytes = peer_bytes,
    .own_process = true,
    .close = peer_close,
    .by_plate = "passes",
    .by_site = "passes",
    .divide = "/",
    .exact = exact,
};
