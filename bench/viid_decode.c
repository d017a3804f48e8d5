/* SPDX-License-Identifier: Apache-2.0 */
/* viid_decode.c - what the GA/T 1400 feed costs a pass: bytes to batch, and the answer.
 *
 *   ./dev bench viid_decode [--rows N] [--json FILE]
 *
 * Lists of 100 MotorVehicle objects as a camera platform sends them (about 30 members
 * each, made here, no two alike), decoded over and over; CPU time of the one thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "feeds/feed.h"

#define LIST 100
#define BODIES 64

extern const struct feed feed_viid;

static double
cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static bool
any_site(void *ctx, struct span code, struct feed_site *out)
{
    (void)ctx, (void)code;
    *out = (struct feed_site){{1}, NULL};
    return true;
}

static void
put_vehicle(struct buf *b, unsigned i)
{
    static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ";
    unsigned site = i * 7 % 800;
    buf_fmt(
        b,
        "{\"MotorVehicleID\":\"1401000000119%07u02202603020%05u%010u\",\"InfoKind\":1,"
        "\"SourceID\":\"1401000000119%07u0220260302080000%05u\",\"TollgateID\":"
        "\"14010000001210%06u\","
        "\"DeviceID\":\"1401000000119%07u\",\"StorageUrl1\":\"http://10.14.1.%u:8088/"
        "kk/20260302/08/"
        "%020u.jpg\",\"LeftTopX\":412,\"LeftTopY\":300,\"RightBtmX\":1210,"
        "\"RightBtmY\":980,",
        site, i % 100000, i, site, i % 100000, site, site, site % 250, i);
    buf_fmt(
        b,
        "\"MarkTime\":\"20260302080%u%02u\",\"AppearTime\":\"20260302080%u%02u\","
        "\"LaneNo\":%u,"
        "\"HasPlate\":true,\"PlateClass\":\"02\",\"PlateColor\":\"5\",\"PlateNo\":\"晋%"
        "c%c%04u\","
        "\"IsDecked\":false,\"IsAltered\":false,\"IsCovered\":false,\"Speed\":%u,"
        "\"Direction\":\"%u\","
        "\"DrivingStatusCode\":\"01\",\"VehicleClass\":\"K33\",\"VehicleBrand\":\"%u\","
        "\"VehicleColor\":\"%u\",\"PassTime\":\"20260302080%u%02u\","
        "\"PlateReliability\":\"%u\"}",
        i / 60 % 10, i % 60, i / 60 % 10, i % 60, 1 + i % 4, letters[i % 24],
        letters[i / 7 % 24], i % 10000, 30 + i % 60, 1 + i % 8, i % 200, 1 + i % 11,
        i / 60 % 10, i % 60, 80 + i % 20);
}

static struct buf
make_body(unsigned from)
{
    struct buf b = {0};
    buf_text(&b, "{\"MotorVehicleListObject\":{\"MotorVehicleObject\":[");
    for (unsigned i = 0; i < LIST; i++) {
        if (i)
            buf_u8(&b, ',');
        put_vehicle(&b, from + i);
    }
    buf_text(&b, "]}}");
    memset(buf_room(&b, DOM_PAD), 0, DOM_PAD);
    return b;
}

static void
write_json(const char *path, double decode, double answer)
{
    FILE *f = fopen(path, "w");
    if (!f) {
        perror(path);
        return;
    }
    fprintf(
        f,
        "[{\"name\":\"viid decode\",\"value\":%.3f,\"unit\":\"us/pass\",\"bar\":1.2,"
        "\"better\":\"lower\"},{\"name\":\"viid "
        "answer\",\"value\":%.3f,\"unit\":\"us/pass\","
        "\"bar\":0.5,\"better\":\"lower\"}]\n",
        decode, answer);
    fclose(f);
}

int
main(int argc, char **argv)
{
    unsigned long rows = 2000000;
    const char *json = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--rows") == 0)
            rows = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--json") == 0)
            json = argv[i + 1];
    }
    static const struct zone shanghai = {"Asia/Shanghai", 480};
    struct feed_needs needs = {.site = any_site};
    struct feeds *feeds = feeds_new(&needs);
    struct buf bodies[BODIES], reply = {0};
    struct arena arena;
    size_t bytes = 0;
    arena_init(&arena, 64u << 20);
    for (unsigned i = 0; i < BODIES; i++) {
        bodies[i] = make_body(i * LIST);
        bytes += bodies[i].n;
    }
    double decode = 0, answer = 0;
    unsigned long done = 0;
    for (unsigned long k = 0; done < rows; k++) {
        struct feed_in in = {
            .method = FEED_POST,
            .path = SPAN("/VIID/MotorVehicles"),
            .body = span_of(bodies[k % BODIES].p, bodies[k % BODIES].n),
            .device = {1},
            .now_ms = 1772380800000,
            .zone = &shanghai,
        };
        struct feed_about about = {.now_ms = in.now_ms, .zone = &shanghai};
        struct feed_out out;
        struct feed_reply head;
        double a = cpu_us();
        feed_out_init(&out, &arena);
        if (feed_decode(feeds, &feed_viid, &in, &out) != OK || out.batch->n != LIST) {
            fprintf(stderr, "a list was not read whole\n");
            return 1;
        }
        double b = cpu_us();
        buf_clear(&reply);
        feed_viid.reply(&in, &out, &about, &reply, &head);
        double c = cpu_us();
        feed_out_release(&out);
        arena_reset(&arena);
        decode += b - a;
        answer += c - b;
        done += LIST;
    }
    decode /= (double)done;
    answer /= (double)done;
    printf(
        "%-28s %10.3f us/pass  (bar 1.2; %zu bytes a pass)\n%-28s %10.3f us/pass\n",
        "viid decode into the batch", decode, bytes / BODIES / LIST, "viid answer",
        answer);
    if (json)
        write_json(json, decode, answer);
    for (unsigned i = 0; i < BODIES; i++)
        buf_release(&bodies[i]);
    buf_release(&reply);
    arena_release(&arena);
    feeds_free(feeds);
    return 0;
}
