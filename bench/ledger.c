/* SPDX-License-Identifier: Apache-2.0 */
/* ledger.c - moves of matters through the ledger beside the barest SQLite that keeps
 * the same rows, and records of the audit chain.
 *
 *   ./dev bench ledger [--rows N] [--group N] [--json FILE]
 *
 * A move is what loops write: seq check, journal entry, row with body, one timer, in a
 * savepoint of its own. The peer updates one row and inserts one event in the same file
 * mode and groups, with the two indexes it cannot do without. Each durable before it
 * counts. The peer's rows go first.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/os_clock.h"
#include "store/audit.h"
#include "store/ledger_matter.h"

#define MATTERS 1000u
#define BYTES 60u

struct run {
    char dir[64];
    unsigned rows, group;
    const char *json;
    FILE *out;
    bool first;
};

static const char payload[BYTES] = "compact bytes of an event";

static void
row(struct run *r, const char *name, double value, const char *unit, double peer)
{
    printf("%-24s %12.0f %s", name, value, unit);
    if (peer > 0)
        printf("   bare SQLite %.0f   ratio %.2f", peer, value / peer);
    printf("\n");
    if (!r->out)
        return;
    fprintf(
        r->out,
        "%s{\"name\":\"%s\",\"value\":%.1f,\"unit\":\"%s\",\"better\":\"higher\"",
        r->first ? "" : ",\n", name, value, unit);
    if (peer > 0)
        fprintf(
            r->out, ",\"bar\":%.1f,\"peer\":%.1f,\"ratio\":%.3f", 0.3 * peer, peer,
            value / peer);
    fprintf(r->out, "}");
    r->first = false;
}

/* ---- the peer ---- */

static sqlite3_stmt *
prepare(sqlite3 *db, const char *text)
{
    sqlite3_stmt *st = NULL;
    must(sqlite3_prepare_v2(db, text, -1, &st, NULL) == SQLITE_OK);
    return st;
}

static void
step(sqlite3_stmt *st)
{
    must(sqlite3_step(st) == SQLITE_DONE);
    sqlite3_reset(st);
}

static void
bare_move(sqlite3_stmt *update, sqlite3_stmt *insert, unsigned i, int *seq)
{
    sqlite3_bind_int(update, 1, *seq + 1);
    sqlite3_bind_int64(update, 2, i);
    sqlite3_bind_blob(update, 3, payload, BYTES, SQLITE_STATIC);
    sqlite3_bind_int(update, 4, (int)(i * 7 % MATTERS));
    sqlite3_bind_int(update, 5, *seq);
    step(update);
    ++*seq;
    sqlite3_bind_int64(insert, 1, i + 1);
    sqlite3_bind_int(insert, 2, (int)(i * 7 % MATTERS));
    sqlite3_bind_int(insert, 3, *seq);
    sqlite3_bind_int64(insert, 4, i);
    sqlite3_bind_blob(insert, 5, payload, BYTES, SQLITE_STATIC);
    step(insert);
}

static double
bare(const struct run *r)
{
    static int seq[MATTERS];
    char path[128];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/bare.db", r->dir);
    must(sqlite3_open(path, &db) == SQLITE_OK);
    must(
        sqlite3_exec(
            db,
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
            "CREATE TABLE m (id INTEGER PRIMARY KEY, state TEXT, seq INTEGER,"
            " due INTEGER, title TEXT, body BLOB); CREATE INDEX m_due ON m (due);"
            "CREATE TABLE j (n INTEGER PRIMARY KEY, m INTEGER, seq INTEGER, at INTEGER,"
            " name TEXT, payload BLOB); CREATE INDEX j_m ON j (m, seq); BEGIN",
            NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_stmt *first =
        prepare(db, "INSERT INTO m VALUES (?, 's', 0, 0, 'a title', x'00')");
    for (unsigned i = 0; i < MATTERS; i++) {
        sqlite3_bind_int(first, 1, (int)i);
        step(first);
    }
    must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_stmt *update =
        prepare(db, "UPDATE m SET seq = ?, due = ?, body = ? WHERE id = ? AND seq = ?");
    sqlite3_stmt *insert = prepare(db, "INSERT INTO j VALUES (?, ?, ?, ?, 'move', ?)");
    dur_us begin = os_mono_us();
    for (unsigned i = 0; i < r->rows;) {
        must(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK);
        for (unsigned k = 0; k < r->group && i < r->rows; k++, i++)
            bare_move(update, insert, i, &seq[i * 7 % MATTERS]);
        must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
    }
    dur_us took = os_mono_us() - begin;
    sqlite3_finalize(first);
    sqlite3_finalize(update);
    sqlite3_finalize(insert);
    sqlite3_close(db);
    return r->rows * 1e6 / (double)took;
}

/* ---- ours ---- */

static void
move(struct ledger *l, struct matter_row *m, const char *name, ts_ms at)
{
    uint64_t journal;
    struct matter_timer due = {.clock = "sign", .at_ms = at};
    struct matter_entry e = {.kind = 1, .at_ms = at, .payload = {payload, BYTES}};
    struct matter_change c = {
        .m = m,
        .expect_seq = m->seq,
        .events = &e,
        .events_n = 1,
        .body = {payload, BYTES},
        .due = &due,
        .due_n = 1};
    snprintf(e.name, sizeof e.name, "%s", name);
    must(ledger_job_begin(l) == OK);
    must(ledger_matter_put(l, &c, &journal) == OK);
    must(ledger_job_end(l, true) == OK);
}

static double
ours(const struct run *r)
{
    struct ledger *l = NULL;
    struct matter_row *m = calloc(MATTERS, sizeof *m);
    must(m && ledger_open(os_fs_real(), r->dir, &l, NULL) == OK);
    must(ledger_begin(l) == OK);
    for (unsigned i = 0; i < MATTERS; i++) {
        snprintf(m[i].number, sizeof m[i].number, "N-%u", i);
        snprintf(m[i].title, sizeof m[i].title, "a title");
        m[i].open = true;
        move(l, &m[i], "open", 1);
    }
    must(ledger_commit(l, NULL) == OK);
    dur_us begin = os_mono_us();
    for (unsigned i = 0; i < r->rows;) {
        must(ledger_begin(l) == OK);
        for (unsigned k = 0; k < r->group && i < r->rows; k++, i++)
            move(l, &m[i * 7 % MATTERS], "move", i);
        must(ledger_commit(l, NULL) == OK);
    }
    dur_us took = os_mono_us() - begin;
    ledger_close(&l);
    free(m);
    return r->rows * 1e6 / (double)took;
}

static double
audit(const struct run *r)
{
    struct audit *a = NULL;
    struct audit_options opt = {.make_key = true};
    struct audit_record x = {
        .class = AUDIT_LOOK,
        .action = SPAN("look.end"),
        .login = SPAN("zhou"),
        .subject = {payload, BYTES}};
    uint64_t n = 0;
    must(audit_open(os_fs_real(), r->dir, &opt, 1, &a, NULL) == OK);
    dur_us begin = os_mono_us();
    for (unsigned i = 0; i < r->rows; i++) {
        must(audit_append(a, &x, &n) == OK);
        if (i % r->group == r->group - 1)
            must(audit_wait(a, n) == OK);
    }
    must(audit_wait(a, n) == OK);
    dur_us took = os_mono_us() - begin;
    audit_close(&a, 2);
    return r->rows * 1e6 / (double)took;
}

static void
clear_dir(const char *dir)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", dir);
    if (system(command) != 0)
        fprintf(stderr, "left behind: %s\n", dir);
}

int
main(int argc, char **argv)
{
    struct run r = {
        .dir = "bench-ledger-XXXXXX", .rows = 20000, .group = 64, .first = true};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--rows") == 0)
            r.rows = (unsigned)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--group") == 0)
            r.group = (unsigned)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--json") == 0)
            r.json = argv[i + 1];
    }
    if (r.rows == 0 || r.group == 0 || !mkdtemp(r.dir)) {
        fprintf(stderr, "usage: bench-ledger [--rows N] [--group N] [--json FILE]\n");
        return 2;
    }
    r.out = r.json ? fopen(r.json, "w") : NULL;
    if (r.out)
        fprintf(r.out, "[");
    double peer = bare(&r);
    row(&r, "ledger moves", ours(&r), "moves/s", peer);
    row(&r, "audit records", audit(&r), "records/s", 0);
    if (r.out) {
        fprintf(r.out, "]\n");
        fclose(r.out);
    }
    clear_dir(r.dir);
    return 0;
}
