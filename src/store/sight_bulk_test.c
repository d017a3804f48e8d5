/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk loads that are cut off and go on, and bulk loads of what is known already.
 *
 * An input is forgotten up to sight_bulk_settled(): on a disk that forgets, at any
 * operation, nothing of it may then be missing, and when the rest is given again nothing
 * may be there twice. What is known is compared with what asking row by row would say.
 *
 * TONGQU_LONG=1 cuts off at ten times as many points.
 */
#include "core/hash.h"
#include "kit/crash_disk.h"
#include "kit/kit.h"
#include "store/sight_kit_test.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define DIR "/data/sight"
#define RUN 30u /* rows of a run in the crash tests */

/* ---- rows ---- */

#define ROWS 3000u

static struct sighting row[ROWS];
static char id[ROWS][32], image[ROWS][64];

/* In time order over `days` days before NOW; several vehicles pass a site in the same
 * second, a tenth is unread. */
static void
make_rows(size_t n, unsigned days)
{
    uint64_t step = (uint64_t)days * 86400 / n;
    for (size_t i = 0; i < n; i++) {
        struct sighting *s = &row[i];
        uint64_t h = hash_u64(i + 5);
        *s = sight_kit_row();
        s->pass_ms = NOW - (ts_ms)((n - i) * step / 4 * 4) * SECOND_MS;
        s->plate.v = h % 10 ? (h % 400 + 1) << 40 : 0;
        s->site.v = 1 + (uint32_t)(h / 7 % 3);
        s->device.v = h / 11 % 5 ? s->site.v + 50 : 0;
        s->arrive_ms = s->pass_ms;
        s->lane = (uint8_t)(h / 13 % 4);
        s->direction = (uint8_t)(1 + h / 17 % 4);
        s->speed_dkmh = (uint16_t)(h / 19 % 900);
        s->record_id =
            span_of(id[i], (size_t)snprintf(id[i], sizeof id[i], "R%05zu", i));
        s->image = span_of(
            image[i],
            (size_t)snprintf(image[i], sizeof image[i], "http://h/%s.jpg", id[i]));
    }
}

static struct sight_opts
opts(void)
{
    return (struct sight_opts){
        .dir = DIR,
        .zone = {"Asia/Shanghai", 480},
        .keep_days = 30,
        .head_rows = 400,
        .bulk_rows = RUN,
        .journal_file = 1u << 16};
}

/* How often each of the n rows is stored. */
static void
count_stored(struct sight *s, size_t n, uint8_t *count)
{
    struct sight_snap *snap = sight_snapshot(s);
    struct arena a;
    struct sight_rows got;
    arena_init(&a, 64u << 20);
    struct sight_ask ask = {.arena = &a};
    memset(count, 0, n);
    assert_int_equal(sight_window(snap, NULL, 0, NULL, &ask, &got), OK);
    for (size_t i = 0; i < got.n; i++) {
        uint64_t k = UINT64_MAX;
        assert_true(span_u64(span_skip(got.rows[i].record_id, 1), &k));
        assert_true(k < n);
        count[k]++;
    }
    arena_release(&a);
    sight_snap_free(snap);
}

/* ---- cut off ---- */

#define CUT_ROWS 400u
#define PIECE 7u

struct load {
    struct crash_disk *disk;
    size_t threads;
    size_t mark; /* rows that nobody has to give again */
    struct sight *s;
};

static void
load_open(struct load *l)
{
    struct sight_opts o = opts();
    o.fs = crash_disk_fs(l->disk);
    o.thread = l->threads;
    o.threads = l->threads;
    l->s = sight_kit_open(&o);
    sight_set_applied(l->s, UINT64_MAX);
}

/* Gives the rows from the mark on, moving it as it goes. */
static enum err
load_run(struct load *l)
{
    struct sight_bulk *b;
    struct note note = {0};
    size_t from = l->mark;
    uint64_t settled = 0;
    enum err e = sight_bulk_begin(l->s, &b);
    for (size_t i = from; i < CUT_ROWS && e == OK; i += PIECE) {
        size_t n = CUT_ROWS - i < PIECE ? CUT_ROWS - i : PIECE;
        e = sight_bulk_add(b, row + i, n, NOW, &note);
        assert_int_equal(sight_bulk_settled(b, &settled), OK);
        assert_true(from + settled >= l->mark && from + settled <= i + n);
        l->mark = from + (size_t)settled;
    }
    if (e != OK) {
        sight_bulk_drop(b);
        return e;
    }
    e = sight_bulk_commit(b, NULL, &note);
    if (e == OK)
        l->mark = CUT_ROWS;
    return e;
}

/* Nothing before the mark is missing, nothing is there twice. */
static void
load_check(const struct load *l)
{
    uint8_t count[CUT_ROWS];
    struct note note = {0};
    count_stored(l->s, CUT_ROWS, count);
    for (size_t i = 0; i < CUT_ROWS; i++) {
        assert_true(count[i] <= 1);
        assert_true(count[i] || i >= l->mark);
    }
    kit_ok(sight_verify(l->s, true, &note), &note);
}

/* One life after the other, each cut off at its n-th operation or by one that fails. */
static void
cut_off(uint64_t n, uint64_t seed, size_t threads)
{
    struct load l = {.disk = crash_disk_new(seed), .threads = threads};
    uint64_t rng = seed;
    crash_disk_root(l.disk, "/data");
    crash_disk_root(l.disk, DIR);
    for (unsigned life = 0; life < 12 && l.mark < CUT_ROWS; life++) {
        load_open(&l);
        load_check(&l);
        if (rng % 3 == 0)
            crash_disk_fail_once(l.disk, n, rng % 2 ? ERR_FULL : ERR_IO);
        else
            crash_disk_stop_after(l.disk, n);
        size_t before = l.mark;
        enum err e = load_run(&l);
        assert_true(e == OK || l.mark < CUT_ROWS);
        sight_close(l.s);
        crash_disk_crash(l.disk, (enum crash_mode)(rng % 3));
        rng = hash_u64(rng + before);
        n = n + rng % 40;
    }
    crash_disk_fail_once(l.disk, 0, ERR_IO);
    load_open(&l);
    load_check(&l);
    assert_int_equal(load_run(&l), OK);
    l.mark = CUT_ROWS;
    load_check(&l);
    sight_close(l.s);
    crash_disk_free(l.disk);
}

static void
test_cut_off(void **state)
{
    (void)state;
    make_rows(CUT_ROWS, 3);
    for (uint64_t n = 1; n <= 160; n += kit_rounds(3, 1))
        for (uint64_t turn = 0; turn < kit_rounds(1, 4); turn++) {
            cut_off(n, n * 31 + turn, 0);
            cut_off(n, n * 37 + turn, 3);
        }
}

/* ---- runs that are done in another order ---- */

/* The machine's disk, but that the first segment waits to be synced. */
static struct gate {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool hit, open;
    enum err then;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};

static enum err
gated_sync(struct os_file *f, const char *site)
{
    enum err e = OK;
    pthread_mutex_lock(&gate.lock);
    if (!gate.hit && span_starts(span_cstr(site), SPAN("segment"))) {
        gate.hit = true;
        pthread_cond_broadcast(&gate.moved);
        while (!gate.open)
            pthread_cond_wait(&gate.moved, &gate.lock);
        e = gate.then;
    }
    pthread_mutex_unlock(&gate.lock);
    return e == OK ? os_fs_real()->ops->sync(f, site) : e;
}

static void
gate_open(enum err then)
{
    pthread_mutex_lock(&gate.lock);
    gate.open = true;
    gate.then = then;
    pthread_cond_broadcast(&gate.moved);
    pthread_mutex_unlock(&gate.lock);
}

static void
until_stored(struct sight *s, uint64_t rows)
{
    struct sight_health h;
    for (sight_health(s, &h); h.rows < rows; sight_health(s, &h))
        usleep(1000);
    assert_int_equal(h.rows, rows);
}

static uint64_t
settled_of(struct sight_bulk *b)
{
    uint64_t n = UINT64_MAX;
    assert_int_equal(sight_bulk_settled(b, &n), OK);
    return n;
}

/* Three runs: the second and the third are durable while the first is not. */
static void
test_out_of_order(void **state)
{
    (void)state;
    make_rows(3 * RUN, 1);
    for (int fails = 0; fails < 2; fails++) {
        char dir[OS_PATH];
        struct note note = {0};
        struct sight_opts o = opts();
        struct os_fs_ops ops = *os_fs_real()->ops;
        struct os_fs fs = {&ops, os_fs_real()->ctx};
        ops.sync = gated_sync;
        gate.hit = gate.open = false;
        kit_temp_dir(dir);
        o.fs = &fs;
        o.dir = dir;
        o.thread = true;
        o.threads = 3;
        struct sight *s = sight_kit_open(&o);
        struct sight_bulk *b;
        assert_int_equal(sight_bulk_begin(s, &b), OK);
        assert_int_equal(settled_of(b), 0);
        kit_ok(sight_bulk_add(b, row, RUN, NOW, &note), &note);
        pthread_mutex_lock(&gate.lock);
        while (!gate.hit)
            pthread_cond_wait(&gate.moved, &gate.lock);
        pthread_mutex_unlock(&gate.lock);
        kit_ok(sight_bulk_add(b, row + RUN, 2 * RUN, NOW, &note), &note);
        until_stored(s, 2 * RUN);
        assert_int_equal(settled_of(b), 0);
        gate_open(fails ? ERR_IO : OK);
        if (fails) {
            while (sight_bulk_add(b, row, 0, NOW, &note) == OK)
                usleep(1000);
            assert_int_equal(settled_of(b), 0);
            sight_bulk_drop(b);
        } else {
            until_stored(s, 3 * RUN);
            while (settled_of(b) < 3 * RUN)
                usleep(1000);
            assert_int_equal(settled_of(b), 3 * RUN);
            kit_ok(sight_bulk_commit(b, NULL, &note), &note);
        }
        sight_close(s);
        kit_remove_tree(dir);
    }
}

/* Rows that are not taken are settled with those before them. */
static void
test_not_taken(void **state)
{
    (void)state;
    struct crash_disk *d = crash_disk_new(1);
    struct note note = {0};
    struct sight_opts o = opts();
    struct sight_bulk *b;
    make_rows(2 * RUN, 1);
    struct sighting late[10], twice[2] = {row[3], row[4]};
    for (size_t i = 0; i < 10; i++) {
        late[i] = row[i];
        late[i].pass_ms = i % 2 ? NOW + HOUR_MS : NOW - 40 * DAY_MS;
    }
    crash_disk_root(d, "/data");
    o.fs = crash_disk_fs(d);
    struct sight *s = sight_kit_open(&o);
    assert_int_equal(sight_bulk_begin(s, &b), OK);
    kit_ok(sight_bulk_add(b, late, 10, NOW, &note), &note);
    assert_int_equal(settled_of(b), 10);
    kit_ok(sight_bulk_add(b, row, RUN - 1, NOW, &note), &note);
    kit_ok(sight_bulk_add(b, late, 5, NOW, &note), &note);
    kit_ok(sight_bulk_add(b, twice, 2, NOW, &note), &note);
    assert_int_equal(settled_of(b), 10);
    kit_ok(sight_bulk_add(b, row + RUN - 1, 1, NOW, &note), &note);
    assert_int_equal(settled_of(b), 10 + RUN + 5 + 2);
    kit_ok(sight_bulk_add(b, late, 3, NOW, &note), &note);
    assert_int_equal(settled_of(b), 10 + RUN + 5 + 2 + 3);
    kit_ok(sight_bulk_commit(b, NULL, &note), &note);
    sight_close(s);
    crash_disk_free(d);
}

/* ---- known rows ---- */

struct told {
    uint8_t said[ROWS];
    uint64_t last;
};

static void
told(void *arg, uint64_t number, struct span record_id)
{
    struct told *t = arg;
    assert_true(number < ROWS);
    assert_true(span_eq(record_id, row[number].record_id));
    t->said[number]++;
}

static struct sight_bulk_sum
load(
    struct sight *s, const struct sighting *rows, const uint64_t *numbers, size_t n,
    struct told *t)
{
    struct sight_bulk *b;
    struct sight_bulk_sum sum;
    struct note note = {0};
    memset(t, 0, sizeof *t);
    assert_int_equal(sight_bulk_begin(s, &b), OK);
    sight_bulk_tell(b, told, t);
    kit_ok(sight_bulk_add_numbered(b, rows, numbers, n, NOW, &note), &note);
    kit_ok(sight_bulk_commit(b, &sum, &note), &note);
    return sum;
}

/* What the rows meet: stored in the head, in runs as they were built, merged. */
enum meets { MEETS_HEAD, MEETS_RUNS, MEETS_MERGED, MEETS_ALL };

static struct sight *
stored(struct crash_disk *d, enum meets meets, size_t n, size_t threads)
{
    struct sight_opts o = opts();
    struct told t;
    uint64_t numbers[ROWS];
    crash_disk_root(d, "/data");
    o.fs = crash_disk_fs(d);
    o.thread = threads;
    o.threads = threads;
    o.bulk_rows = 500;
    struct sight *s = sight_kit_open(&o);
    sight_set_applied(s, UINT64_MAX);
    for (size_t i = 0; i < n; i++)
        numbers[i] = i;
    if (meets == MEETS_HEAD) /* sealed a few times on the way */
        sight_kit_send(s, row, n);
    else
        assert_int_equal(load(s, row, numbers, n, &t).stored, n);
    if (meets == MEETS_MERGED) {
        struct note note = {0};
        bool more = true;
        while (more)
            kit_ok(sight_maintain(s, NOW, true, &more, &note), &note);
    }
    return s;
}

/* Every row of `changed` comes with other content: a lane, or a plate read anew. */
static void
change(struct sighting *s, size_t i)
{
    if (i % 2)
        s->lane ^= 1;
    else
        s->plate.v = (i % 300 + 1) << 40 | 1;
}

static size_t
known_order(uint64_t mix, size_t i, size_t n)
{
    return mix ? (i * 1009 + mix) % n : i; /* n is no multiple of 1009 */
}

/* The first `have` rows are stored; all n come, `odd` of a hundred changed, in time
 * order or mixed. Then all are known, and each changed one contradicts. */
static void
known_case(enum meets meets, size_t have, size_t n, unsigned odd, uint64_t mix)
{
    static struct sighting sent[ROWS];
    static uint64_t numbers[ROWS];
    struct crash_disk *d = crash_disk_new(3);
    struct told t;
    size_t differ = 0;
    struct sight *s = stored(d, meets, have, mix % 2 ? 3 : 0);
    for (size_t k = 0; k < n; k++) {
        size_t i = known_order(mix, k, n);
        bool changed = i < have && hash_u64(i) % 100 < odd;
        sent[k] = row[i];
        numbers[k] = i;
        if (changed)
            change(&sent[k], i);
        differ += changed;
    }
    for (unsigned turn = 0; turn < 2; turn++) {
        struct sight_bulk_sum sum = load(s, sent, numbers, n, &t);
        size_t fresh = turn ? 0 : n - have;
        assert_int_equal(sum.stored, fresh);
        assert_int_equal(sum.conflicts, differ);
        assert_int_equal(sum.duplicates, n - fresh - differ);
        for (size_t i = 0; i < n; i++) {
            bool changed = i < have && hash_u64(i) % 100 < odd;
            assert_int_equal(t.said[i], changed);
        }
        uint8_t count[ROWS];
        count_stored(s, n, count);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(count[i], 1);
    }
    sight_close(s);
    crash_disk_free(d);
}

static void
test_known(void **state)
{
    (void)state;
    make_rows(ROWS, 9); /* over midnights; a day has several segments */
    for (enum meets m = MEETS_HEAD; m < MEETS_ALL; m++)
        for (uint64_t mix = 0; mix < 3; mix++) {
            known_case(m, ROWS, ROWS, 0, mix);     /* all */
            known_case(m, ROWS / 2, ROWS, 0, mix); /* half */
            known_case(m, ROWS, ROWS, 10, mix);    /* some with other content */
            known_case(m, 100, ROWS, 100, mix);    /* few, and all of these */
        }
}

/* A few late rows among years of others, and rows of days of which nothing is stored. */
static void
test_late(void **state)
{
    (void)state;
    static struct sighting sent[64];
    uint64_t numbers[64];
    struct crash_disk *d = crash_disk_new(5);
    struct told t;
    make_rows(ROWS, 20);
    struct sight *s = stored(d, MEETS_MERGED, ROWS, 0);
    for (size_t i = 0; i < 64; i++) {
        sent[i] = row[i * 40];
        numbers[i] = i * 40;
    }
    for (size_t i = 0; i < 16; i++) { /* new, at the place and moment of known ones */
        sent[i].record_id = row[i * 40 + 1].record_id;
        sent[i].device.v = 900;
    }
    for (size_t i = 16; i < 32; i++) { /* new, days before anything */
        sent[i].pass_ms -= 5 * DAY_MS + (ts_ms)i;
    }
    struct sight_bulk_sum sum = load(s, sent, numbers, 64, &t);
    assert_int_equal(sum.stored, 32);
    assert_int_equal(sum.duplicates, 32);
    assert_int_equal(sum.conflicts, 0);
    sum = load(s, sent, numbers, 64, &t);
    assert_int_equal(sum.stored, 0);
    assert_int_equal(sum.duplicates, 64);
    sight_close(s);
    crash_disk_free(d);
}

/* A thousand vehicles at one site in one millisecond, come again; a record that comes
 * from another site is another pass (docs/why/sightings.md, "What is not done"). */
static void
test_one_moment(void **state)
{
    (void)state;
    struct crash_disk *d = crash_disk_new(6);
    struct told t;
    uint64_t numbers[ROWS];
    make_rows(1000, 2);
    for (size_t i = 0; i < 1000; i++) {
        row[i].pass_ms = NOW - DAY_MS;
        row[i].site.v = 7;
        row[i].device.v = 57;
        numbers[i] = i;
    }
    struct sight *s = stored(d, MEETS_RUNS, 500, 0);
    row[0].site.v = 8;
    struct sight_bulk_sum sum = load(s, row, numbers, 1000, &t);
    assert_int_equal(sum.stored, 501);
    assert_int_equal(sum.duplicates, 499);
    sight_close(s);
    crash_disk_free(d);
}

/* A vehicle with thousands of rows: what lies between two that are wanted is stepped
 * over or searched for. */
static void
test_one_vehicle(void **state)
{
    (void)state;
    struct crash_disk *d = crash_disk_new(8);
    make_rows(ROWS, 9);
    for (size_t i = 0; i < ROWS; i++) {
        row[i].plate.v = UINT64_C(5) << 40;
        row[i].site.v = 4;
    }
    struct sight *s = stored(d, MEETS_MERGED, ROWS, 0);
    for (size_t gap = 1; gap < ROWS; gap = gap * 2 + 3) {
        struct sighting sent[ROWS];
        uint64_t numbers[ROWS];
        struct told t;
        size_t n = 0;
        for (size_t i = gap % 7; i < ROWS; i += gap) {
            numbers[n] = i;
            sent[n] = row[i];
            sent[n].lane ^= n % 2;
            n++;
        }
        struct sight_bulk_sum sum = load(s, sent, numbers, n, &t);
        assert_int_equal(sum.duplicates, (n + 1) / 2);
        assert_int_equal(sum.conflicts, n / 2);
    }
    sight_close(s);
    crash_disk_free(d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_off),     cmocka_unit_test(test_out_of_order),
        cmocka_unit_test(test_not_taken),   cmocka_unit_test(test_known),
        cmocka_unit_test(test_late),        cmocka_unit_test(test_one_moment),
        cmocka_unit_test(test_one_vehicle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
