/* SPDX-License-Identifier: Apache-2.0 */
/* Power failures at every kind of moment: what the ledger committed and what the audit
 * acknowledged is there afterwards, in order and unchanged, and both go on working.
 * With any one durable step left out, some failure must show it, else the step is not
 * needed or the test is blind. */
#include "store/ledger.h"

#include "kit/crash_disk.h"
#include "kit/kit.h"
#include "store/audit.h"

#include <stdio.h>
#include <stdlib.h>

#define DIR "/d"
#define GROUPS 30u
#define JOBS 4u

struct promise {      /* what was acknowledged */
    uint64_t entries; /* journal numbers 1..entries */
    uint64_t records; /* audit numbers 1..records */
    uint64_t head;    /* a signed head of this number was given out */
};

enum { LEDGER = 1, AUDIT = 2 };

struct life {
    unsigned parts; /* what lives in it: each alone must be safe, too */
    struct crash_disk *disk;
    struct ledger *l;
    struct audit *a;
    struct promise *kept;
};

static struct span
payload_of(uint64_t i, char text[64])
{
    int n = snprintf(text, 64, "entry %llu of the journal", (unsigned long long)i);
    return (struct span){text, (size_t)n};
}

static enum err
open_both(struct life *x)
{
    struct audit_options opt = {.make_key = true};
    enum err e = OK;
    if (x->parts & LEDGER)
        e = ledger_open(crash_disk_fs(x->disk), DIR, &x->l, NULL);
    if (!e && x->parts & AUDIT)
        e = audit_open(crash_disk_fs(x->disk), DIR, &opt, 1, &x->a, NULL);
    return e;
}

static enum err
one_group(struct life *x)
{
    char text[64];
    uint64_t n = 0;
    enum err e = ledger_begin(x->l);
    if (e)
        return e;
    for (unsigned j = 0; j < JOBS && !e; j++) {
        bool keep = j != 2; /* the third one fails, alone */
        e = ledger_job_begin(x->l);
        uint64_t next = ledger_last(x->l) + 1;
        struct ledger_entry entry = {
            .topic = TOPIC_SYSTEM, .object = next, .payload = payload_of(next, text)};
        if (!e)
            e = ledger_note(x->l, &entry, &n);
        enum err end = ledger_job_end(x->l, keep && !e);
        e = e ? e : end;
    }
    if (e) {
        ledger_rollback(x->l);
        return e;
    }
    e = ledger_commit(x->l, NULL);
    if (!e)
        x->kept->entries = ledger_last(x->l);
    return e;
}

static enum err
one_record(struct life *x)
{
    uint64_t n = 0;
    struct audit_record r = {
        .class = AUDIT_LOOK, .action = SPAN("look.end"), .count = x->kept->records + 1};
    enum err e = audit_append(x->a, &r, &n); /* two in one write */
    r.count++;
    if (!e)
        e = audit_write(x->a, &r, &n);
    if (!e)
        x->kept->records = n;
    return e;
}

static enum err
sign(struct life *x, ts_ms at)
{
    struct audit_head head;
    enum err e = audit_sign(x->a, at, &head);
    if (!e)
        x->kept->head = head.number;
    return e;
}

static enum err
work(struct life *x)
{
    enum err e = OK;
    for (unsigned g = 0; g < GROUPS && !e; g++) {
        if (x->parts & LEDGER)
            e = one_group(x);
        if (!e && x->parts & AUDIT)
            e = one_record(x);
        if (!e && x->parts & LEDGER && g % 7 == 3)
            e = ledger_checkpoint(x->l);
        if (!e && x->parts & AUDIT && g % 9 == 5)
            e = sign(x, g);
    }
    return e;
}

static void
close_both(struct life *x)
{
    audit_close(&x->a, 2);
    ledger_close(&x->l);
}

struct chain {
    struct os_fs *fs;
    uint64_t last;
};

/* In order; and bytes that were set aside lie where their record says. */
static bool
follow(void *arg, const struct audit_row *row)
{
    struct chain *c = arg;
    char path[64];
    uint64_t size = 0;
    bool is_dir;
    if (row->record.number != c->last + 1)
        return false;
    snprintf(
        path, sizeof path, DIR "/audit/torn-%012llu",
        (unsigned long long)row->record.number);
    if (span_eq_cstr(row->record.action, "audit.torn") &&
        (os_stat(c->fs, path, &size, &is_dir) || size != row->record.count))
        return false;
    c->last = row->record.number;
    return true;
}

static bool
key_is_there(struct os_fs *fs)
{
    char *text = NULL;
    size_t n = 0;
    enum err e = os_read_file(fs, DIR "/audit/key.pub", 1000, &text, &n, NULL);
    bool whole = !e && n == 65 && text[64] == '\n';
    free(text);
    return whole;
}

/* Is everything there that was promised? */
static bool
ledger_holds(struct life *x)
{
    struct arena a;
    struct ledger_entry *list;
    char text[64];
    size_t n = 0;
    struct ledger_reader *r = ledger_as_reader(x->l);
    arena_init(&a, 16u << 20);
    bool good = ledger_check(r, NULL) == OK &&
                ledger_journal_since(r, 0, 10000, &a, &list, &n) == OK &&
                n >= x->kept->entries;
    for (size_t i = 0; good && i < n; i++) {
        struct span want = payload_of(i + 1, text);
        good = list[i].n == i + 1 && span_eq(list[i].payload, want);
    }
    arena_release(&a);
    return good;
}

static bool
audit_holds(struct life *x)
{
    struct chain chain = {.fs = crash_disk_fs(x->disk)};
    struct audit_head newest, head;
    audit_heads(x->a, &newest, &head);
    return audit_each(x->a, 0, follow, &chain) == OK && chain.last == newest.number &&
           chain.last >= x->kept->records && head.number >= x->kept->head &&
           key_is_there(chain.fs);
}

static bool
holds(struct life *x)
{
    return (!x->l || ledger_holds(x)) && (!x->a || audit_holds(x));
}

/* Two lives with a power failure in each; false: a promise was broken. */
static bool
survive(uint64_t seed, uint64_t point, enum crash_mode mode, const char *ignore)
{
    struct promise kept = {0};
    struct life x = {
        .parts = 1 + seed % 3, .disk = crash_disk_new(seed), .kept = &kept};
    crash_disk_root(x.disk, DIR);
    bool good = true;
    for (unsigned life = 0; life < 2 && good; life++) {
        crash_disk_ignore(x.disk, ignore);
        crash_disk_stop_after(x.disk, life ? point / 2 + 1 : point);
        if (open_both(&x) == OK)
            (void)!work(&x);
        close_both(&x);
        crash_disk_crash(x.disk, mode);
        good = open_both(&x) == OK && holds(&x);
        close_both(&x);
    }
    crash_disk_free(x.disk);
    return good;
}

static uint64_t
operations(void)
{
    struct promise kept = {0};
    struct life x = {.parts = LEDGER | AUDIT, .disk = crash_disk_new(1), .kept = &kept};
    crash_disk_root(x.disk, DIR);
    kit_ok(open_both(&x), NULL);
    kit_ok(work(&x), NULL);
    close_both(&x);
    uint64_t n = crash_disk_ops(x.disk);
    assert_int_equal(kept.entries, GROUPS * (JOBS - 1));
    assert_int_equal(kept.records, GROUPS * 2);
    crash_disk_free(x.disk);
    return n;
}

static void
acknowledged_survives(void **state)
{
    (void)state;
    uint64_t total = operations();
    struct kit_rand r = {11};
    unsigned rounds = kit_rounds(200, 2000);
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t seed = kit_rand_u64(&r);
        uint64_t point = 1 + kit_rand_below(&r, (uint32_t)total);
        enum crash_mode mode = i % 5 == 0   ? CRASH_LOSE
                               : i % 5 == 1 ? CRASH_KEEP
                                            : CRASH_RANDOM;
        if (!survive(seed, point, mode, NULL))
            fail_msg(
                "lost after seed %llu, point %llu, mode %d", (unsigned long long)seed,
                (unsigned long long)point, (int)mode);
    }
    print_message(
        "%u points over %llu operations\n", rounds, (unsigned long long)total);
}

static bool
noticed(const char *site, uint64_t total)
{
    struct kit_rand r = {13};
    for (unsigned i = 0; i < 1200; i++) {
        /* The making of the files takes few operations: they get half of the tries. */
        uint64_t point =
            i % 2 ? 1 + i / 2 % 60 : 1 + kit_rand_below(&r, (uint32_t)total);
        if (!survive(kit_rand_u64(&r), point, i % 3 ? CRASH_RANDOM : CRASH_LOSE, site))
            return true;
    }
    return false;
}

/* Steps that another one right behind them makes durable as well. */
static bool
covered(const char *site)
{
    /* os_write_file() syncs audit/ for key.pub; making the chain's first file does
     * again. */
    return strcmp(site, "audit.key.pub/dir") == 0;
}

static void
every_durable_step_is_needed(void **state)
{
    (void)state;
    uint64_t total = operations();
    struct promise kept = {0};
    struct life x = {.parts = LEDGER | AUDIT, .disk = crash_disk_new(1), .kept = &kept};
    unsigned sites = 0;
    crash_disk_root(x.disk, DIR);
    kit_ok(open_both(&x), NULL);
    kit_ok(work(&x), NULL);
    close_both(&x);
    const char *site;
    for (size_t i = 0; (site = crash_disk_site(x.disk, i)); i++) {
        if (!covered(site) && !noticed(site, total))
            fail_msg("without \"%s\" nothing was ever lost", site);
        sites++;
    }
    crash_disk_free(x.disk);
    print_message("%u durable steps, each one missed when left out\n", sites);
    assert_true(sites >= 5);
}

/* The disk is full once, at the n-th operation: one group or record is refused whole,
 * the next is taken. */
static void
a_full_disk_refuses_one_group(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 40; n++) {
        struct promise kept = {0};
        struct life x = {.parts = LEDGER, .disk = crash_disk_new(n), .kept = &kept};
        crash_disk_root(x.disk, DIR);
        kit_ok(open_both(&x), NULL);
        for (unsigned g = 0; g < 4; g++)
            kit_ok(one_group(&x), NULL);
        crash_disk_fail_once(x.disk, n, ERR_FULL);
        unsigned refused = 0;
        for (unsigned g = 0; g < 12; g++) {
            enum err e = one_group(&x);
            refused += e != OK;
            if (e) /* only a failed sync leaves doubt: then it is opened anew */
                assert_true(e == ERR_FULL || e == ERR_IO);
            if (e == ERR_IO && ledger_begin(x.l) != OK) {
                close_both(&x);
                kit_ok(open_both(&x), NULL);
            } else if (ledger_in_group(x.l)) {
                ledger_rollback(x.l);
            }
        }
        assert_true(refused <= 1);
        assert_true(kept.entries >= 11 * (JOBS - 1));
        assert_true(holds(&x));
        close_both(&x);
        crash_disk_free(x.disk);
    }
}

static void
a_full_disk_holds_a_record_back(void **state)
{
    (void)state;
    for (unsigned thread = 0; thread < 2; thread++) {
        struct promise kept = {0};
        struct life x = {.parts = AUDIT, .disk = crash_disk_new(5), .kept = &kept};
        struct audit_options opt = {.make_key = true, .thread = thread};
        crash_disk_root(x.disk, DIR);
        kit_ok(audit_open(crash_disk_fs(x.disk), DIR, &opt, 1, &x.a, NULL), NULL);
        kit_ok(one_record(&x), NULL);
        uint64_t n = 0;
        struct audit_record r = {.action = SPAN("x")};
        crash_disk_fail_once(x.disk, 1, ERR_FULL);
        enum err e = audit_write(x.a, &r, &n); /* its own thread may have tried twice */
        assert_true(e == ERR_FULL || (thread && e == OK));
        assert_int_equal(n, 3);
        kit_ok(audit_write(x.a, &r, &n), NULL); /* and with it the one held back */
        assert_int_equal(n, 4);
        assert_int_equal(audit_durable(x.a), 4);
        close_both(&x);
        kit_ok(open_both(&x), NULL);
        assert_true(holds(&x));
        crash_disk_fail_once(x.disk, 2, ERR_IO); /* the sync */
        assert_int_equal(audit_write(x.a, &r, &n), ERR_IO);
        assert_int_equal(
            audit_append(x.a, &r, &n), ERR_IO); /* no more until reopened */
        close_both(&x);
        kit_ok(open_both(&x), NULL);
        assert_true(holds(&x));
        close_both(&x);
        crash_disk_free(x.disk);
    }
}

/* What a full disk held back was never acknowledged: torn by the next cut of power, it
 * is set aside, whatever was appended behind it. */
static void
what_was_held_back_may_be_torn(void **state)
{
    (void)state;
    char big[700];
    memset(big, 'x', sizeof big);
    struct audit_record r = {.action = SPAN("x"), .detail = span_of(big, sizeof big)};
    for (unsigned i = 0; i < 400; i++) {
        struct promise kept = {0};
        struct life x = {.parts = AUDIT, .disk = crash_disk_new(i), .kept = &kept};
        uint64_t n = 0;
        crash_disk_root(x.disk, DIR);
        kit_ok(open_both(&x), NULL);
        kit_ok(one_record(&x), NULL);
        crash_disk_fail_once(x.disk, 1, ERR_FULL);
        assert_int_equal(audit_write(x.a, &r, &n), ERR_FULL);
        kit_ok(audit_append(x.a, &r, &n), NULL);
        crash_disk_stop_after(x.disk, i % 2 ? 2 : 4); /* a sync */
        assert_int_equal(audit_wait(x.a, n), ERR_IO);
        close_both(&x);
        crash_disk_crash(x.disk, CRASH_RANDOM);
        kit_ok(open_both(&x), NULL);
        assert_true(holds(&x));
        close_both(&x);
        crash_disk_free(x.disk);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledged_survives),
        cmocka_unit_test(every_durable_step_is_needed),
        cmocka_unit_test(a_full_disk_refuses_one_group),
        cmocka_unit_test(a_full_disk_holds_a_record_back),
        cmocka_unit_test(what_was_held_back_may_be_torn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
