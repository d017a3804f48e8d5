/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite in process: one table, indexes by plate and by site, WAL, synchronous=FULL. */
#include "peer.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static sqlite3 *db;
static sqlite3_stmt *insert;
static char file[480];

static bool
run(const char *sql)
{
    char *why = NULL;
    bool good = sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK;
    if (!good)
        fprintf(stderr, "SQLite: %s: %s\n", sql, why);
    sqlite3_free(why);
    return good;
}

static bool
peer_open(const char *dir, char why[200])
{
    snprintf(file, sizeof file, "%s/passes.sqlite", dir);
    if (sqlite3_open(file, &db) != SQLITE_OK) {
        snprintf(why, 200, "%s", sqlite3_errmsg(db));
        return false;
    }
    return run("PRAGMA page_size=8192") && run("PRAGMA journal_mode=WAL") &&
           run("PRAGMA synchronous=FULL") && run("PRAGMA cache_size=-2000000") &&
           run("PRAGMA wal_autocheckpoint=20000") && run("PRAGMA threads=2") &&
           run("CREATE TABLE passes(plate TEXT, plate_color INT, class INT, color INT, "
               "brand INT, site INT, lane INT, direction INT, passed INT, speed INT, "
               "confidence INT, record TEXT, image TEXT)") &&
           run("CREATE TABLE sites(site INTEGER PRIMARY KEY, x REAL, y REAL)");
}

static bool
put_fields(char *line)
{
    for (int k = 1; k <= 13; k++) {
        char *end = line + strcspn(line, ",\n");
        if (k == 1 || k >= 12)
            sqlite3_bind_text(insert, k, line, (int)(end - line), SQLITE_STATIC);
        else
            sqlite3_bind_int64(insert, k, atoll(line));
        line = end + 1;
    }
    bool good = sqlite3_step(insert) == SQLITE_DONE;
    sqlite3_reset(insert);
    return good;
}

static bool
prepared(void)
{
    return insert || sqlite3_prepare_v2(
                         db, "INSERT INTO passes VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)", -1,
                         &insert, NULL) == SQLITE_OK;
}

static bool
peer_load(const char *csv, const struct city *city)
{
    char line[1024];
    FILE *f = fopen(csv, "r");
    bool good = f && prepared() && run("BEGIN");
    for (uint64_t n = 0; good && fgets(line, sizeof line, f); n++) {
        good = put_fields(line);
        if (n % 500000 == 499999)
            good = good && run("COMMIT") && run("BEGIN");
    }
    if (f)
        fclose(f);
    for (unsigned i = 1; good && i <= SITES; i++) {
        snprintf(
            line, sizeof line, "INSERT INTO sites VALUES(%u,%.17g,%.17g)", i,
            city->x[i], city->y[i]);
        good = run(line);
    }
    return good && run("COMMIT") &&
           run("CREATE INDEX by_plate ON passes(plate, passed)") &&
           run("CREATE INDEX by_site ON passes(site, passed)") && run("ANALYZE") &&
           run("PRAGMA wal_checkpoint(TRUNCATE)");
}

static bool
peer_append(const struct sighting *rows, size_t n)
{
    char line[512];
    bool good = prepared() && run("BEGIN");
    for (size_t i = 0; good && i < n; i++) {
        (void)row_line(&rows[i], line);
        good = put_fields(line);
    }
    return good && run("COMMIT");
}

static bool
peer_ask(const char *sql, struct answer *out)
{
    sqlite3_stmt *s;
    struct answer_row row = {.n = 0};
    *out = (struct answer){0};
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) {
        fprintf(stderr, "SQLite: %s: %s\n", sql, sqlite3_errmsg(db));
        return false;
    }
    bool good = true;
    int step = SQLITE_DONE;
    while (good && (step = sqlite3_step(s)) == SQLITE_ROW) {
        for (int c = 0; good && c < sqlite3_column_count(s); c++) {
            const unsigned char *text = sqlite3_column_text(s, c);
            good =
                answer_field(&row, span_of(text, (size_t)sqlite3_column_bytes(s, c)));
        }
        answer_end(out, &row);
    }
    sqlite3_finalize(s);
    return good && step == SQLITE_DONE;
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
    sqlite3_finalize(insert);
    insert = NULL;
    sqlite3_close(db);
    db = NULL;
}

static void
exact(char dst[96], const char *column)
{
    snprintf(dst, 96, "%s <> '无牌' AND instr(%s, '?') = 0", column, column);
}

const struct peer peer_sqlite = {
    .name = "SQLite",
    .open = peer_open,
    .load = peer_load,
    .append = peer_append,
    .ask = peer_ask,
    .bytes = peer_bytes,
    .own_process = false,
    .close = peer_close,
    .by_plate = "passes",
    .by_site = "passes",
    .divide = "/",
    .exact = exact,
};
