/* SPDX-License-Identifier: Apache-2.0 */
/* The made-up city: sites on a grid of 600 m, residents who drive to work and back on
 * their usual way, taxis all day, vehicles that pass through once. A day is made in
 * vehicle order and sorted by time, as cameras would send it. */
#include "rows.h"

#include "core/hash.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define GRID 28
#define STEP_M 600.0
#define SAMPLE_ROWS 60000000u /* of a year: its first weeks name plates enough */

struct brief {
    uint32_t ms; /* of the day */
    uint32_t vehicle;
    uint16_t site;
    uint8_t direction;
};

struct row_text {
    char id[32], image[96];
};

struct feed {
    const struct city *city;
    struct sighting *rows; /* PIECE of them */
    struct row_text *texts;
    uint64_t given;
    /* made up */
    struct brief *day, *spare;
    size_t day_n, day_at, day_room;
    unsigned day_no;
    uint16_t counter[(SITES + 1) * 4];
    /* from a file */
    const char *csv;
    size_t csv_n;
    const char *at;
};

void
city_init(struct city *c, const char *sites_file)
{
    char line[256];
    FILE *f = sites_file ? fopen(sites_file, "r") : NULL;
    for (unsigned i = 1; i <= SITES; i++) {
        c->x[i] = ((i - 1) % GRID) * STEP_M;
        c->y[i] = ((i - 1) / GRID) * STEP_M;
    }
    while (f && fgets(line, sizeof line, f)) {
        unsigned i;
        double x, y;
        if (sscanf(line, "%u,%*[^,],%lf,%lf", &i, &x, &y) == 3 && i < SITES) {
            c->x[i + 1] = x;
            c->y[i + 1] = y;
        }
    }
    if (f)
        fclose(f);
}

/* ---- one made-up day ---- */

static uint64_t
day_rows(const struct city *c, unsigned day)
{
    return c->rows / c->days + (day < c->rows % c->days);
}

static bool
emit(struct feed *f, size_t want, double ms, uint32_t v, unsigned site, unsigned dir)
{
    if (f->day_n >= want)
        return false;
    if (ms >= 0 && ms < (double)DAY_MS && hash_pair(f->day_n, v) % 100 < 93)
        f->day[f->day_n++] =
            (struct brief){(uint32_t)ms, v, (uint16_t)site, (uint8_t)dir};
    return true;
}

/* Along the grid, first one axis, then the other; 45 to 75 s between sites. */
static double
drive(struct feed *f, size_t want, uint32_t v, unsigned from, unsigned to, double ms)
{
    unsigned x = from % GRID, y = from / GRID, tx = to % GRID, ty = to / GRID;
    bool first_x = hash_pair(v, 3) & 1;
    uint64_t h = hash_pair(hash_pair(v, (uint64_t)ms), 5);
    while (x != tx || y != ty) {
        bool along_x = y == ty || (x != tx && first_x);
        unsigned dir = along_x ? (x < tx ? 1 : 3) : (y < ty ? 2 : 4);
        if (along_x)
            x = x < tx ? x + 1 : x - 1;
        else
            y = y < ty ? y + 1 : y - 1;
        h = hash_u64(h + 1);
        ms += 45000 + (double)(h % 30000);
        unsigned site = y * GRID + x;
        if (site < SITES && !emit(f, want, ms, v, site + 1, dir))
            return ms;
    }
    return ms;
}

static double
hours(double h, uint64_t hash, double spread)
{
    return (h + ((double)(hash % 10000) / 5000.0 - 1.0) * spread) * (double)HOUR_MS;
}

static void
vehicle_day(struct feed *f, size_t want, uint32_t v, unsigned day)
{
    uint64_t h = hash_pair(v, day + 1000), kind = hash_pair(v, 1) % 1000;
    unsigned home = (unsigned)(hash_pair(v, 21) % SITES);
    unsigned work = (unsigned)(hash_pair(v, 22) % SITES);
    if (kind < 4) { /* taxi */
        double ms = hours(6, h, 1), end = hours(22, h >> 20, 2);
        for (unsigned at = home; ms < end && f->day_n < want; h = hash_u64(h)) {
            unsigned to = (unsigned)(h % SITES);
            ms = drive(f, want, v, at, to, ms + (double)(h >> 32 & 0x7fffff));
            at = to;
        }
    } else if (kind < 15) { /* at night only */
        if (h % 100 < 70)
            (void)drive(f, want, v, home, work, hours(2, h >> 8, 1.8));
    } else if (kind < 250) { /* passing through, on one day of four weeks */
        if (hash_pair(v, 8) % 28 == day % 28)
            (void)drive(f, want, v, home, work, hours(14, h, 8));
    } else if (h % 100 < 55) {
        (void)drive(f, want, v, home, work, hours(7.8, h >> 8, 0.8));
        (void)drive(f, want, v, work, home, hours(17.9, h >> 24, 1.2));
        if (h >> 40 & 1)
            (void)drive(
                f, want, v, home, (unsigned)(h >> 41) % SITES, hours(20, h >> 50, 2));
    }
}

static void
sort_day(struct feed *f)
{
    for (unsigned shift = 0; shift < 27; shift += 9) {
        uint32_t count[513] = {0};
        for (size_t i = 0; i < f->day_n; i++)
            count[(f->day[i].ms >> shift & 511) + 1]++;
        for (unsigned d = 1; d < 512; d++)
            count[d] += count[d - 1];
        for (size_t i = 0; i < f->day_n; i++)
            f->spare[count[f->day[i].ms >> shift & 511]++] = f->day[i];
        struct brief *t = f->day;
        f->day = f->spare;
        f->spare = t;
    }
}

static bool
make_day(struct feed *f)
{
    size_t want = (size_t)day_rows(f->city, f->day_no);
    if (want > f->day_room) {
        free(f->day);
        free(f->spare);
        f->day_room = want;
        f->day = malloc(want * sizeof *f->day);
        f->spare = malloc(want * sizeof *f->spare);
        if (!f->day || !f->spare)
            abort();
    }
    f->day_n = f->day_at = 0;
    /* the fleet is as large as the traffic needs; the start turns with the day, so that
     * the ones left out are not always the same */
    uint32_t fleet = (uint32_t)(want / 5 + 50);
    uint32_t first = (uint32_t)(hash_pair(f->day_no, 77) % fleet);
    for (uint32_t k = 0; f->day_n < want; k++)
        vehicle_day(f, want, (first + k) % fleet, f->day_no + k / fleet * 977);
    sort_day(f);
    f->day_no++;
    return true;
}

static char *
put_digits(char *p, uint64_t v, unsigned n)
{
    for (unsigned i = n; i-- > 0; v /= 10)
        p[i] = (char)('0' + v % 10);
    return p + n;
}

static void
make_plate(uint32_t v, uint64_t h, struct sighting *s)
{
    static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ";
    char text[16];
    uint64_t x = hash_pair(v, 31);
    size_t n = strlen(v % 8 ? "晋" : x & 1 ? "京" : "冀");
    memcpy(text, v % 8 ? "晋" : x & 1 ? "京" : "冀", n);
    text[n++] = v % 8 && v % 5 ? 'A' : letters[x >> 8 & 15];
    (void)put_digits(text + n, (uint64_t)v * 7919 % 100000, 5);
    text[n + x % 5] = letters[(v / 100000 + x / 97) % 24];
    if (h % 1000 < 22)
        return; /* unread */
    if (h % 1000 < 30)
        text[n + h / 1000 % 5] = '?';
    bool differs;
    (void)plate_parse(span_of(text, n + 5), &s->plate, &differs);
}

static void
make_row(struct feed *f, const struct brief *b, struct sighting *s, struct row_text *t)
{
    ts_ms start = T0 + (ts_ms)(f->day_no - 1) * DAY_MS;
    uint64_t h = hash_pair(hash_pair(b->vehicle, b->ms), f->day_no);
    uint64_t v = hash_pair(b->vehicle, 7);
    *s = (struct sighting){.pass_ms = start + b->ms, .site = {b->site}};
    s->plate_text = (struct span){"", 0};
    s->direction = b->direction;
    s->lane = (uint8_t)(1 + h / 31 % 3);
    s->speed_dkmh = (uint16_t)(250 + h / 101 % 40 * 10);
    s->confidence = (uint8_t)(99 - h / 211 % 9 * (h / 5 % 3) / 2);
    s->vehicle_class = (code3)(h >> 20 & 127 ? v / 3 % 9 + 1 : h >> 27 & 7);
    s->brand = (code3)(h >> 30 & 63 ? v / 17 % 120 * (v / 17 % 120) / 120 : 0);
    s->plate_color = (uint8_t)(v % 13 ? 5 : 6);
    s->vehicle_color = (uint8_t)(h >> 36 & 31 ? v / 23 % 10 + 1 : h >> 41 & 7);
    make_plate(b->vehicle, h, s);
    uint64_t shot = (uint64_t)s->pass_ms + 40 + h % 361;
    unsigned device = b->site * 4u + b->direction - 1u;
    char *p = put_digits(t->id, 140100 + b->site % 23u, 6);
    p = put_digits(put_digits(p, b->site, 4), b->direction, 2);
    p = put_digits(p, shot, 13);
    p = put_digits(p, f->counter[device % (SITES * 4)]++ % 1000u, 3);
    s->record_id = span_of(t->id, (size_t)(p - t->id));
    char *q = t->image;
    memcpy(q, "http://10.14.", 13);
    q = put_digits(q + 13, b->site / 250u, 1);
    *q++ = '.';
    q = put_digits(
        q, b->site % 250u + 2,
        b->site % 250u < 8    ? 1
        : b->site % 250u < 98 ? 2
                              : 3);
    memcpy(q, ":8088/kk/", 9);
    memcpy(q + 9, t->id, s->record_id.n);
    memcpy(q + 9 + s->record_id.n, ".jpg", 4);
    s->image = span_of(t->image, (size_t)(q - t->image) + 9 + s->record_id.n + 4);
}

/* ---- a file ---- */

/* Digits up to a comma, which is passed over. */
static uint64_t
field_u64(const char **p)
{
    uint64_t v = 0;
    for (; **p != ','; ++*p)
        v = v * 10 + (uint64_t)(**p - '0');
    ++*p;
    return v;
}

static struct span
field_text(const char **p, char end)
{
    const char *from = *p;
    while (**p != end)
        ++*p;
    return span_of(from, (size_t)((*p)++ - from));
}

/* One line of the file, which ends with a line end. */
static void
parse_row(const char **p, struct sighting *s)
{
    *s = (struct sighting){.arrive_ms = 0};
    struct span plate = field_text(p, ',');
    bool differs;
    enum plate_kind kind = plate_parse(plate, &s->plate, &differs);
    s->plate_text = differs && kind != PLATE_UNREAD ? plate : (struct span){"", 0};
    s->plate_color = (uint8_t)field_u64(p);
    s->vehicle_class = (code3)field_u64(p);
    s->vehicle_color = (uint8_t)field_u64(p);
    s->brand = (code3)field_u64(p);
    s->site.v = (uint32_t)field_u64(p) + 1;
    s->lane = (uint8_t)field_u64(p);
    s->direction = (uint8_t)(field_u64(p) + 1);
    s->pass_ms = (ts_ms)field_u64(p);
    s->speed_dkmh = (uint16_t)(field_u64(p) * 10);
    s->confidence = (uint8_t)field_u64(p);
    s->record_id = field_text(p, ',');
    s->image = field_text(p, '\n');
}

static void
map_csv(struct feed *f, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) != 0) {
        perror(path);
        exit(1);
    }
    f->csv_n = (size_t)st.st_size;
    f->csv = mmap(NULL, f->csv_n, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (f->csv == MAP_FAILED) {
        perror(path);
        exit(1);
    }
    f->at = f->csv;
    if (!f->csv_n || f->csv[f->csv_n - 1] != '\n') {
        fprintf(stderr, "%s does not end with a line end\n", path);
        exit(1);
    }
}

/* ---- the feed ---- */

struct feed *
rows_open(const struct city *c)
{
    struct feed *f = calloc(1, sizeof *f);
    if (!f)
        abort();
    f->city = c;
    f->rows = calloc(PIECE, sizeof *f->rows);
    f->texts = calloc(PIECE, sizeof *f->texts);
    if (!f->rows || !f->texts)
        abort();
    if (c->csv)
        map_csv(f, c->csv);
    return f;
}

void
rows_close(struct feed *f)
{
    if (f->csv)
        munmap((void *)(uintptr_t)f->csv, f->csv_n);
    free(f->rows);
    free(f->texts);
    free(f->day);
    free(f->spare);
    free(f);
}

const struct sighting *
rows_next(struct feed *f, size_t *n)
{
    uint64_t left = f->city->rows - f->given;
    size_t most = left < PIECE ? (size_t)left : PIECE, got = 0;
    if (!f->csv && most && f->day_at == f->day_n && !make_day(f))
        most = 0;
    if (!f->csv && most > f->day_n - f->day_at)
        most = f->day_n - f->day_at;
    for (; got < most; got++) {
        if (f->csv && f->at == f->csv + f->csv_n)
            break;
        if (f->csv)
            parse_row(&f->at, &f->rows[got]);
        else
            make_row(f, &f->day[f->day_at++], &f->rows[got], &f->texts[got]);
    }
    f->given += got;
    *n = got;
    return got ? f->rows : NULL;
}

/* About the bytes of the rows that are taken: lines are of nearly the same length. */
static size_t
csv_taken(const struct feed *f)
{
    const char *at = f->csv;
    uint64_t lines = 0, most = f->city->rows < PIECE ? f->city->rows : PIECE;
    while (at < f->csv + f->csv_n && lines < most)
        lines += *at++ == '\n';
    double n = (double)(at - f->csv) / (double)(lines ? lines : 1);
    n *= (double)f->city->rows * 0.99;
    return n < (double)f->csv_n ? (size_t)n : f->csv_n;
}

/* A file is read at even distances instead of whole: every part of it is as likely. */
static size_t
sample_csv(struct feed *f, struct plate *out, size_t room)
{
    const char *end = f->csv + f->csv_n;
    size_t got = 0, taken = csv_taken(f);
    for (size_t i = 0; i < room; i++) {
        struct sighting row;
        f->at = f->csv + taken / room * i;
        while (f->at != f->csv && f->at < end && f->at[-1] != '\n')
            f->at++;
        if (f->at == end)
            break;
        parse_row(&f->at, &row);
        if (plate_is_exact(row.plate))
            out[got++] = row.plate;
    }
    return got;
}

size_t
rows_sample(const struct city *city, struct plate *out, size_t room)
{
    struct feed *f = rows_open(city);
    const struct sighting *rows;
    uint64_t of = city->rows < SAMPLE_ROWS ? city->rows : SAMPLE_ROWS;
    uint64_t every = of / room + 1, seen = 0;
    size_t n, got = city->csv ? sample_csv(f, out, room) : 0;
    while (!city->csv && seen < of && (rows = rows_next(f, &n)))
        for (size_t i = 0; i < n; i++)
            if (++seen % every == 0 && got < room && plate_is_exact(rows[i].plate))
                out[got++] = rows[i].plate;
    rows_close(f);
    return got;
}

struct span
row_plate(const struct sighting *s, char dst[PLATE_TEXT])
{
    if (s->plate_text.n)
        return s->plate_text;
    return span_cstr(plate_is_none(s->plate) ? "无牌" : plate_format(dst, s->plate));
}

size_t
row_line(const struct sighting *s, char *dst)
{
    char plate[PLATE_TEXT];
    struct span p = row_plate(s, plate);
    return (size_t)snprintf(
        dst, 512, "%.*s,%u,%u,%u,%u,%u,%u,%u,%lld,%u,%u,%.*s,%.*s\n", SPAN_ARG(p),
        s->plate_color, s->vehicle_class, s->vehicle_color, s->brand, s->site.v,
        s->lane, s->direction, (long long)s->pass_ms, s->speed_dkmh / 10, s->confidence,
        SPAN_ARG(s->record_id), SPAN_ARG(s->image));
}
