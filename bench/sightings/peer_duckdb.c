/* SPDX-License-Identifier: Apache-2.0 */
/* DuckDB in process, when its shared library is there: TONGQU_DUCKDB names it, else the
 * usual name is looked up. Two sorted tables, which is its way of indexing. */
#include "peer.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* As duckdb.h declares them. */
struct duck_result {
    uint64_t columns, rows, changed;
    void *column;
    char *error;
    void *internal;
};
static struct {
    int (*open)(const char *path, void **db);
    int (*connect)(void *db, void **con);
    int (*query)(void *con, const char *sql, struct duck_result *out);
    const char *(*result_error)(struct duck_result *r);
    uint64_t (*column_count)(struct duck_result *r);
    uint64_t (*row_count)(struct duck_result *r);
    char *(*value_varchar)(struct duck_result *r, uint64_t col, uint64_t row);
    void (*free)(void *p);
    void (*destroy_result)(struct duck_result *r);
    int (*appender_create)(void *con, const char *schema, const char *table, void **a);
    int (*append_varchar_length)(void *a, const char *p, uint64_t n);
    int (*append_int64)(void *a, int64_t v);
    int (*appender_end_row)(void *a);
    int (*appender_destroy)(void **a);
    void (*disconnect)(void **con);
    void (*close)(void **db);
} duck;
static void *db, *con;
static char file[480];

static bool
run(const char *sql)
{
    struct duck_result r;
    bool good = duck.query(con, sql, &r) == 0;
    if (!good)
        fprintf(stderr, "DuckDB: %s: %s\n", sql, duck.result_error(&r));
    duck.destroy_result(&r);
    return good;
}

static bool
link_all(void *so)
{
    const struct {
        const char *name;
        void *slot;
    } syms[] = {
        {"duckdb_open", &duck.open},
        {"duckdb_connect", &duck.connect},
        {"duckdb_query", &duck.query},
        {"duckdb_result_error", &duck.result_error},
        {"duckdb_column_count", &duck.column_count},
        {"duckdb_row_count", &duck.row_count},
        {"duckdb_value_varchar", &duck.value_varchar},
        {"duckdb_free", &duck.free},
        {"duckdb_destroy_result", &duck.destroy_result},
        {"duckdb_appender_create", &duck.appender_create},
        {"duckdb_append_varchar_length", &duck.append_varchar_length},
        {"duckdb_append_int64", &duck.append_int64},
        {"duckdb_appender_end_row", &duck.appender_end_row},
        {"duckdb_appender_destroy", &duck.appender_destroy},
        {"duckdb_disconnect", &duck.disconnect},
        {"duckdb_close", &duck.close},
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
peer_open(const char *dir, char why[200])
{
    const char *path = getenv("TONGQU_DUCKDB");
    void *so = dlopen(path ? path : "libduckdb.so", RTLD_NOW | RTLD_LOCAL);
    if (!so || !link_all(so)) {
        snprintf(
            why, 200,
            "no libduckdb.so (set TONGQU_DUCKDB to its path; the npm package "
            "@duckdb/node-bindings-linux-x64 holds one)");
        return false;
    }
    snprintf(file, sizeof file, "%s/passes.duckdb", dir);
    if (duck.open(file, &db) != 0 || duck.connect(db, &con) != 0) {
        snprintf(why, 200, "it does not open %.150s", file);
        return false;
    }
    return run("SET threads TO 2") && run("SET memory_limit = '6GB'");
}

#define COLUMNS                                                                        \
    "{'plate':'VARCHAR','plate_color':'UTINYINT','class':'USMALLINT','color':"         \
    "'UTINYINT','brand':'USMALLINT','site':'USMALLINT','lane':'UTINYINT',"             \
    "'direction':'UTINYINT','passed':'BIGINT','speed':'USMALLINT','confidence':"       \
    "'UTINYINT','record':'VARCHAR','image':'VARCHAR'}"

static bool
peer_load(const char *csv, const struct city *city)
{
    char sql[1200];
    snprintf(
        sql, sizeof sql,
        "CREATE TABLE by_plate AS SELECT * FROM read_csv('%s', header=false, "
        "columns=" COLUMNS ") ORDER BY plate, passed",
        csv);
    bool good = run(sql) && run("CHECKPOINT") &&
                run("CREATE TABLE by_site AS SELECT * FROM by_plate ORDER BY "
                    "(passed + 28800000) // 86400000, site, passed") &&
                run("CREATE TABLE sites(site USMALLINT, x DOUBLE, y DOUBLE)") &&
                run("BEGIN");
    for (unsigned i = 1; good && i <= SITES; i++) {
        snprintf(
            sql, sizeof sql, "INSERT INTO sites VALUES(%u,%.17g,%.17g)", i, city->x[i],
            city->y[i]);
        good = run(sql);
    }
    return good && run("COMMIT") && run("CHECKPOINT") &&
           run("CREATE TABLE live AS SELECT * FROM by_plate LIMIT 0");
}

static bool
append_line(void *a, const char *p)
{
    bool good = true;
    for (int k = 1; k <= 13 && good; k++) {
        size_t n = strcspn(p, ",\n");
        if (k == 1 || k >= 12)
            good = duck.append_varchar_length(a, p, n) == 0;
        else
            good = duck.append_int64(a, atoll(p)) == 0;
        p += n + 1;
    }
    return good && duck.appender_end_row(a) == 0;
}

static bool
peer_append(const struct sighting *rows, size_t n)
{
    char line[512];
    void *a = NULL;
    bool good = run("BEGIN") && duck.appender_create(con, NULL, "live", &a) == 0;
    for (size_t i = 0; good && i < n; i++) {
        (void)row_line(&rows[i], line);
        good = append_line(a, line);
    }
    good = a && duck.appender_destroy(&a) == 0 && good;
    return good && run("COMMIT");
}

static bool
peer_ask(const char *sql, struct answer *out)
{
    struct duck_result r;
    struct answer_row row = {.n = 0};
    *out = (struct answer){0};
    bool good = duck.query(con, sql, &r) == 0;
    if (!good)
        fprintf(stderr, "DuckDB: %s: %s\n", sql, duck.result_error(&r));
    uint64_t rows = good ? duck.row_count(&r) : 0, cols = duck.column_count(&r);
    for (uint64_t i = 0; good && i < rows; i++) {
        for (uint64_t c = 0; good && c < cols; c++) {
            char *text = duck.value_varchar(&r, c, i);
            good = answer_field(&row, span_cstr(text));
            duck.free(text);
        }
        answer_end(out, &row);
    }
    duck.destroy_result(&r);
    return good;
}

static uint64_t
peer_bytes(void)
{
    struct stat st;
    return stat(file, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void
peer_close(void)
{
    duck.disconnect(&con);
    duck.close(&db);
}

static void
exact(char dst[96], const char *column)
{
    snprintf(dst, 96, "%s <> '无牌' AND NOT contains(%s, '?')", column, column);
}

const struct peer peer_duckdb = {
    .name = "DuckDB",
    .open = peer_open,
    .load = peer_load,
    .append = peer_append,
    .ask = peer_ask,
    .bytes = peer_bytes,
    .own_process = false,
    .close = peer_close,
    .by_plate = "by_plate",
    .by_site = "by_site",
    .divide = "//",
    .exact = exact,
};
