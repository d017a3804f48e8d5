/* SPDX-License-Identifier: Apache-2.0 */
/* score.c - alarms against truth.
 *
 * Truth is a list of things to find. A thing belongs to a kind of alarm and is found by
 * a record id (watch hits, status, bans, curfew, obscured plates) or by plate and
 * subject (clones, fakes, speed). Record ids and plates are kept as 64-bit hashes.
 */
#include "city/score.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

enum kind {
    KIND_WATCH,
    KIND_STATUS,
    KIND_CLONED,
    KIND_FAKE,
    KIND_BAN,
    KIND_CURFEW,
    KIND_UNREAD,
    KIND_SPEED,
    KIND_TAG_PLATE,
    KIND_TAG_CLASS,
    KIND_TAG_PATH,
    KIND_SCENE, /* no alarm: score_candidate() */
    KINDS,
};
_Static_assert(SCORE_KINDS == KINDS, "score.h shows all kinds");
#define SCORE_FEW 5     /* fewer alarms say nothing of a tenth */
#define SCORE_TOLD 0.05 /* the bar: stated and true share of a tenth */
static const char *const kind_names[KINDS] = {
    "watch",     "status",       "cloned_plate",   "fake_plate",
    "truck_ban", "coach_curfew", "unread_cluster", "average_speed",
    "etc_plate", "etc_class",    "etc_path",       "hit_and_run"};

enum read { READ_EXACT, READ_MISREAD, READ_PARTIAL, READ_UNREAD };

struct thing {
    uint8_t kind, read;
    bool found;
    bool asked;     /* counts for recall */
    char label[56]; /* for score_explain() */
    uint32_t group; /* status: things of one plate and day are one */
};

/* Open addressing: 64-bit key (never 0) to a number. */
struct map {
    uint64_t *key;
    uint32_t *value;
    size_t n, mask;
};

struct said {
    uint64_t id;
    uint8_t kind, right, misread;
    double probability;
    bool withdrawn;
    bool clock; /* some evidence is from a camera with a wrong clock, none is misread */
    uint8_t found_n;
    uint32_t found[ALARM_EVIDENCE]; /* things it finds */
    char label[400];
};

struct score {
    struct thing *things;
    size_t things_n, things_room;
    struct map by_record[KINDS]; /* hash of record id (watch: and watch) -> thing */
    struct map by_plate[KINDS];  /* hash of plate and subject -> thing */
    struct map misread;          /* record id -> read << 28 | (plate hash & low bits) */
    struct map days; /* plate and day -> the thing that stands for its records */
    uint64_t *misread_plate; /* hash of the plate really there, by number */
    size_t misread_n, misread_room;
    struct map clock_sites;   /* codes of cameras with wrong clocks */
    struct map clock_records; /* record ids from those */
    struct map alarms;        /* alarm id -> said */
    struct said *said;
    size_t said_n, said_room;
};

/* ---- maps ---- */

static void
map_grow(struct map *m)
{
    struct map bigger = {.mask = m->mask ? m->mask * 2 + 1 : 1023};
    bigger.key = calloc(bigger.mask + 1, sizeof *bigger.key);
    bigger.value = calloc(bigger.mask + 1, sizeof *bigger.value);
    must(bigger.key && bigger.value);
    for (size_t i = 0; m->mask && i <= m->mask; i++) {
        if (!m->key[i])
            continue;
        size_t j = m->key[i] & bigger.mask;
        while (bigger.key[j])
            j = (j + 1) & bigger.mask;
        bigger.key[j] = m->key[i];
        bigger.value[j] = m->value[i];
    }
    bigger.n = m->n;
    free(m->key);
    free(m->value);
    *m = bigger;
}

/* The value of a key, made with `fresh` when there is none. */
static uint32_t *
map_put(struct map *m, uint64_t key, uint32_t fresh)
{
    key |= !key;
    if (!m->mask || m->n * 2 > m->mask)
        map_grow(m);
    size_t i = key & m->mask;
    while (m->key[i] && m->key[i] != key)
        i = (i + 1) & m->mask;
    if (!m->key[i]) {
        m->key[i] = key;
        m->value[i] = fresh;
        m->n++;
    }
    return &m->value[i];
}

static const uint32_t *
map_find(const struct map *m, uint64_t key)
{
    key |= !key;
    if (!m->mask)
        return NULL;
    for (size_t i = key & m->mask; m->key[i]; i = (i + 1) & m->mask)
        if (m->key[i] == key)
            return &m->value[i];
    return NULL;
}

static void
map_release(struct map *m)
{
    free(m->key);
    free(m->value);
    *m = (struct map){0};
}

static uint64_t
key_of(struct span a, struct span b)
{
    return hash_pair(hash_span(a, 1), hash_span(b, 2));
}

/* Plates are compared in their canonical form. */
static uint64_t
plate_key(struct span text)
{
    struct plate p;
    bool differs;
    if (plate_parse(text, &p, &differs) == PLATE_UNREAD)
        return 0;
    return hash_u64(p.v);
}

/* ---- reading CSV ---- */

#define COLUMNS 16

struct csv {
    char *text;
    struct span rest;
    struct span head[COLUMNS], cell[COLUMNS];
    size_t n;
};

static size_t
split(struct span line, struct span cell[COLUMNS])
{
    size_t n = 0;
    while (n < COLUMNS) {
        cell[n++] = span_trim(span_cut(&line, ','));
        if (!line.n)
            break;
    }
    return n;
}

static bool
next_line(struct csv *c)
{
    while (c->rest.n) {
        struct span line = span_cut(&c->rest, '\n');
        if (span_trim(line).n == 0)
            continue;
        memset(c->cell, 0, sizeof c->cell);
        c->n = split(line, c->cell);
        return true;
    }
    return false;
}

/* Reads a whole file; *found = false when it is not there. */
static enum err
csv_open(
    struct csv *c, const char *dir, const char *name, bool *found, struct note *note)
{
    char path[512];
    memset(c, 0, sizeof *c);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "rb");
    *found = f != NULL;
    if (!f)
        return OK;
    size_t n = 0, room = 1 << 16;
    c->text = malloc(room);
    must(c->text != NULL);
    for (size_t got; (got = fread(c->text + n, 1, room - n, f)) > 0;) {
        n += got;
        if (n == room) {
            c->text = realloc(c->text, room *= 2);
            must(c->text != NULL);
        }
    }
    bool bad = ferror(f) != 0;
    fclose(f);
    if (bad)
        return note_fmt(note, ERR_IO, "truth", "cannot read %s", "无法读取 %s", path);
    c->rest = span_of(c->text, n);
    if (n >= 3 && memcmp(c->text, "\xEF\xBB\xBF", 3) == 0)
        c->rest = span_skip(c->rest, 3);
    if (next_line(c))
        memcpy(c->head, c->cell, sizeof c->head);
    return OK;
}

/* The column whose header is `name`, with blanks or underscores and an ending s or
 * none. */
static int
column(const struct csv *c, const char *name)
{
    for (int i = 0; i < COLUMNS; i++) {
        struct span h = c->head[i];
        size_t k = 0, n = strlen(name);
        if (!h.n)
            continue;
        while (k < h.n && k < n &&
               (h.p[k] == name[k] || (h.p[k] == ' ' && name[k] == '_')))
            k++;
        if (k == n && (k == h.n || (k + 1 == h.n && h.p[k] == 's')))
            return i;
        if (k == h.n && k + 1 == n && name[k] == 's')
            return i;
    }
    return -1;
}

/* Opens a file and finds its columns (NULL-ended names) in col[]. found = false: no
 * such file. */
static enum err
table(
    struct csv *c, const char *dir, const char *name, const char *const *names,
    int *col, bool *found, struct note *note)
{
    enum err e = csv_open(c, dir, name, found, note);
    if (e || !*found)
        return e;
    for (int i = 0; names[i]; i++) {
        col[i] = column(c, names[i]);
        if (col[i] < 0) {
            free(c->text);
            return note_fmt(
                note, ERR_INPUT, "truth", "truth/%s has no column %s",
                "truth/%s 缺少列 %s", name, names[i]);
        }
    }
    return OK;
}

/* ---- the things to find ---- */

static uint32_t
add_thing(struct score *s, enum kind kind, enum read read, struct span a, struct span b)
{
    if (s->things_n == s->things_room) {
        size_t room = s->things_room ? s->things_room * 2 : 4096;
        struct thing *p = realloc(s->things, room * sizeof *p);
        must(p != NULL);
        s->things = p;
        s->things_room = room;
    }
    struct thing *t = &s->things[s->things_n];
    *t = (struct thing){.kind = (uint8_t)kind, .read = (uint8_t)read, .asked = true};
    snprintf(t->label, sizeof t->label, "%.*s %.*s", SPAN_ARG(a), SPAN_ARG(b));
    t->group = (uint32_t)s->things_n;
    return (uint32_t)s->things_n++;
}

static void
add_records(struct score *s, enum kind kind, struct span ids, uint32_t thing)
{
    while (ids.n) {
        struct span id = span_cut(&ids, ' ');
        if (id.n)
            *map_put(&s->by_record[kind], hash_span(id, 0), thing) = thing;
    }
}

static enum err
load_hits(struct score *s, const char *dir, struct note *note)
{
    static const char *const names[] = {"watch", "record_id", "read", NULL};
    struct csv c;
    int col[3];
    bool found;
    enum err e = table(&c, dir, "watch_hits.csv", names, col, &found, note);
    if (e || !found)
        return e;
    while (next_line(&c)) {
        struct span watch = c.cell[col[0]], id = c.cell[col[1]];
        bool exact = span_eq_cstr(c.cell[col[2]], "exact");
        uint32_t t =
            add_thing(s, KIND_WATCH, exact ? READ_EXACT : READ_MISREAD, watch, id);
        *map_put(&s->by_record[KIND_WATCH], key_of(watch, id), t) = t;
    }
    free(c.text);
    return OK;
}

/* Each record of status.csv is a thing; those of one day become one when their times
 * are told. */
static enum err
load_status(struct score *s, const char *dir, struct note *note)
{
    static const char *const names[] = {"plate", "status", "record_ids", NULL};
    struct csv c;
    int col[3];
    bool found;
    enum err e = table(&c, dir, "status.csv", names, col, &found, note);
    if (e || !found)
        return e;
    while (next_line(&c)) {
        struct span ids = c.cell[col[2]];
        uint32_t first = (uint32_t)s->things_n;
        while (ids.n) {
            struct span id = span_cut(&ids, ' ');
            if (!id.n)
                continue;
            uint32_t t =
                add_thing(s, KIND_STATUS, READ_EXACT, c.cell[col[0]], c.cell[col[1]]);
            s->things[t].group = first;
            *map_put(&s->by_record[KIND_STATUS], hash_span(id, 0), t) = t;
        }
        uint64_t p = plate_key(c.cell[col[0]]);
        *map_put(&s->by_plate[KIND_STATUS], p, first) = first;
    }
    free(c.text);
    return OK;
}

static enum err
load_bans(struct score *s, const char *dir, struct note *note)
{
    static const char *const names[] = {"plate", "zone", "permit", "record_ids", NULL};
    struct csv c;
    int col[4];
    bool found;
    enum err e = table(&c, dir, "bans.csv", names, col, &found, note);
    if (e || !found)
        return e;
    while (next_line(&c)) {
        if (!span_eq_cstr(c.cell[col[2]], "0"))
            continue;
        uint32_t t = add_thing(s, KIND_BAN, READ_EXACT, c.cell[col[0]], c.cell[col[1]]);
        add_records(s, KIND_BAN, c.cell[col[3]], t);
        uint64_t p = plate_key(c.cell[col[0]]);
        *map_put(&s->by_plate[KIND_BAN], p, t) = t;
    }
    free(c.text);
    return OK;
}

static enum err
load_plain(
    struct score *s, const char *dir, const char *name, enum kind kind,
    struct note *note)
{
    static const char *const names[] = {"plate", "record_ids", NULL};
    struct csv c;
    int col[2];
    bool found;
    enum err e = table(&c, dir, name, names, col, &found, note);
    if (e || !found)
        return e;
    while (next_line(&c)) {
        struct span plate = c.cell[col[0]];
        uint32_t t = add_thing(s, kind, READ_EXACT, plate, SPAN(""));
        add_records(s, kind, c.cell[col[1]], t);
        *map_put(&s->by_plate[kind], plate_key(plate), t) = t;
    }
    free(c.text);
    return OK;
}

static enum err
load_clones(struct score *s, const char *dir, struct note *note)
{
    static const char *const names[] = {"plate", "detectable", NULL};
    struct csv c;
    int col[2];
    bool found;
    enum err e = table(&c, dir, "clones.csv", names, col, &found, note);
    if (e || !found)
        return e;
    while (next_line(&c)) {
        struct span plate = c.cell[col[0]];
        uint32_t t = add_thing(s, KIND_CLONED, READ_EXACT, plate, SPAN(""));
        s->things[t].asked = span_eq_cstr(c.cell[col[1]], "1");
        *map_put(&s->by_plate[KIND_CLONED], plate_key(plate), t) = t;
    }
    free(c.text);
    return OK;
}

static enum err
load_speed(struct score *s, const char *dir, struct note *note)
{
    static const char *const names[] = {"plate", "section", NULL};
    struct csv c;
    int col[2];
    bool found;
    enum err e = table(&c, dir, "speed.csv", names, col, &found, note);
    if (e || !found)
        return e;
    while (next_line(&c)) {
        struct span plate = c.cell[col[0]], section = c.cell[col[1]];
        uint64_t key = hash_pair(plate_key(plate), hash_span(section, 2));
        if (map_find(&s->by_plate[KIND_SPEED], key))
            continue; /* the same again on another day */
        uint32_t t = add_thing(s, KIND_SPEED, READ_EXACT, plate, section);
        *map_put(&s->by_plate[KIND_SPEED], key, t) = t;
    }
    free(c.text);
    return OK;
}

static enum err
load_tags(struct score *s, const char *dir, struct note *note)
{
    static const char *const names[] = {"kind", "plate", "vehicle", "detectable", NULL};
    struct csv c;
    int col[4];
    bool found;
    enum err e = table(&c, dir, "gantry.csv", names, col, &found, note);
    if (e || !found)
        return e;
    while (next_line(&c)) {
        struct span what = c.cell[col[0]];
        enum kind kind = span_eq_cstr(what, "class")  ? KIND_TAG_CLASS
                         : span_eq_cstr(what, "path") ? KIND_TAG_PATH
                                                      : KIND_TAG_PLATE;
        struct span plate = c.cell[col[1]];
        uint32_t t = add_thing(s, kind, READ_EXACT, plate, c.cell[col[2]]);
        s->things[t].asked = span_eq_cstr(c.cell[col[3]], "1");
        *map_put(&s->by_plate[kind], plate_key(plate), t) = t;
    }
    free(c.text);
    return OK;
}

/* Optional: reads with errors, and cameras with wrong clocks. */
static enum err
load_reads(struct score *s, const char *dir, struct note *note)
{
    static const char *const names[] = {"record_id", "plate", "read", NULL};
    struct csv c;
    int col[3];
    bool found;
    enum err e = table(&c, dir, "misreads.csv", names, col, &found, note);
    if (e || !found)
        return e;
    while (next_line(&c)) {
        struct span read = c.cell[col[2]];
        uint32_t r = span_eq_cstr(read, "misread")   ? READ_MISREAD
                     : span_eq_cstr(read, "partial") ? READ_PARTIAL
                                                     : READ_UNREAD;
        if (s->misread_n == s->misread_room) {
            s->misread_room = s->misread_room ? s->misread_room * 2 : 4096;
            s->misread_plate =
                realloc(s->misread_plate, s->misread_room * sizeof *s->misread_plate);
            must(s->misread_plate != NULL);
        }
        uint32_t v = r << 28 | (uint32_t)s->misread_n;
        s->misread_plate[s->misread_n++] = plate_key(c.cell[col[1]]);
        *map_put(&s->misread, hash_span(c.cell[col[0]], 0), v) = v;
    }
    free(c.text);
    return OK;
}

static enum err
load_clocks(struct score *s, const char *dir, struct note *note)
{
    static const char *const names[] = {"site", "kind", NULL};
    struct csv c;
    int col[2];
    bool found;
    enum err e = table(&c, dir, "site_faults.csv", names, col, &found, note);
    if (e || !found)
        return e;
    while (next_line(&c))
        if (span_starts(c.cell[col[1]], SPAN("clock")))
            map_put(&s->clock_sites, hash_span(c.cell[col[0]], 0), 1);
    free(c.text);
    return OK;
}

enum err
score_new(const char *dir, struct score **out, struct note *note)
{
    char path[512];
    bool found;
    struct csv c;
    struct score *s = calloc(1, sizeof *s);
    if (!s)
        return note_set(note, ERR_NOMEM, "", "not enough memory", "内存不足");
    snprintf(path, sizeof path, "%s/truth", dir);
    enum err e = csv_open(&c, path, "watch_hits.csv", &found, note);
    free(c.text);
    if (!e && !found) {
        snprintf(path, sizeof path, "%s", dir);
        e = csv_open(&c, path, "watch_hits.csv", &found, note);
        free(c.text);
    }
    if (!e && !found)
        e = note_fmt(
            note, ERR_IO, "truth", "%s holds no truth (no watch_hits.csv)",
            "%s 中没有真值（缺少 watch_hits.csv）", dir);
    if (!e)
        e = load_hits(s, path, note);
    if (!e)
        e = load_status(s, path, note);
    if (!e)
        e = load_bans(s, path, note);
    if (!e)
        e = load_plain(s, path, "curfew.csv", KIND_CURFEW, note);
    if (!e)
        e = load_plain(s, path, "fakes.csv", KIND_FAKE, note);
    if (!e)
        e = load_plain(s, path, "obscured.csv", KIND_UNREAD, note);
    if (!e)
        e = load_clones(s, path, note);
    if (!e)
        e = load_speed(s, path, note);
    if (!e)
        e = load_tags(s, path, note);
    if (!e)
        e = load_reads(s, path, note);
    if (!e)
        e = load_clocks(s, path, note);
    if (e) {
        score_free(s);
        return e;
    }
    *out = s;
    return OK;
}

void
score_free(struct score *s)
{
    if (!s)
        return;
    for (int k = 0; k < KINDS; k++) {
        map_release(&s->by_record[k]);
        map_release(&s->by_plate[k]);
    }
    map_release(&s->misread);
    map_release(&s->days);
    map_release(&s->clock_sites);
    map_release(&s->clock_records);
    map_release(&s->alarms);
    free(s->misread_plate);
    free(s->things);
    free(s->said);
    free(s);
}

void
score_seen(struct score *s, struct span record_id, struct span site, ts_ms time_ms)
{
    uint64_t id = hash_span(record_id, 0);
    if (map_find(&s->clock_sites, hash_span(site, 0)))
        map_put(&s->clock_records, id, 1);
    const uint32_t *at = map_find(&s->by_record[KIND_STATUS], id);
    if (!at)
        return;
    /* One thing a plate and civil day (UTC+8). */
    struct thing *t = &s->things[*at];
    uint64_t day = (uint64_t)((time_ms + 8 * HOUR_MS) / DAY_MS);
    uint64_t key = hash_pair(hash_span(span_cstr(t->label), 3), day);
    t->group = *map_put(&s->days, key, *at);
}

/* ---- alarms ---- */

static enum kind
kind_of(const char *rule)
{
    int k = 0;
    while (k < KINDS && strcmp(kind_names[k], rule) != 0)
        k++;
    return (enum kind)k;
}

enum verdict { WRONG, RIGHT, NEUTRAL };

static void
finds(struct said *d, uint32_t thing)
{
    if (d->found_n < ALARM_EVIDENCE)
        d->found[d->found_n++] = thing;
}

/* What the truth says of the read in a piece of evidence; *meant: the plate meant is
 * really there. */
static enum read
read_of(const struct score *s, const struct alarm *a, struct span id, bool *meant)
{
    const uint32_t *m = map_find(&s->misread, hash_span(id, 0));
    *meant = m && s->misread_plate[*m & 0xfffffff] == hash_u64(a->plate.v);
    return m ? (enum read)(*m >> 28) : READ_EXACT;
}

static enum verdict
judge_records(
    const struct score *s, enum kind kind, const struct alarm *a, struct said *d)
{
    enum verdict v = WRONG;
    for (unsigned i = 0; i < a->evidence_n; i++) {
        struct span id = span_cstr(a->evidence[i].record_id);
        uint64_t key = kind == KIND_WATCH ? key_of(span_cstr(a->watch_code), id)
                                          : hash_span(id, 0);
        const uint32_t *t = map_find(&s->by_record[kind], key);
        bool meant;
        enum read read = read_of(s, a, id, &meant);
        if (t) {
            v = RIGHT;
            finds(d, *t);
        } else if (v == WRONG && meant && kind == KIND_WATCH && read == READ_PARTIAL) {
            v = NEUTRAL;
        } else if (
            v == WRONG && meant && kind != KIND_WATCH && kind != KIND_UNREAD &&
            map_find(&s->by_plate[kind], hash_u64(a->plate.v))) {
            v = NEUTRAL; /* a read with an error of a vehicle that is to be found */
        }
    }
    return v;
}

static enum verdict
judge_plate(
    const struct score *s, enum kind kind, const struct alarm *a, struct said *d)
{
    uint64_t key = hash_u64(a->plate.v);
    if (kind == KIND_SPEED)
        key = hash_pair(key, hash_span(span_cstr(a->subject), 2));
    const uint32_t *t = map_find(&s->by_plate[kind], key);
    if (!t)
        return WRONG;
    finds(d, *t);
    return RIGHT;
}

void
score_alarm(struct score *s, const struct alarm *a)
{
    enum kind kind = kind_of(a->rule);
    if (kind == KINDS)
        return;
    uint32_t *at = map_put(&s->alarms, a->id.v, UINT32_MAX);
    if (*at == UINT32_MAX) {
        if (s->said_n == s->said_room) {
            s->said_room = s->said_room ? s->said_room * 2 : 1024;
            s->said = realloc(s->said, s->said_room * sizeof *s->said);
            must(s->said != NULL);
        }
        *at = (uint32_t)s->said_n++;
        s->said[*at] = (struct said){.id = a->id.v};
    }
    struct said *d = &s->said[*at];
    *d = (struct said){.id = a->id.v, .kind = (uint8_t)kind};
    d->withdrawn = a->state == ALARM_WITHDRAWN;
    if (d->withdrawn)
        return;
    bool by_plate = kind == KIND_CLONED || kind == KIND_FAKE || kind == KIND_SPEED ||
                    kind == KIND_TAG_PLATE || kind == KIND_TAG_CLASS ||
                    kind == KIND_TAG_PATH;
    enum verdict v =
        by_plate ? judge_plate(s, kind, a, d) : judge_records(s, kind, a, d);
    bool misread = false;
    for (unsigned i = 0; i < a->evidence_n; i++) {
        struct span id = span_cstr(a->evidence[i].record_id);
        bool meant;
        d->clock |= map_find(&s->clock_records, hash_span(id, 0)) != NULL;
        misread |= read_of(s, a, id, &meant) == READ_MISREAD;
    }
    d->clock &= !misread;
    char plate[PLATE_TEXT], read[PLATE_TEXT];
    d->right = (uint8_t)v;
    d->misread = !plate_eq(a->plate, a->read) && !plate_is_none(a->read);
    d->probability = a->probability;
    snprintf(
        d->label, sizeof d->label, "%s read %s %s %s p=%.3f %s",
        plate_format(plate, a->plate), plate_format(read, a->read), a->watch_code,
        a->subject, a->probability, a->evidence_n ? a->evidence[0].record_id : "");
}

/* ---- the sum ---- */

/* What the alarms that stand have found. */
static void
mark_found(struct score *s)
{
    for (size_t i = 0; i < s->things_n; i++)
        s->things[i].found = false;
    for (size_t i = 0; i < s->said_n; i++) {
        const struct said *d = &s->said[i];
        for (unsigned k = 0; !d->withdrawn && k < d->found_n; k++) {
            s->things[d->found[k]].found = true;
            s->things[s->things[d->found[k]].group].found = true;
        }
    }
}

static void
add_row(
    struct score *s, struct score_sum *out, enum kind kind, int misread, double bar_r,
    double bar_p)
{
    struct score_row *r = &out->rows[out->rows_n++];
    *r = (struct score_row){
        .kind = kind_names[kind],
        .reads = misread < 0 ? "all"
                 : misread   ? "misread"
                             : "exact",
        .recall_bar = bar_r,
        .precision_bar = bar_p,
    };
    for (size_t i = 0; i < s->things_n; i++) {
        const struct thing *t = &s->things[i];
        if (t->kind != kind || !t->asked || t->group != i ||
            (misread >= 0 && (t->read == READ_MISREAD) != (misread == 1)))
            continue;
        r->truth++;
        r->found += t->found;
    }
    for (size_t i = 0; i < s->said_n; i++) {
        const struct said *d = &s->said[i];
        if (d->kind != kind || d->withdrawn ||
            (misread >= 0 && d->misread != (misread == 1)))
            continue;
        if (d->right == NEUTRAL) {
            r->neutral++;
            continue;
        }
        r->alarms++;
        r->right += d->right == RIGHT;
    }
    r->recall = r->truth ? (double)r->found / (double)r->truth : 1;
    r->precision = r->alarms ? (double)r->right / (double)r->alarms : 1;
}

static void
add_bin(struct score_bin *to, const struct score_bin *more)
{
    if (!more->n)
        return;
    double n = (double)to->n, m = (double)more->n;
    to->stated = (to->stated * n + more->stated * m) / (n + m);
    to->n += more->n;
    to->right += more->right;
}

static struct score_bin *
bin_of(struct score_bin bins[SCORE_BINS], double probability)
{
    int b = (int)(probability * SCORE_BINS);
    return &bins[b < 0 ? 0 : b >= SCORE_BINS ? SCORE_BINS - 1 : b];
}

void
score_candidate(struct score_sum *sum, double probability, bool right)
{
    struct score_bin one = {1, right, probability};
    add_bin(bin_of(sum->by_kind[KIND_SCENE], probability), &one);
}

void
score_sum(struct score *s, struct score_sum *out)
{
    memset(out, 0, sizeof *out);
    mark_found(s);
    add_row(s, out, KIND_WATCH, 0, 0.999, 0.999);
    add_row(s, out, KIND_WATCH, 1, 0.90, 0.80);
    add_row(s, out, KIND_STATUS, 0, 0.999, 0.999);
    add_row(s, out, KIND_BAN, 0, 0.999, 0.999);
    add_row(s, out, KIND_CURFEW, 0, 0.999, 0.999);
    add_row(s, out, KIND_CLONED, -1, 0.90, 0.95);
    add_row(s, out, KIND_FAKE, -1, 0, 0);
    add_row(s, out, KIND_SPEED, -1, 0, 0);
    add_row(s, out, KIND_UNREAD, -1, 0, 0);
    add_row(s, out, KIND_TAG_PLATE, -1, 0, 0);
    add_row(s, out, KIND_TAG_CLASS, -1, 0, 0);
    add_row(s, out, KIND_TAG_PATH, -1, 0, 0);
    for (size_t i = 0; i < s->said_n; i++) {
        const struct said *d = &s->said[i];
        if (d->withdrawn || d->right == NEUTRAL)
            continue;
        struct score_bin one = {1, d->right == RIGHT, d->probability};
        add_bin(bin_of(out->bins, d->probability), &one);
        add_bin(bin_of(out->by_kind[d->kind], d->probability), &one);
        out->clock_alarms += d->clock && d->right == WRONG &&
                             (d->kind == KIND_CLONED || d->kind == KIND_SPEED);
    }
}

/* The row of the same kind and reads; one past the last when there is none. */
static struct score_row *
row_like(struct score_sum *sum, const struct score_row *row)
{
    size_t i = 0;
    while (i < sum->rows_n && (strcmp(sum->rows[i].kind, row->kind) != 0 ||
                               strcmp(sum->rows[i].reads, row->reads) != 0))
        i++;
    return &sum->rows[i];
}

void
score_add(struct score_sum *to, const struct score_sum *more)
{
    for (size_t i = 0; i < more->rows_n; i++) {
        const struct score_row *m = &more->rows[i];
        struct score_row *r = row_like(to, m);
        if (r == &to->rows[to->rows_n]) {
            must(to->rows_n < sizeof to->rows / sizeof to->rows[0]);
            *r = *m;
            to->rows_n++;
            continue;
        }
        r->truth += m->truth;
        r->found += m->found;
        r->alarms += m->alarms;
        r->right += m->right;
        r->neutral += m->neutral;
        r->site_weeks += m->site_weeks;
        r->recall = r->truth ? (double)r->found / (double)r->truth : 1;
        r->precision = r->alarms ? (double)r->right / (double)r->alarms : 1;
    }
    for (int b = 0; b < SCORE_BINS; b++) {
        add_bin(&to->bins[b], &more->bins[b]);
        for (unsigned k = 0; k < SCORE_KINDS; k++)
            add_bin(&to->by_kind[k][b], &more->by_kind[k][b]);
    }
    to->clock_alarms += more->clock_alarms;
}

const char *
score_kind(unsigned kind)
{
    return kind_names[kind];
}

struct score_verdict
score_verdict(const struct score_bin *b)
{
    const double z = 1.96;
    struct score_verdict v = {0, 0, 1, false, false};
    if (!b->n)
        return v;
    double n = (double)b->n, p = (double)b->right / n, d = 1 + z * z / n;
    double middle = (p + z * z / (2 * n)) / d;
    double half = z / d * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    v = (struct score_verdict){
        .right = p, .low = fmax(0, middle - half), .high = fmin(1, middle + half)};
    v.enough = half <= SCORE_TOLD;
    v.apart = b->n >= SCORE_FEW &&
              (b->stated > v.high + SCORE_TOLD || b->stated < v.low - SCORE_TOLD);
    return v;
}

static void
print_bins(const char *name, const struct score_bin *bins, FILE *to)
{
    for (int b = 0; b < SCORE_BINS; b++) {
        const struct score_bin *q = &bins[b];
        struct score_verdict v = score_verdict(q);
        if (q->n)
            fprintf(
                to, "%-16s %.1f - %.1f %9llu %8.3f %8.3f  %.3f .. %.3f %+8.3f  %s\n",
                name, b / 10.0, (b + 1) / 10.0, (unsigned long long)q->n, q->stated,
                v.right, v.low, v.high, q->stated - v.right,
                v.apart    ? "apart"
                : v.enough ? "told"
                           : "few");
    }
}

static bool
asks_false(const struct score_row *r)
{
    return r->site_weeks > 0 && strcmp(r->reads, "ever") == 0;
}

static double
false_a_week(const struct score_row *r)
{
    return (double)(r->alarms - r->right) / r->site_weeks;
}

static void
print_false(const struct score_sum *sum, FILE *to)
{
    for (size_t i = 0; i < sum->rows_n; i++)
        if (asks_false(&sum->rows[i]))
            fprintf(
                to, "%-16s wrong %.4f a site and week (bar %.2f), in %.0f site-weeks\n",
                sum->rows[i].kind, false_a_week(&sum->rows[i]), SCORE_WRONG_A_WEEK,
                sum->rows[i].site_weeks);
}

void
score_print(const struct score_sum *sum, FILE *to)
{
    fprintf(
        to, "%-16s %-8s %9s %9s %8s %6s %9s %9s %9s %6s\n", "kind", "reads", "truth",
        "found", "recall", "bar", "alarms", "right", "precision", "bar");
    for (size_t i = 0; i < sum->rows_n; i++) {
        const struct score_row *r = &sum->rows[i];
        fprintf(
            to, "%-16s %-8s %9llu %9llu %8.4f %6.3g %9llu %9llu %9.4f %6.3g\n", r->kind,
            r->reads, (unsigned long long)r->truth, (unsigned long long)r->found,
            r->recall, r->recall_bar, (unsigned long long)r->alarms,
            (unsigned long long)r->right, r->precision, r->precision_bar);
    }
    print_false(sum, to);
    fprintf(
        to,
        "\n%-16s %9s %9s %8s %8s  %14s %8s  told: the interval is narrow enough to "
        "tell "
        "0.05\n",
        "stated", "tenth", "alarms", "stated", "right", "95 % interval", "apart");
    for (unsigned k = 0; k < SCORE_KINDS; k++)
        print_bins(kind_names[k], sum->by_kind[k], to);
    print_bins("all", sum->bins, to);
    fprintf(
        to, "wrong alarms with evidence from wrong clocks, none misread: %llu\n",
        (unsigned long long)sum->clock_alarms);
}

static void
put_value(
    struct buf *out, bool *first, const char *kind, const char *reads, const char *what,
    double value, double bar, bool lower)
{
    buf_fmt(
        out, "%s{\"name\":\"detectors.%s.%s.%s\",\"value\":%.5f,\"unit\":\"share\",",
        *first ? "[\n " : ",\n ", kind, reads, what, value);
    if (bar > 0)
        buf_fmt(out, "\"bar\":%.4g,", bar);
    buf_fmt(out, "\"better\":\"%s\"}", lower ? "lower" : "higher");
    *first = false;
}

/* The tenths of which something can be told, or that are wrong for sure. */
static void
put_bins(struct buf *out, bool *first, const char *kind, const struct score_bin *bins)
{
    for (unsigned b = 0; b < SCORE_BINS; b++) {
        struct score_verdict v = score_verdict(&bins[b]);
        char bin[16];
        if (!v.enough && !v.apart)
            continue;
        snprintf(bin, sizeof bin, "tenth_%u", b);
        put_value(
            out, first, kind, "probability", bin, fabs(bins[b].stated - v.right),
            SCORE_TOLD, true);
    }
}

void
score_json(const struct score_sum *sum, struct buf *out)
{
    bool first = true;
    for (size_t i = 0; i < sum->rows_n; i++) {
        const struct score_row *r = &sum->rows[i];
        put_value(
            out, &first, r->kind, r->reads, "recall", r->recall, r->recall_bar, false);
        put_value(
            out, &first, r->kind, r->reads, "precision", r->precision, r->precision_bar,
            false);
    }
    for (size_t i = 0; i < sum->rows_n; i++)
        if (asks_false(&sum->rows[i]))
            put_value(
                out, &first, sum->rows[i].kind, "all", "wrong_a_site_week",
                false_a_week(&sum->rows[i]), SCORE_WRONG_A_WEEK, true);
    for (unsigned k = 0; k <= SCORE_KINDS; k++)
        put_bins(
            out, &first, k < SCORE_KINDS ? kind_names[k] : "all",
            k < SCORE_KINDS ? sum->by_kind[k] : sum->bins);
    buf_fmt(
        out,
        "%s{\"name\":\"detectors.clock_alarms\",\"value\":%llu,\"unit\":\"alarms\","
        "\"bar\":0,\"better\":\"lower\"}\n]\n",
        first ? "[\n " : ",\n ", (unsigned long long)sum->clock_alarms);
}

void
score_explain(struct score *s, const char *kind_name, size_t max, FILE *to)
{
    enum kind kind = kind_of(kind_name);
    size_t n = 0;
    mark_found(s);
    for (size_t i = 0; i < s->said_n && n < max; i++) {
        const struct said *d = &s->said[i];
        if (d->kind == kind && !d->withdrawn && d->right == WRONG) {
            fprintf(to, "%s wrong: %s\n", kind_name, d->label);
            n++;
        }
    }
    n = 0;
    for (size_t i = 0; i < s->things_n && n < max; i++) {
        const struct thing *t = &s->things[i];
        if (t->kind == kind && t->asked && !t->found && t->group == i) {
            fprintf(
                to, "%s not found: %s%s\n", kind_name, t->label,
                t->read == READ_MISREAD ? " (misread)" : "");
            n++;
        }
    }
}
