/* SPDX-License-Identifier: Apache-2.0 */
/* The engine on a disk that forgets. A script of groups, seals, merges, bulk runs and
 * holds, and a purge behind it, are cut off at every kind of operation; after each
 * crash nothing that was acknowledged may be missing, nothing may be there twice, and
 * what rules have not seen yet must replay. Then every sync call site is made to do
 * nothing, one at a time, and the same scenarios must notice.
 *
 * TONGQU_LONG=1 runs 10,000 points and 50 kills instead of 280 and 5.
 */
#include "store/sight.h"

#include "core/hash.h"
#include "kit/crash_disk.h"
#include "kit/kit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW INT64_C(1772700000000)
#define ROWS 420u
#define GROUP 12u
#define DIR "/data/sight"

enum state { NEVER, SENT, ACKED };

struct world {
    struct crash_disk *disk; /* NULL: the real one under `dir` */
    const char *dir;
    struct sight *s;
    struct sighting row[ROWS];
    char id[ROWS][40], image[ROWS][80];
    uint8_t state[ROWS];
    uint64_t lsn[ROWS]; /* of the batch that was acknowledged; 0: bulk */
    uint64_t applied;   /* what the ledger has durably */
    bool held;          /* the hold was acknowledged */
    uint64_t rng;
    size_t step;
    unsigned wrong;
    bool say; /* print violations */
};

static uint64_t
rnd(struct world *w)
{
    w->rng += UINT64_C(0x9e3779b97f4a7c15);
    return hash_u64(w->rng);
}

static void
violation(struct world *w, const char *what, size_t row)
{
    w->wrong++;
    if (w->say)
        print_message("  step %zu: row %zu %s\n", w->step, row, what);
}

/* ---- rows ---- */

static void
world_rows(struct world *w)
{
    for (size_t i = 0; i < ROWS; i++) {
        struct sighting *s = &w->row[i];
        uint64_t h = hash_u64(i * 31 + 7);
        *s = (struct sighting){.plate_text = {"", 0}};
        s->plate.v = h % 20 ? (h % 37 + 1) << 40 : 0;
        s->pass_ms = NOW - (ts_ms)(h % (3 * (uint64_t)DAY_MS));
        s->arrive_ms = s->pass_ms;
        s->site.v = 1 + (uint32_t)(h / 7 % 9);
        s->device.v = s->site.v;
        s->direction = (uint8_t)(1 + h / 11 % 4);
        s->speed_dkmh = (uint16_t)(h / 13 % 900);
        s->brand = (code3)(h / 17 % 9);
        int n = snprintf(
            w->id[i], sizeof w->id[i], "99%02u%lld%03zu", s->site.v,
            (long long)s->pass_ms, i);
        s->record_id = span_of(w->id[i], (size_t)n);
        n = snprintf(w->image[i], sizeof w->image[i], "http://h/%s.jpg", w->id[i]);
        s->image = span_of(w->image[i], (size_t)n);
    }
}

static bool
has_picture(size_t row)
{
    return row % 9 == 4;
}

static struct span
picture_of(size_t row, char *dst, size_t cap)
{
    size_t n = cap < 700 + row ? cap : 700 + row;
    memset(dst, (int)(row * 7 + 1) & 255, n);
    return span_of(dst, n);
}

/* ---- lives ---- */

static enum err
life_open(struct world *w)
{
    struct sight_opts o = {
        .fs = w->disk ? crash_disk_fs(w->disk) : NULL,
        .dir = w->dir,
        .zone = {"Asia/Shanghai", 480},
        .keep_days = 30,
        .head_rows = 40,
        .bulk_rows = 30,
        .journal_file = 12288};
    struct note note = {0};
    enum err e = sight_open(&o, NOW, &w->s, &note);
    if (e == OK)
        sight_set_applied(w->s, w->applied);
    return e;
}

static void
life_end(struct world *w, enum crash_mode mode)
{
    sight_close(w->s);
    w->s = NULL;
    crash_disk_crash(w->disk, mode);
}

static size_t
row_of(const struct sighting *s)
{
    uint64_t n = 0;
    if (s->record_id.n < 3 ||
        !span_u64(span_skip(s->record_id, s->record_id.n - 3), &n) || n >= ROWS)
        return SIZE_MAX;
    return (size_t)n;
}

/* ---- what must hold ---- */

static void
check_row(struct world *w, const struct sighting *got, size_t i, struct arena *a)
{
    const struct sighting *want = &w->row[i];
    char bytes[2048];
    struct span picture;
    struct note note;
    if (!span_eq(got->record_id, want->record_id) || got->pass_ms != want->pass_ms ||
        got->plate.v != want->plate.v || got->site.v != want->site.v ||
        got->speed_dkmh != want->speed_dkmh || got->brand != want->brand ||
        got->direction != want->direction || got->device.v != want->device.v)
        violation(w, "came back changed", i);
    bool packed = span_starts(got->image, SPAN("pack:"));
    if (!packed && !span_eq(got->image, want->image))
        violation(w, "has another image", i);
    if (!packed)
        return;
    struct span sent = picture_of(i, bytes, sizeof bytes);
    if (sight_picture(w->s, got->image, a, &picture, &note) != OK ||
        !span_eq(picture, sent))
        violation(w, "lost its picture", i);
}

static void
check_rows(struct world *w)
{
    struct sight_snap *snap = sight_snapshot(w->s);
    struct arena a;
    struct sight_rows got = {0};
    uint8_t count[ROWS] = {0};
    arena_init(&a, 64u << 20);
    struct sight_ask ask = {.arena = &a};
    if (sight_window(snap, NULL, 0, NULL, &ask, &got) != OK)
        violation(w, "(the window failed)", 0);
    for (size_t k = 0; k < got.n; k++) {
        size_t i = row_of(&got.rows[k]);
        if (i == SIZE_MAX) {
            violation(w, "(a row nobody sent)", k);
            continue;
        }
        count[i]++;
        check_row(w, &got.rows[k], i, &a);
    }
    for (size_t i = 0; i < ROWS; i++) {
        if (count[i] > 1)
            violation(w, "is there twice", i);
        if (!count[i] && w->state[i] == ACKED)
            violation(w, "was acknowledged and is gone", i);
        if (count[i] && w->state[i] == NEVER)
            violation(w, "is there though never sent", i);
    }
    if (sight_snap_rows(snap) != got.n || sight_snap_missing(snap))
        violation(w, "(row counts disagree)", 0);
    arena_release(&a);
    sight_snap_free(snap);
}

static enum err
replayed(void *arg, struct sighting_batch *b)
{
    uint8_t *seen = arg;
    for (size_t i = 0; i < b->n; i++) {
        size_t row = row_of(&b->rows[i]);
        if (row != SIZE_MAX)
            seen[row] = 1;
    }
    return OK;
}

static void
check_replay(struct world *w)
{
    uint8_t seen[ROWS] = {0};
    struct note note;
    if (sight_replay(w->s, w->applied, replayed, seen, &note) != OK)
        violation(w, "(the journal does not replay)", 0);
    for (size_t i = 0; i < ROWS; i++)
        if (w->state[i] == ACKED && w->lsn[i] > w->applied && !seen[i])
            violation(w, "is lost to the rules", i);
}

static void
check_held(struct world *w)
{
    struct arena a;
    struct sighting *rows;
    size_t n = 0;
    struct note note;
    arena_init(&a, 1u << 20);
    if (w->held &&
        (sight_held(w->s, SPAN("M-1"), &a, &rows, &n, &note) != OK || n != 1))
        violation(w, "was held and is gone", 0);
    arena_release(&a);
}

static void
check_all(struct world *w)
{
    struct note note = {0};
    struct sight_health h;
    check_rows(w);
    check_replay(w);
    check_held(w);
    sight_health(w->s, &h);
    if (h.quarantined || h.quarantined_journal)
        violation(w, "(a crash is taken for damage)", 0);
    if (sight_verify(w->s, true, &note) != OK) {
        violation(w, "(verify found damage)", 0);
        if (w->say)
            print_message("  %s\n", note.en);
    }
}

/* ---- the script ---- */

static enum err
send(struct world *w, size_t from, size_t n)
{
    struct sighting_batch *b[2];
    char bytes[GROUP][2048];
    struct note note = {0};
    for (unsigned k = 0; k < 2; k++)
        b[k] = sighting_batch_new(GROUP, 1u << 18);
    for (size_t i = 0; i < n; i++) {
        struct sighting_batch *to = b[i % 2];
        *sighting_batch_add(to) = w->row[from + i];
        w->state[from + i] = w->state[from + i] == ACKED ? ACKED : SENT;
        if (has_picture(from + i))
            assert_true(sighting_batch_picture(
                to, (uint32_t)(to->n - 1), picture_of(from + i, bytes[i], 2048), 1));
    }
    enum err e = sight_append(w->s, b, 2, NOW, &note);
    for (size_t i = 0; i < n; i++) {
        struct sighting_batch *to = b[i % 2];
        uint8_t fate = to->fate[i / 2];
        if (e == OK && fate != FATE_STORED && fate != FATE_DUPLICATE)
            violation(w, "was not taken", from + i);
        if (e == OK && w->state[from + i] != ACKED) {
            w->state[from + i] = ACKED;
            w->lsn[from + i] = fate == FATE_STORED ? to->lsn : 0;
        }
    }
    for (unsigned k = 0; k < 2; k++)
        sighting_batch_free(b[k]);
    return e;
}

static enum err
bulk(struct world *w, size_t from, size_t n)
{
    struct sight_bulk *b;
    struct note note;
    enum err e = sight_bulk_begin(w->s, &b);
    if (e != OK)
        return e;
    for (size_t i = from; i < from + n; i++)
        w->state[i] = w->state[i] == ACKED ? ACKED : SENT;
    e = sight_bulk_add(b, w->row + from, n, NOW, &note);
    if (e != OK) {
        sight_bulk_drop(b);
        return e;
    }
    e = sight_bulk_commit(b, NULL, &note);
    for (size_t i = from; e == OK && i < from + n; i++) {
        w->state[i] = ACKED;
        w->lsn[i] = 0;
    }
    return e;
}

static enum err
maintain(struct world *w, bool force)
{
    bool more = true;
    enum err e = OK;
    struct note note;
    for (unsigned i = 0; i < 6 && more && e == OK; i++)
        e = sight_maintain(w->s, NOW, force, &more, &note);
    return e;
}

static enum err
hold(struct world *w)
{
    struct sighting_id id = sighting_id_of(&w->row[4]);
    struct note note;
    enum err e = sight_hold(w->s, SPAN("M-1"), &id, 1, &note);
    w->held = w->held || e == OK;
    return e;
}

#define STEPS 33u

static enum err
script_step(struct world *w, size_t k)
{
    enum err e;
    size_t from = k * GROUP;
    if (k == 14 || k == 24)
        return bulk(w, from, GROUP);
    e = send(w, from, GROUP);
    if (e == OK && k % 3 == 2)
        e = send(w, from - GROUP, GROUP); /* a retry */
    if (e == OK && k % 2)
        e = maintain(w, k % 10 == 9);
    if (e == OK && k == 11)
        e = hold(w);
    if (e == OK && k % 4 == 3) {
        w->applied = sight_lsn(w->s);
        sight_set_applied(w->s, w->applied);
    }
    return e;
}

/* Runs on from w->step until the end or an error. */
static enum err
script(struct world *w)
{
    enum err e = OK;
    while (w->step < STEPS && e == OK) {
        e = script_step(w, w->step);
        w->step += e == OK;
    }
    return e;
}

static struct world *
world_new(uint64_t seed, const char *ignore)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->disk = crash_disk_new(seed);
    w->dir = DIR;
    w->rng = seed;
    world_rows(w);
    crash_disk_root(w->disk, "/data");
    crash_disk_root(w->disk, DIR);
    crash_disk_ignore(w->disk, ignore);
    return w;
}

static unsigned
world_end(struct world *w)
{
    unsigned wrong = w->wrong;
    sight_close(w->s);
    crash_disk_free(w->disk);
    free(w);
    return wrong;
}

/* Opens after a crash, once more when the disk stops again meanwhile (opening may
 * succeed all the same when only the sweeping of leftovers was cut off). */
static void
life_begin(struct world *w, uint64_t stop)
{
    crash_disk_stop_after(w->disk, stop);
    enum err e = life_open(w);
    if (e == OK && !crash_disk_stopped(w->disk))
        return;
    if (!crash_disk_stopped(w->disk))
        violation(w, "(it does not open)", 0);
    life_end(w, (enum crash_mode)(rnd(w) % 3));
    if (life_open(w) != OK)
        violation(w, "(it does not open again)", 0);
}

/* ---- scenarios: each gives the number of violations ---- */

static enum crash_mode
any_mode(struct world *w)
{
    return (enum crash_mode)(rnd(w) % 3);
}

/* Cut off at operation n, go on, cut off again, finish, lose power. */
static unsigned
scenario_script(uint64_t n, uint64_t seed, const char *ignore, bool say)
{
    struct world *w = world_new(seed, ignore);
    w->say = say;
    life_begin(w, n);
    for (unsigned life = 0; life < 4 && w->s && !w->wrong; life++) {
        if (life)
            check_all(w);
        if (life == 3)
            crash_disk_stop_after(w->disk, 0);
        enum err e = script(w);
        if (e != OK && !crash_disk_stopped(w->disk))
            violation(w, "(the script failed on a good disk)", 0);
        life_end(w, life == 3 ? CRASH_LOSE : any_mode(w));
        life_begin(w, life < 2 ? 1 + rnd(w) % 250 : 0);
    }
    if (w->s)
        check_all(w);
    return world_end(w);
}

/* A process dies in the middle of a group whose bytes are only in the page cache; the
 * next one answers a retry with "duplicate"; then the power fails. */
static unsigned
scenario_settle(uint64_t n, uint64_t seed, const char *ignore, bool say)
{
    struct world *w = world_new(seed, ignore);
    w->say = say;
    life_begin(w, 0);
    if (w->s && send(w, 0, GROUP) == OK) {
        crash_disk_stop_after(w->disk, 1 + n % 8);
        (void)!send(w, GROUP, GROUP);
        life_end(w, CRASH_KEEP);
        life_begin(w, 0);
    }
    if (w->s && send(w, GROUP, GROUP) != OK)
        violation(w, "(a retry failed)", 0);
    life_end(w, CRASH_LOSE);
    life_begin(w, 0);
    if (w->s)
        check_all(w);
    return world_end(w);
}

/* A process dies between making a manifest visible and durable; the next one trims the
 * journal because of it; then the power fails. */
static unsigned
scenario_trim(uint64_t n, uint64_t seed, const char *ignore, bool say)
{
    struct world *w = world_new(seed, ignore);
    w->say = say;
    life_begin(w, 0);
    for (size_t k = 0; w->s && k < 10; k++)
        if (send(w, k * GROUP, GROUP) != OK)
            violation(w, "(not taken)", k);
    crash_disk_stop_after(w->disk, 1 + n % 120);
    (void)!maintain(w, true);
    life_end(w, CRASH_KEEP);
    life_begin(w, 0);
    if (w->s) {
        w->applied = sight_lsn(w->s);
        sight_set_applied(w->s, w->applied);
    }
    life_end(w, CRASH_RANDOM);
    life_begin(w, 0);
    if (w->s)
        check_all(w);
    return world_end(w);
}

static void
count_file(void *arg, const char *name)
{
    (void)name;
    ++*(size_t *)arg;
}

/* What was purged does not come back with the power. */
static unsigned
scenario_purge(uint64_t n, uint64_t seed, const char *ignore, bool say)
{
    struct world *w = world_new(seed, ignore);
    w->say = say;
    size_t files = 0;
    struct zone z = {"", 480};
    struct sight_receipt r = {0};
    struct note note = {0};
    (void)n;
    life_begin(w, 0);
    for (size_t k = 0; w->s && k < 10; k++)
        if (send(w, k * GROUP, GROUP) != OK)
            violation(w, "(not taken)", k);
    if (w->s && (maintain(w, true) != OK ||
                 sight_purge(w->s, civil_day(NOW, &z) + 1, &r, &note) != OK))
        violation(w, "(purge failed)", 0);
    if (r.rows != 10 * GROUP || !r.packs)
        violation(w, "(purge receipt)", (size_t)r.rows);
    life_end(w, CRASH_LOSE);
    if (os_list(crash_disk_fs(w->disk), DIR "/segments", count_file, &files) != OK ||
        os_list(crash_disk_fs(w->disk), DIR "/packs", count_file, &files) != OK ||
        files)
        violation(w, "(purged files are back)", files);
    return world_end(w);
}

/* A purge is cut off at its n-th operation: what is to be kept is all there, what is to
 * go goes for good when it is asked for again. */
static unsigned
scenario_retention(uint64_t n, uint64_t seed, const char *ignore, bool say)
{
    struct world *w = world_new(seed, ignore);
    struct zone z = {"", 480};
    struct sight_receipt r = {0};
    struct note note = {0};
    int64_t day = civil_day(NOW, &z) - (int64_t)(seed % 2);
    w->say = say;
    life_begin(w, 0);
    for (size_t k = 0; w->s && k < 16; k++)
        if (send(w, k * GROUP, GROUP) != OK)
            violation(w, "(not taken)", k);
    if (w->s && seed % 3 && maintain(w, true) != OK) /* else most is in heads */
        violation(w, "(merge failed)", 0);
    if (w->s && hold(w) != OK)
        violation(w, "(hold failed)", 0);
    if (w->s) /* rules have seen all: the journal does not bring purged rows back */
        sight_set_applied(w->s, w->applied = sight_lsn(w->s));
    for (size_t i = 0; i < 16 * GROUP; i++)
        if (civil_day(w->row[i].pass_ms, &z) < day)
            w->state[i] = SENT; /* may be there or not */
    crash_disk_stop_after(w->disk, 1 + n % 90);
    if (w->s)
        (void)!sight_purge(w->s, day, &r, &note);
    life_end(w, any_mode(w));
    life_begin(w, 0);
    if (w->s)
        check_rows(w);
    if (w->s && sight_purge(w->s, day, &r, &note) != OK)
        violation(w, "(purge failed)", 0);
    for (size_t i = 0; i < 16 * GROUP; i++)
        if (civil_day(w->row[i].pass_ms, &z) < day)
            w->state[i] = NEVER;
    life_end(w, CRASH_LOSE);
    life_begin(w, 0);
    if (w->s)
        check_all(w);
    return world_end(w);
}

/* The packs alone, cut off on the way: at no moment is a pack gone without the mark
 * that says so; and once done they stay gone. */
static unsigned
scenario_pictures(uint64_t n, uint64_t seed, const char *ignore, bool say)
{
    struct world *w = world_new(seed, ignore);
    w->say = say;
    size_t packs = 0;
    struct zone z = {"", 480};
    int64_t day = civil_day(NOW, &z) + 1;
    struct sight_receipt r = {0};
    struct note note = {0};
    life_begin(w, 0);
    for (size_t k = 0; w->s && k < 4; k++)
        if (send(w, k * GROUP, GROUP) != OK)
            violation(w, "(not taken)", k);
    if (w->s && maintain(w, true) != OK)
        violation(w, "(not sealed)", 0);
    crash_disk_stop_after(w->disk, 1 + n % 12);
    if (w->s)
        (void)!sight_purge_pictures(w->s, day, &r, NULL, &note);
    life_end(w, CRASH_RANDOM);
    life_begin(w, 0);
    if (w->s && sight_verify(w->s, true, &note) != OK)
        violation(w, "(half a purge is damage)", (size_t)n);
    if (w->s && sight_purge_pictures(w->s, day, &r, NULL, &note) != OK)
        violation(w, "(picture purge failed)", 0);
    life_end(w, CRASH_LOSE);
    if (os_list(crash_disk_fs(w->disk), DIR "/packs", count_file, &packs) != OK ||
        packs)
        violation(w, "(purged packs are back)", packs);
    life_begin(w, 0);
    if (w->s && sight_verify(w->s, true, &note) != OK)
        violation(w, "(purged packs are damage)", 0);
    return world_end(w);
}

typedef unsigned (*scenario)(uint64_t n, uint64_t seed, const char *ignore, bool say);
static const scenario scenarios[] = {scenario_script,    scenario_settle,
                                     scenario_trim,      scenario_purge,
                                     scenario_retention, scenario_pictures};

/* Operations of an undisturbed script. */
static uint64_t
script_ops(void)
{
    struct world *w = world_new(1, NULL);
    w->say = true;
    life_begin(w, 0);
    assert_int_equal(script(w), OK);
    check_all(w);
    uint64_t ops = crash_disk_ops(w->disk);
    assert_int_equal(world_end(w), 0);
    return ops;
}

/* ---- tests ---- */

static void
points(const char *what, scenario one, uint64_t n, uint64_t ops)
{
    for (uint64_t i = 0; i < n; i++) {
        uint64_t at = 1 + (n > ops ? i % ops : i * ops / n);
        unsigned wrong = one(at, i * 7919 + 1, NULL, true);
        if (wrong)
            print_message(
                "%s: point %llu, turn %llu\n", what, (unsigned long long)at,
                (unsigned long long)i);
        assert_int_equal(wrong, 0);
    }
    print_message("%llu points: %s\n", (unsigned long long)n, what);
}

static void
test_points(void **state)
{
    (void)state;
    points(
        "ingest, seals, merges, bulk", scenario_script, kit_rounds(200, 7000),
        script_ops());
    points("compaction, then a trim", scenario_trim, kit_rounds(40, 1500), 120);
    points("retention and purge", scenario_retention, kit_rounds(40, 1500), 90);
}

static void
test_directed(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 120; i++)
        for (size_t k = 1; k < sizeof scenarios / sizeof *scenarios; k++)
            assert_int_equal(scenarios[k](i, i + 3, NULL, true), 0);
}

/* Without any one of its syncs the engine loses something, and these tests see it. */
static void
test_every_sync_counts(void **state)
{
    (void)state;
    struct world *w = world_new(1, NULL);
    char site[64][48];
    size_t n = 0;
    struct note note;
    struct sight_receipt r = {0};
    life_begin(w, 0);
    assert_int_equal(script(w), OK);
    life_end(w, CRASH_KEEP);
    life_begin(w, 0);
    assert_int_equal(
        sight_purge(w->s, civil_day(NOW, &(struct zone){"", 480}) + 1, &r, &note), OK);
    for (const char *s; (s = crash_disk_site(w->disk, n)); n++)
        snprintf(site[n], sizeof site[n], "%s", s);
    (void)world_end(w);
    for (size_t i = 0; i < n; i++) {
        unsigned wrong = 0;
        uint64_t turn = 0;
        for (; turn < 400 && !wrong; turn++)
            for (size_t k = 0; k < sizeof scenarios / sizeof *scenarios && !wrong; k++)
                wrong = scenarios[k](1 + turn * 13 % 700, turn + 17, site[i], false);
        print_message(
            "without %-20s: %s after %llu tries\n", site[i],
            wrong ? "noticed" : "NOT noticed", (unsigned long long)turn);
        assert_true(wrong > 0);
    }
}

/* Any single operation fails once: the group is refused or stored, never half, and goes
 * through when sent again. */
static void
test_single_failures(void **state)
{
    (void)state;
    uint64_t ops = script_ops();
    for (uint64_t n = 1; n < ops; n += kit_rounds(5, 1)) {
        struct world *w = world_new(n, NULL);
        w->say = true;
        life_begin(w, 0);
        crash_disk_fail_once(w->disk, n, n % 2 ? ERR_FULL : ERR_IO);
        for (unsigned tries = 0; tries < 4 && w->step < STEPS; tries++)
            if (script(w) == OK)
                break;
        if (w->step < STEPS)
            violation(w, "(did not recover)", (size_t)n);
        check_all(w);
        life_end(w, CRASH_LOSE);
        life_begin(w, 0);
        check_all(w);
        assert_int_equal(world_end(w), 0);
    }
}

/* ---- a real process, killed ---- */

struct child_note {
    uint32_t step; /* steps acknowledged */
    uint64_t applied;
};

static void
child(const char *dir, int fd, size_t step, uint64_t applied)
{
    struct world *w = calloc(1, sizeof *w);
    w->dir = dir;
    w->step = step;
    w->applied = applied;
    world_rows(w);
    if (life_open(w) != OK)
        _exit(3);
    while (w->step < STEPS) {
        if (script_step(w, w->step) != OK)
            _exit(4);
        w->step++;
        struct child_note n = {(uint32_t)w->step, w->applied};
        if (write(fd, &n, sizeof n) != sizeof n)
            _exit(5);
    }
    _exit(0);
}

static void
mark_acked(struct world *w)
{
    for (size_t i = 0; i < ROWS; i++)
        w->state[i] = i < w->step * GROUP         ? ACKED
                      : i < (w->step + 1) * GROUP ? SENT
                                                  : NEVER;
    w->held = w->step > 11;
}

static void
test_kill(void **state)
{
    (void)state;
    unsigned kills = kit_rounds(5, 50), died = 0;
    for (unsigned turn = 0; turn < kills; turn++) {
        char dir[OS_PATH];
        kit_temp_dir(dir);
        struct world *w = calloc(1, sizeof *w);
        w->dir = dir;
        w->say = true;
        world_rows(w);
        for (unsigned life = 0; life < 6 && w->step < STEPS; life++) {
            int pipes[2], status;
            assert_int_equal(pipe(pipes), 0);
            pid_t pid = fork();
            assert_true(pid >= 0);
            if (!pid) {
                close(pipes[0]);
                child(dir, pipes[1], w->step, w->applied);
            }
            close(pipes[1]);
            usleep(2000 + (unsigned)(hash_u64(turn * 8 + life) % 25000));
            if (life < 5)
                kill(pid, SIGKILL);
            struct child_note n;
            while (read(pipes[0], &n, sizeof n) == sizeof n) {
                w->step = n.step;
                w->applied = n.applied;
            }
            close(pipes[0]);
            assert_int_equal(waitpid(pid, &status, 0), pid);
            died += WIFSIGNALED(status);
            assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
            mark_acked(w);
            /* the child may have got further than it could say */
            for (size_t i = w->step * GROUP; i < (w->step + 2) * GROUP && i < ROWS; i++)
                w->state[i] = SENT;
            assert_int_equal(life_open(w), OK);
            check_rows(w);
            check_held(w);
            sight_close(w->s);
            w->s = NULL;
            assert_int_equal(w->wrong, 0);
        }
        free(w);
        kit_remove_tree(dir);
    }
    print_message("%u of %u runs were killed\n", died, kills);
    assert_true(died > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points),
        cmocka_unit_test(test_directed),
        cmocka_unit_test(test_every_sync_counts),
        cmocka_unit_test(test_single_failures),
        cmocka_unit_test(test_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
