/* SPDX-License-Identifier: Apache-2.0 */
/* A data directory through its doors: alone, and beside a daemon in this process. What
 * is imported is taken once, rejected with line and reason, walked by the rules whoever
 * writes it and whenever the import is cut off; a stop with work waiting loses nothing.
 */
#include "kit/kit.h"

#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/os_clock.h"
#include "core/os_file.h"
#include "daemon/ctl.h"
#include "daemon/daemon.h"
#include "daemon/door.h"

struct rig {
    char dir[OS_PATH], data[OS_PATH];
    struct daemon *d;
    char *said; /* what the last command printed */
    enum err e;
    struct note note;
};

static int
setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    struct zone zone;
    kit_temp_dir(r->dir);
    kit_ok(os_join(r->data, sizeof r->data, r->dir, "data"), NULL);
    kit_ok(zone_parse(SPAN("Asia/Shanghai"), &zone, &r->note), &r->note);
    kit_ok(base_init(r->data, &zone, os_now_ms(), &r->note), &r->note);
    kit_ok(base_finish(r->data, &r->note), &r->note);
    *state = r;
    return 0;
}

static int
teardown(void **state)
{
    struct rig *r = *state;
    daemon_close(&r->d);
    kit_remove_tree(r->dir);
    free(r->said);
    free(r);
    return 0;
}

static void
start(struct rig *r)
{
    struct daemon_opts opts = {.dir = r->data, .listen = "127.0.0.1:0"};
    kit_ok(daemon_open(&opts, &r->d, &r->note), &r->note);
}

/* Runs an operation; what it printed lies in r->said. Takes args. */
static enum err
run(struct rig *r, const char *op, json_t *args, int in)
{
    size_t n = 0;
    FILE *out = tmpfile();
    assert_non_null(out);
    r->note = (struct note){0};
    r->e = door_run(r->data, op, args, in, out, &r->note);
    json_decref(args);
    free(r->said);
    r->said = calloc(1, 1 << 20);
    rewind(out);
    n = fread(r->said, 1, (1 << 20) - 1, out);
    r->said[n] = 0;
    fclose(out);
    return r->e;
}

static int
file_with(struct rig *r, const char *name, const char *text, size_t n)
{
    char path[OS_PATH];
    kit_ok(os_join(path, sizeof path, r->dir, name), NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, n), (ssize_t)n);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* The two persons of a watch. */
static void
accounts(struct rig *r)
{
    static const char *const logins[] = {"zhang", "li"};
    for (int i = 0; i < 2; i++) {
        enum err e =
            run(r, "user_add",
                json_pack(
                    "{s:s, s:s, s:s}", "login", logins[i], "role",
                    i ? "supervisor" : "duty", "password", "first-Password-1"),
                -1);
        assert_true(e == OK || e == ERR_CONFLICT);
    }
}

static enum err
import(struct rig *r, const char *what, const char *text, const char *flag)
{
    if (strcmp(what, "watches") == 0)
        accounts(r);
    json_t *args =
        json_pack("{s:s, s:s, s:s}", "what", what, "author", "zhang", "approver", "li");
    if (flag)
        json_object_set_new(args, flag, json_true());
    int fd = file_with(r, what, text, strlen(text));
    enum err e = run(r, "import", args, fd);
    close(fd);
    return e;
}

static json_int_t
status(struct rig *r, const char *key)
{
    kit_ok(run(r, "status", json_object(), -1), &r->note);
    json_t *all = json_loads(r->said, 0, NULL);
    assert_non_null(all);
    json_int_t v = json_integer_value(json_object_get(all, key));
    json_decref(all);
    return v;
}

static size_t
alarms(struct rig *r)
{
    kit_ok(
        run(r, "query",
            json_pack(
                "{s:s, s:s, s:s}", "what", "alarms", "kind", "watch", "format", "json"),
            -1),
        &r->note);
    json_t *list = json_loads(r->said, 0, NULL);
    assert_true(json_is_array(list));
    size_t n = json_array_size(list);
    json_decref(list);
    return n;
}

static void
wait_for_alarms(struct rig *r, size_t n)
{
    for (int i = 0; i < 300 && alarms(r) < n; i++)
        usleep(50000);
    assert_int_equal(alarms(r), n);
}

/* One watch, and passes of which `hits` are of the watched plate, a minute apart. */
static void
watch(struct rig *r)
{
    char text[256];
    long long now = os_now_ms();
    snprintf(
        text, sizeof text,
        "watch,plate,reason,level,from_ms,to_ms,list\nW1,\xE6\x99\x8B"
        "A12345,test list,1,%lld,%lld,test\n",
        now - 5 * DAY_MS, now + DAY_MS);
    kit_ok(import(r, "watches", text, NULL), &r->note);
}

static char *
passes(int hits, int others, long long from)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    fprintf(
        f, "plate,plate_color,vehicle_class,vehicle_color,brand,site,lane,direction,"
           "time_ms,speed_kmh,confidence,record_id,image\n");
    for (int i = 0; i < hits + others; i++)
        fprintf(
            f, "\xE6\x99\x8B%s%05d,5,K33,1,,s%d,1,1,%lld,40,99,r%d,\n",
            i < hits ? "A" : "B", i < hits ? 12345 : i, i < hits ? i : i % 7,
            from + (i < hits ? i * 60000LL : i), i);
    fclose(f);
    return text;
}

/* ---- alone ---- */

static void
rejects_say_line_and_reason(void **state)
{
    struct rig *r = *state;
    static const char text[] = "site,name,lon,lat,lanes\n"
                               "s1,North gate,112.5,37.8,2\n"
                               "s2,Off the earth,812.5,37.8,2\n"
                               "s3,=1+1,112.6,37.9,700\n"
                               "s4,South gate,112.5,37.7,3\n";
    kit_ok(import(r, "sites", text, NULL), &r->note);
    assert_non_null(strstr(r->said, "2 rows taken"));
    assert_non_null(strstr(r->said, "2 rejected"));
    assert_int_equal(status(r, "sites"), 2);
    kit_ok(import(r, "sites", text, NULL), &r->note);
    char *path = strstr(r->said, "rejects: "), *rejects = NULL;
    size_t n;
    assert_non_null(path);
    path += strlen("rejects: ");
    path[strcspn(path, "\n")] = 0;
    kit_ok(os_read_file(os_fs_real(), path, 1 << 16, &rejects, &n, &r->note), &r->note);
    assert_non_null(memmem(rejects, n, "\n3,lon,\"812.5\",\"decimal degrees\"", 31));
    assert_non_null(memmem(rejects, n, "\n4,lanes,\"700\"", 14));
    free(rejects);
    assert_int_equal(status(r, "sites"), 2); /* the second time changed nothing */
}

static void
formulas_in_rejects_are_text(void **state)
{
    struct rig *r = *state;
    kit_ok(import(r, "sites", "site,lon,lat\ns1,=cmd(),30\n", NULL), &r->note);
    char *path = strstr(r->said, "rejects: "), *rejects = NULL;
    size_t n;
    assert_non_null(path);
    path += strlen("rejects: ");
    path[strcspn(path, "\n")] = 0;
    kit_ok(os_read_file(os_fs_real(), path, 1 << 16, &rejects, &n, &r->note), &r->note);
    assert_non_null(memmem(rejects, n, "\"'=cmd()\"", 9));
    free(rejects);
}

static void
gb18030_is_read(void **state)
{
    struct rig *r = *state;
    /* plate JIN-A12345, owner in GB18030 */
    static const char text[] = "plate,plate_color,owner_unit\n"
                               "\xBD\xFA"
                               "A12345,5,\xC9\xCC\xC3\xB3\xB9\xAB\xCB\xBE\n";
    kit_ok(import(r, "registry", text, NULL), &r->note);
    assert_non_null(strstr(r->said, "1 rows taken"));
    assert_non_null(strstr(r->said, "0 rejected"));
    assert_int_equal(status(r, "vehicles"), 1);
    kit_ok(import(r, "registry", text, NULL), &r->note);
    assert_int_equal(status(r, "vehicles"), 1);
}

static void
bad_registry_fields_are_refused(void **state)
{
    struct rig *r = *state;
    kit_ok(
        import(
            r, "registry",
            "plate,use_nature,status\n\xE6\x99\x8B"
            "A12345,\xE8\x90\xA5\xE8\xBF\x90,\n\xE6\x99\x8B"
            "A12346,A,q\n\xE6\x99\x8B"
            "A12347,A,Q\n",
            NULL),
        &r->note);
    assert_non_null(strstr(r->said, "1 rows taken"));
    assert_non_null(strstr(r->said, "2 rejected"));
    assert_int_equal(status(r, "vehicles"), 1);
}

static void
watches_need_two_persons(void **state)
{
    struct rig *r = *state;
    int fd = file_with(r, "w", "plate,to_ms\n", 12);
    assert_int_equal(
        run(r, "import",
            json_pack(
                "{s:s, s:s, s:s}", "what", "watches", "author", "zhang", "approver",
                "zhang"),
            fd),
        ERR_USAGE);
    close(fd);
    assert_string_equal(r->note.field, "approver");
}

static void
watches_name_accounts_that_are_there(void **state)
{
    struct rig *r = *state;
    accounts(r);
    for (int i = 0; i < 2; i++) {
        int fd = file_with(r, "w", "plate,to_ms\n", 12);
        assert_int_equal(
            run(r, "import",
                json_pack(
                    "{s:s, s:s, s:s}", "what", "watches", "author",
                    i ? "nobody" : "zhang", "approver", i ? "li" : "nobody"),
                fd),
            ERR_INPUT);
        close(fd);
        assert_string_equal(r->note.field, i ? "author" : "approver");
        assert_non_null(strstr(r->note.en, "tongqu user list"));
    }
}

static void
unknown_kinds_are_refused(void **state)
{
    struct rig *r = *state;
    assert_int_equal(import(r, "weather", "a,b\n", NULL), ERR_USAGE);
    assert_string_equal(r->note.field, "what");
}

static void
the_same_file_again_changes_nothing(void **state)
{
    struct rig *r = *state;
    char *text = passes(1, 500, os_now_ms() - 3600000);
    watch(r);
    kit_ok(import(r, "sightings", text, NULL), &r->note);
    assert_non_null(strstr(r->said, "501 rows taken"));
    assert_int_equal(alarms(r), 1);
    assert_int_equal(status(r, "rows"), 501);
    kit_ok(import(r, "sightings", text, NULL), &r->note);
    kit_ok(import(r, "sightings", text, "again"), &r->note);
    assert_non_null(strstr(r->said, "0 rows taken"));
    assert_int_equal(status(r, "rows"), 501);
    assert_int_equal(alarms(r), 1);
    free(text);
}

/* An import that ended after its rows and before its rules: the rules come with the
 * next one, though there is no row left to read. */
static void
a_cut_import_is_walked_by_the_rules_later(void **state)
{
    struct rig *r = *state;
    char *text = passes(2, 300, os_now_ms() - 3600000);
    watch(r);
    int fd = file_with(r, "sightings", text, strlen(text));
    json_t *args = json_pack("{s:s, s:b}", "what", "sightings", "no_rules", 1);
    kit_ok(run(r, "import", args, fd), &r->note);
    assert_non_null(strstr(r->said, "302 rows taken"));
    assert_int_equal(alarms(r), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    kit_ok(run(r, "import", json_pack("{s:s}", "what", "sightings"), fd), &r->note);
    assert_non_null(strstr(r->said, "0 rows taken"));
    assert_non_null(strstr(r->said, "302 passes"));
    size_t found = alarms(r);
    assert_true(found >= 1);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    kit_ok(run(r, "import", json_pack("{s:s}", "what", "sightings"), fd), &r->note);
    assert_null(strstr(r->said, "passes of")); /* walked once */
    close(fd);
    free(text);
}

/* ---- beside a daemon ---- */

static void
nobody_is_there(void **state)
{
    struct rig *r = *state;
    enum err e = OK;
    json_t *args = json_object();
    assert_false(ctl_ask(r->data, "status", args, -1, stdout, &e, &r->note));
    json_decref(args);
}

static void
the_daemon_answers_for_its_directory(void **state)
{
    struct rig *r = *state;
    start(r);
    assert_int_equal(status(r, "sites"), 0);
    kit_ok(import(r, "sites", "site,lon,lat\ns1,112.5,37.8\n", NULL), &r->note);
    assert_int_equal(status(r, "sites"), 1);
    assert_int_equal(
        run(r, "query",
            json_pack(
                "{s:s, s:s, s:I, s:I}", "what", "trajectory", "plate",
                "\xE6\x99\x8B"
                "A12345",
                "from", (json_int_t)1, "to", (json_int_t)2),
            -1),
        ERR_DENIED); /* without a matter; the sentence came through the socket */
    assert_true(r->note.zh[0] && r->note.en[0]);
    assert_int_equal(r->said[0], 0);
}

static void
passes_imported_beside_it_reach_the_rules(void **state)
{
    struct rig *r = *state;
    start(r);
    watch(r);
    char *text = passes(1, 9000, os_now_ms() - 60000);
    kit_ok(import(r, "sightings", text, NULL), &r->note);
    assert_non_null(strstr(r->said, "9001 rows taken"));
    wait_for_alarms(r, 1);
    kit_ok(import(r, "sightings", text, NULL), &r->note);
    assert_non_null(strstr(r->said, "0 rows taken, 9001 known"));
    assert_int_equal(alarms(r), 1);
    free(text);
}

static void
a_stop_with_work_waiting_loses_nothing(void **state)
{
    struct rig *r = *state;
    start(r);
    watch(r);
    char *text = passes(3, 30000, os_now_ms() - 300000);
    kit_ok(import(r, "sightings", text, NULL), &r->note);
    daemon_close(&r->d); /* at once: the rules are still behind */
    assert_int_equal(status(r, "rows"), 30003);
    start(r);
    for (int i = 0; i < 300 && alarms(r) == 0; i++)
        usleep(50000);
    size_t first = alarms(r);
    assert_true(first >= 1);
    daemon_close(&r->d);
    /* The same passes in one go, elsewhere, give the same alarms. */
    struct rig other = {0};
    struct zone zone;
    kit_temp_dir(other.dir);
    kit_ok(os_join(other.data, sizeof other.data, other.dir, "data"), NULL);
    kit_ok(zone_parse(SPAN("Asia/Shanghai"), &zone, &r->note), &r->note);
    kit_ok(base_init(other.data, &zone, os_now_ms(), &r->note), &r->note);
    kit_ok(base_finish(other.data, &r->note), &r->note);
    watch(&other);
    kit_ok(import(&other, "sightings", text, NULL), &other.note);
    assert_int_equal(first, alarms(&other));
    kit_remove_tree(other.dir);
    free(other.said);
    free(text);
}

/* Days old: the rules walk it by themselves, before the command ends;
 * what passed within the horizon is the running rules' as ever. */
static void
history_imported_beside_it_is_walked(void **state)
{
    struct rig *r = *state;
    start(r);
    watch(r);
    char *text = passes(2, 9000, os_now_ms() - 3 * DAY_MS);
    kit_ok(import(r, "sightings", text, "no_rules"), &r->note);
    assert_non_null(strstr(r->said, "9002 rows taken"));
    assert_null(strstr(r->said, "rules:"));
    assert_int_equal(alarms(r), 0);
    kit_ok(import(r, "sightings", text, NULL), &r->note);
    assert_non_null(strstr(r->said, "0 rows taken, 9002 known"));
    assert_non_null(strstr(r->said, "rules: 9002 passes of"));
    size_t old = alarms(r);
    assert_true(old >= 1);
    free(text);
    text = passes(1, 10, os_now_ms() - 60000);
    kit_ok(import(r, "sightings", text, NULL), &r->note);
    assert_null(strstr(r->said, "rules:"));
    wait_for_alarms(r, old + 1);
    free(text);
    /* The model of the old days is not what today is judged by after a restart. */
    daemon_close(&r->d);
    start(r);
    assert_int_equal(alarms(r), old + 1);
}

struct stalled {
    struct rig *r;
    int in;
    enum err e;
};

static void *
import_from_pipe(void *arg)
{
    struct stalled *s = arg;
    struct note note = {0};
    json_t *args = json_pack("{s:s}", "what", "sites");
    FILE *out = tmpfile();
    do /* the other import may have come first */
        s->e = door_run(s->r->data, "import", args, s->in, out, &note);
    while (s->e == ERR_BUSY);
    fclose(out);
    json_decref(args);
    return NULL;
}

static void
a_sender_that_says_nothing_does_not_hold_the_stop(void **state)
{
    struct rig *r = *state;
    int ends[2];
    pthread_t thread;
    start(r);
    assert_int_equal(pipe(ends), 0);
    struct stalled s = {r, ends[0], OK};
    assert_int_equal(pthread_create(&thread, NULL, import_from_pipe, &s), 0);
    /* Others are served meanwhile, but for a second import once the first has begun. */
    for (int i = 0; i < 200 && r->e != ERR_BUSY; i++) {
        usleep(20000);
        (void)!import(r, "sites", "site\nx\n", NULL);
    }
    assert_int_equal(r->e, ERR_BUSY);
    assert_int_equal(status(r, "rows"), 0);
    dur_us began = os_mono_us();
    daemon_close(&r->d);
    assert_true(os_mono_us() - began < 5000000);
    pthread_join(thread, NULL);
    assert_int_equal(s.e, ERR_STOPPING);
    close(ends[0]);
    close(ends[1]);
}

int
main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        ROW(rejects_say_line_and_reason),
        ROW(formulas_in_rejects_are_text),
        ROW(gb18030_is_read),
        ROW(bad_registry_fields_are_refused),
        ROW(watches_need_two_persons),
        ROW(watches_name_accounts_that_are_there),
        ROW(unknown_kinds_are_refused),
        ROW(the_same_file_again_changes_nothing),
        ROW(a_cut_import_is_walked_by_the_rules_later),
        ROW(nobody_is_there),
        ROW(the_daemon_answers_for_its_directory),
        ROW(passes_imported_beside_it_reach_the_rules),
        ROW(history_imported_beside_it_is_walked),
        ROW(a_stop_with_work_waiting_loses_nothing),
        ROW(a_sender_that_says_nothing_does_not_hold_the_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
