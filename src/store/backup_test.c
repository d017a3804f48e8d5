/* SPDX-License-Identifier: Apache-2.0 */
/* A data directory that is written to while it is copied; the copy is opened and
 * counted. */
#include "store/backup.h"

#include "core/cur.h"
#include "kit/kit.h"
#include "store/docs.h"
#include "store/format.h"
#include "store/ledger_alarm.h"
#include "store/ledger_place.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define T0 INT64_C(1763690000000)

struct city { /* one open data directory */
    char dir[OS_PATH], sight_dir[OS_PATH];
    struct data *data;
    struct ledger *ledger;
    struct audit *audit;
    struct sight *sight;
    /* the one who writes */
    pthread_mutex_t trim; /* held while marks may not be told to the sightings */
    bool stop;
    unsigned rounds, holds;
    uint64_t lsn;
};

static void
open_city(struct city *c, const char *dir)
{
    struct note note = {0};
    memset(c, 0, sizeof *c);
    snprintf(c->dir, sizeof c->dir, "%s", dir);
    snprintf(c->sight_dir, sizeof c->sight_dir, "%.490s/sight", dir);
    pthread_mutex_init(&c->trim, NULL);
    kit_ok(data_open(os_fs_real(), dir, "1.0", NULL, NULL, &c->data, &note), &note);
    kit_ok(ledger_open(os_fs_real(), dir, &c->ledger, &note), &note);
    struct audit_options opt = {.thread = true, .make_key = true};
    kit_ok(audit_open(os_fs_real(), dir, &opt, T0, &c->audit, &note), &note);
    struct sight_opts so = {
        .dir = c->sight_dir,
        .zone = {"Asia/Shanghai", 480},
        .head_rows = 4096,
        .journal_file = 1u << 20,
        .thread = true};
    kit_ok(sight_open(&so, T0, &c->sight, &note), &note);
}

static void
close_city(struct city *c)
{
    sight_close(c->sight);
    audit_close(&c->audit, T0 + 1);
    ledger_close(&c->ledger);
    data_close(&c->data);
    pthread_mutex_destroy(&c->trim);
}

/* One batch of passes, then in one group: a journal entry and the mark of its LSN; then
 * a record. */
static void
write_round(struct city *c)
{
    struct note note = {0};
    struct sighting_batch *b = sighting_batch_new(100, 1u << 20);
    assert_non_null(b);
    for (unsigned i = 0; i < 100; i++) {
        struct sighting *s = sighting_batch_add(b);
        assert_non_null(s);
        s->pass_ms = s->arrive_ms = T0 + c->rounds * 1000 + i;
        s->site.v = 1 + i % 7;
        s->device.v = 1;
        s->record_id = arena_fmt(&b->arena, "r%u-%u", c->rounds, i);
        s->image = (struct span){"", 0};
    }
    kit_ok(sight_append(c->sight, &b, 1, T0 + c->rounds * 1000 + 500, &note), &note);
    c->lsn = b->lsn;
    sighting_batch_free(b);

    uint64_t n;
    struct ledger_entry e = {.topic = TOPIC_SYSTEM, .object = c->lsn, .at_ms = T0};
    kit_ok(ledger_begin(c->ledger), NULL);
    kit_ok(ledger_note(c->ledger, &e, &n), NULL);
    kit_ok(ledger_rules_mark(c->ledger, 0, c->lsn), NULL);
    kit_ok(ledger_commit(c->ledger, NULL), NULL);
    struct audit_record r = {
        .class = AUDIT_SYSTEM, .action = SPAN("round"), .count = c->rounds};
    kit_ok(audit_write(c->audit, &r, &n), NULL);
    if (pthread_mutex_trylock(&c->trim) == 0) {
        sight_set_applied(c->sight, c->lsn);
        pthread_mutex_unlock(&c->trim);
    }
    c->rounds++;
}

static void *
write_all_the_time(void *arg)
{
    struct city *c = arg;
    while (!__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE))
        write_round(c);
    return NULL;
}

static void
hold(void *arg, bool on)
{
    struct city *c = arg;
    c->holds++;
    if (on)
        pthread_mutex_lock(&c->trim);
    else
        pthread_mutex_unlock(&c->trim);
}

/* Without the passes. The reader is the caller's to close. */
static struct backup_job
job_of(const struct city *c, const char *out, struct ledger_reader **reader)
{
    kit_ok(ledger_reader_open(c->ledger, reader, NULL), NULL);
    return (struct backup_job){
        .fs = os_fs_real(),
        .dir = c->dir,
        .out = out,
        .ledger = *reader,
        .audit = c->audit,
        .release = "1.0"};
}

static void
backup_of(struct city *c, const char *out, struct backup_result *r)
{
    struct note note = {0};
    struct ledger_reader *reader;
    struct backup_job job = job_of(c, out, &reader);
    job.sight = c->sight;
    job.hold = hold;
    job.at_ms = T0;
    job.arg = c;
    kit_ok(backup_run(&job, r, &note), &note);
    ledger_reader_close(&reader);
}

static enum err
count_rows(void *arg, struct sighting_batch *b)
{
    *(size_t *)arg += b->n;
    return OK;
}

/* What the copy says of itself is what is in it; rules can go on from the ledger's
 * mark. */
static void
check_copy(const char *dir, const struct backup_result *r)
{
    struct city c;
    struct note note = {0};
    uint64_t journal = 0, mark = 0;
    size_t rows = 0;
    open_city(&c, dir);
    kit_ok(ledger_check(ledger_as_reader(c.ledger), &note), &note);
    kit_ok(ledger_journal_last(ledger_as_reader(c.ledger), &journal), NULL);
    assert_int_equal(journal, r->journal);
    kit_ok(ledger_rules_applied(ledger_as_reader(c.ledger), 0, &mark), NULL);
    assert_true(mark <= r->lsn);
    assert_int_equal(sight_lsn(c.sight), r->lsn);
    kit_ok(sight_replay(c.sight, mark, count_rows, &rows, &note), &note);
    struct sight_snap *snap = sight_snapshot(c.sight);
    /* Every group of the ledger stands behind a whole batch; later batches may be there
     * too. */
    assert_true(sight_snap_rows(snap) >= 100 * journal);
    assert_int_equal(sight_snap_rows(snap) % 100, 0);
    sight_snap_free(snap);
    assert_int_equal(audit_durable(c.audit), r->audit);
    write_round(&c); /* and it goes on working */
    close_city(&c);
}

static void
under_load(void **state)
{
    (void)state;
    char dir[OS_PATH], out[OS_PATH + 16], back[OS_PATH + 16];
    struct city c;
    struct note note = {0};
    struct backup_result r, seen;
    pthread_t thread;
    struct doc_ref ref;
    kit_temp_dir(dir);
    kit_ok(data_init(os_fs_real(), dir, &note), &note);
    kit_ok(data_finish(os_fs_real(), dir, "1.0", &note), &note);
    open_city(&c, dir);
    kit_ok(docs_put(os_fs_real(), dir, SPAN("evidence"), &ref, &note), &note);
    for (unsigned i = 0; i < 60; i++)
        write_round(&c);
    pthread_create(&thread, NULL, write_all_the_time, &c);
    for (unsigned round = 0; round < kit_rounds(2, 20); round++) {
        snprintf(out, sizeof out, "%s-out%u", dir, round);
        snprintf(back, sizeof back, "%s-back%u", dir, round);
        backup_of(&c, out, &r);
        assert_true(r.files >= 6 && r.bytes > 0 && r.journal >= 60 && r.audit >= 60);
        kit_ok(backup_verify(os_fs_real(), out, &seen, &note), &note);
        assert_int_equal(seen.lsn, r.lsn);
        kit_ok(backup_restore(os_fs_real(), out, back, &seen, &note), &note);
        struct arena a;
        struct span bytes;
        arena_init(&a, 1u << 20);
        kit_ok(docs_get(os_fs_real(), back, &ref, &a, &bytes, &note), &note);
        assert_span_equal(bytes, "evidence");
        arena_release(&a);
        check_copy(back, &r);
        kit_remove_tree(out);
        kit_remove_tree(back);
    }
    __atomic_store_n(&c.stop, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    assert_int_equal(c.holds, 2 * kit_rounds(2, 20));
    close_city(&c);
    kit_remove_tree(dir);
}

static void
spoil(const char *dir, const char *name, long at)
{
    char path[OS_PATH + 64];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, at, SEEK_SET);
    int ch = fgetc(f);
    fseek(f, at, SEEK_SET);
    fputc(ch ^ 1, f);
    fclose(f);
}

static bool
stop_at_once(void *arg, uint64_t bytes, const char *what)
{
    (void)arg;
    (void)bytes;
    (void)what;
    return false;
}

static void
damage_is_found(void **state)
{
    (void)state;
    char dir[OS_PATH], out[OS_PATH + 16], back[OS_PATH + 16], path[OS_PATH + 64];
    struct city c;
    struct note note = {0};
    struct backup_result r;
    kit_temp_dir(dir);
    kit_ok(data_init(os_fs_real(), dir, &note), &note);
    kit_ok(data_finish(os_fs_real(), dir, "1.0", &note), &note);
    open_city(&c, dir);
    write_round(&c);
    snprintf(out, sizeof out, "%s-out", dir);
    snprintf(back, sizeof back, "%s-back", dir);
    backup_of(&c, out, &r);
    const char *const files[] = {"ledger.db", "audit/heads", "id", "manifest.tq"};
    for (unsigned i = 0; i < 4; i++) {
        spoil(out, files[i], 30);
        assert_int_equal(backup_verify(os_fs_real(), out, &r, &note), ERR_CORRUPT);
        assert_int_equal(
            backup_restore(os_fs_real(), out, back, &r, &note), ERR_CORRUPT);
        assert_int_not_equal(access(back, F_OK), 0); /* nothing was begun */
        spoil(out, files[i], 30);
    }
    kit_ok(backup_verify(os_fs_real(), out, &r, &note), &note);
    snprintf(path, sizeof path, "%s/id", out);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(backup_verify(os_fs_real(), out, &r, &note), ERR_CORRUPT);
    snprintf(path, sizeof path, "%s/manifest.tq", out);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(backup_verify(os_fs_real(), out, &r, &note), ERR_NOTFOUND);
    /* Not into what is there already, and not against the asker's will. */
    struct ledger_reader *reader;
    struct backup_job job = job_of(&c, out, &reader);
    assert_int_equal(backup_run(&job, &r, &note), ERR_CONFLICT);
    job.out = back;
    job.progress = stop_at_once;
    assert_int_equal(backup_run(&job, &r, &note), ERR_STOPPING);
    ledger_reader_close(&reader);
    close_city(&c);
    kit_remove_tree(dir);
    kit_remove_tree(out);
    kit_remove_tree(back);
}

static void
put_file(const char *dir, const char *name, struct span bytes)
{
    char path[OS_PATH + 64];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    kit_ok(os_write_file(os_fs_real(), path, bytes, "test", NULL), NULL);
}

/* A manifest that names one empty file, its hashes right. */
static void
forge(const char *dir, const char *name)
{
    uint8_t hash[32];
    char hex[65];
    struct buf m = {0};
    crypto_generichash(hash, sizeof hash, NULL, 0, NULL, 0);
    buf_fmt(
        &m, "tongqu-backup 1 1.0 1\nat lsn 0 journal 0 audit 0\nfile 0 %s %s\n",
        sodium_bin2hex(hex, sizeof hex, hash, sizeof hash), name);
    crypto_generichash(hash, sizeof hash, m.p, m.n, NULL, 0);
    buf_fmt(&m, "end 1 0 %s\n", sodium_bin2hex(hex, sizeof hex, hash, sizeof hash));
    put_file(dir, "manifest.tq", span_of(m.p, m.n));
    buf_release(&m);
}

/* A manifest from elsewhere names nothing outside its directory, and a restore touches
 * nothing that was there before it. */
static void
a_restore_stays_in_its_place(void **state)
{
    (void)state;
    static const char *const wild[] = {"../stray", "sub/../../stray", "sub/./inner",
                                       "/inner",   "sub//inner",      "sub/"};
    char top[OS_PATH], out[OS_PATH + 16], back[OS_PATH + 16], sub[OS_PATH + 32];
    struct note note = {0};
    struct backup_result r;
    kit_temp_dir(top);
    snprintf(out, sizeof out, "%s/out", top);
    snprintf(back, sizeof back, "%s/back", top);
    snprintf(sub, sizeof sub, "%s/sub", out);
    kit_ok(os_mkdir(os_fs_real(), out, NULL), NULL);
    kit_ok(os_mkdir(os_fs_real(), sub, NULL), NULL);
    put_file(top, "stray", SPAN(""));
    put_file(out, "inner", SPAN(""));
    put_file(sub, "inner", SPAN(""));
    for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
        forge(out, wild[i]);
        assert_int_equal(backup_verify(os_fs_real(), out, &r, &note), ERR_CORRUPT);
        assert_non_null(strstr(note.en, "manifest"));
        assert_int_equal(
            backup_restore(os_fs_real(), out, back, &r, &note), ERR_CORRUPT);
        assert_int_not_equal(access(back, F_OK), 0);
    }
    forge(out, "sub/inner");
    kit_ok(os_mkdir(os_fs_real(), back, NULL), NULL);
    put_file(back, "mine", SPAN("x"));
    assert_int_equal(backup_restore(os_fs_real(), out, back, &r, &note), ERR_CONFLICT);
    snprintf(sub, sizeof sub, "%s/sub", back);
    assert_int_not_equal(access(sub, F_OK), 0);
    kit_remove_tree(back);
    kit_ok(backup_restore(os_fs_real(), out, back, &r, &note), &note);
    assert_int_equal(access(sub, F_OK), 0);
    kit_remove_tree(top);
}

/* A name may be as long as the disk takes it; a path that our limit does not take is
 * named, with what to do. */
static void
long_names(void **state)
{
    (void)state;
    char dir[OS_PATH], out[OS_PATH + 16], back[OS_PATH + 16], sub[OS_PATH + 32];
    char name[256], path[OS_PATH + 600];
    struct note note = {0};
    struct backup_result r;
    struct city c;
    kit_temp_dir(dir);
    kit_ok(data_init(os_fs_real(), dir, &note), &note);
    kit_ok(data_finish(os_fs_real(), dir, "1.0", &note), &note);
    open_city(&c, dir);
    snprintf(out, sizeof out, "%s-out", dir);
    snprintf(back, sizeof back, "%s-back", dir);
    snprintf(sub, sizeof sub, "%s/definitions", dir);
    kit_ok(os_mkdir(os_fs_real(), sub, NULL), NULL);
    for (unsigned n = 127; n <= 251; n += 31) { /* 251 and .tmp: 255 */
        memset(name, 'a' + (int)(n % 26), n);
        name[n] = 0;
        put_file(n % 2 ? dir : sub, name, SPAN("long"));
    }
    backup_of(&c, out, &r);
    kit_ok(backup_verify(os_fs_real(), out, &r, &note), &note);
    kit_ok(backup_restore(os_fs_real(), out, back, &r, &note), &note);
    snprintf(path, sizeof path, "%s/%s", back, name);
    assert_int_equal(access(path, F_OK), 0);
    kit_remove_tree(out);
    kit_remove_tree(back);

    snprintf(path, sizeof path, "%s/%s", sub, name);
    assert_int_equal(mkdir(path, 0750), 0);
    size_t end = strlen(path); /* longer than os_file takes */
    snprintf(path + end, sizeof path - end, "/%s", name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    struct ledger_reader *reader;
    struct backup_job job = job_of(&c, out, &reader);
    assert_int_equal(backup_run(&job, &r, &note), ERR_TOOBIG);
    assert_int_equal(unlink(path), 0);
    assert_non_null(strstr(note.en, "shorter names"));
    assert_non_null(strstr(note.zh, "请缩短"));
    ledger_reader_close(&reader);
    close_city(&c);
    kit_remove_tree(dir);
    kit_remove_tree(out);
}

int
main(void)
{
    must(sodium_init() >= 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(under_load),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(a_restore_stays_in_its_place),
        cmocka_unit_test(long_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
