/* SPDX-License-Identifier: Apache-2.0 */
/* fleet.c - vehicles, plates and the table between them.
 *
 * Plates: each (region, form) is a space of serials; a vehicle's rank in it goes
 * through a fixed permutation (rank * mul + add mod size), so no plate is given twice
 * and neighbours in number are not neighbours in text. Blue and yellow ordinary plates
 * share one space.
 */
#include "city/fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "city/rnd.h"
#include "core/hash.h"

enum { WHAT_PLATE = 200, WHAT_LOOK, WHAT_PERMUTE };

/* Forms of plate (GA 36). */
enum form {
    FORM_BLUE,
    FORM_YELLOW,
    FORM_NEV_SMALL,
    FORM_NEV_LARGE,
    FORM_POLICE,
    FORM_COACH,
    FORM_HK,
    FORM_WJ,
    FORM_MILITARY,
    FORMS,
};

enum space { SPACE_FIVE, SPACE_NEV_SMALL, SPACE_NEV_LARGE, SPACE_FOUR, SPACES };
static const uint32_t space_size[SPACES] = {
    7060000, /* five characters with at most two letters */
    3400000, /* ten letters, one character, four digits */
    200000,  /* five digits, D or F */
    106000,  /* four characters with at most one letter */
};
static const uint8_t form_space[FORMS] = {SPACE_FIVE,      SPACE_FIVE, SPACE_NEV_SMALL,
                                          SPACE_NEV_LARGE, SPACE_FOUR, SPACE_FOUR,
                                          SPACE_FOUR,      SPACE_FOUR, SPACE_NEV_LARGE};

static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ"; /* 24: no I, no O */
static const char serial[] = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/* Region 0 is the city, 1..10 the other cities of the province, then 15 provinces of 8
 * letters. */
#define REGIONS_HOME 11
#define REGIONS_AWAY 120
#define REGIONS (REGIONS_HOME + REGIONS_AWAY)
static const char home_letters[] = "ABCDEFHJKLM";
static const char *const provinces[15] = {"京", "冀", "豫", "陕", "蒙",
                                          "鲁", "津", "沪", "苏", "浙",
                                          "粤", "川", "辽", "鄂", "皖"};

struct fleet_segment {
    uint32_t first; /* vehicle number */
    uint32_t n;
    uint32_t rank; /* rank of its first vehicle in each region's space */
    uint16_t region, regions;
    uint8_t form;
};

/* ---- plates ---- */

static void
five_text(uint32_t n, char *o)
{
    int a = -1, b = -1;
    uint32_t la = 0, lb = 0, digits;
    if (n < 100000) {
        digits = n;
    } else if (n < 1300000) {
        n -= 100000;
        a = (int)(n / 240000);
        la = n % 240000 / 10000;
        digits = n % 10000;
    } else {
        n -= 1300000;
        uint32_t pair = n / 576000; /* ten pairs of places */
        for (a = 0; pair >= (uint32_t)(4 - a); a++)
            pair -= (uint32_t)(4 - a);
        b = a + 1 + (int)pair;
        n %= 576000;
        la = n / 1000 / 24;
        lb = n / 1000 % 24;
        digits = n % 1000;
    }
    for (int i = 4; i >= 0; i--) {
        if (i == a) {
            o[i] = letters[la];
        } else if (i == b) {
            o[i] = letters[lb];
        } else {
            o[i] = (char)('0' + digits % 10);
            digits /= 10;
        }
    }
}

static void
four_text(uint32_t n, char *o)
{
    int a = -1;
    uint32_t la = 0;
    if (n >= 10000) {
        n -= 10000;
        a = (int)(n / 24000);
        la = n % 24000 / 1000;
        n %= 1000;
    }
    for (int i = 3; i >= 0; i--) {
        if (i == a) {
            o[i] = letters[la];
        } else {
            o[i] = (char)('0' + n % 10);
            n /= 10;
        }
    }
}

static void
region_text(unsigned region, char dst[5])
{
    if (region < REGIONS_HOME)
        snprintf(dst, 5, "晋%c", home_letters[region]);
    else
        snprintf(
            dst, 5, "%s%c", provinces[(region - REGIONS_HOME) / 8],
            "ABCDEFGH"[(region - REGIONS_HOME) % 8]);
}

static void
plate_text(enum form form, unsigned region, uint32_t n, char dst[FLEET_PLATE])
{
    char at[5], five[6] = "", four[5] = "";
    region_text(region, at);
    if (form_space[form] == SPACE_FIVE)
        five_text(n, five);
    if (form_space[form] == SPACE_FOUR)
        four_text(n, four);
    switch (form) {
    case FORM_BLUE:
    case FORM_YELLOW:
        snprintf(dst, FLEET_PLATE, "%s%s", at, five);
        return;
    case FORM_NEV_SMALL:
        snprintf(
            dst, FLEET_PLATE, "%s%c%c%04u", at, "DFABCEGHJK"[n / 340000],
            serial[n % 340000 / 10000], n % 10000);
        return;
    case FORM_NEV_LARGE:
        snprintf(dst, FLEET_PLATE, "%s%05u%c", at, n % 100000, "DF"[n / 100000]);
        return;
    case FORM_POLICE:
        snprintf(dst, FLEET_PLATE, "%s%s警", at, four);
        return;
    case FORM_COACH:
        snprintf(dst, FLEET_PLATE, "%s%s学", at, four);
        return;
    case FORM_HK:
        snprintf(dst, FLEET_PLATE, "粤Z%s港", four);
        return;
    case FORM_WJ:
        snprintf(dst, FLEET_PLATE, "WJ%04u%c", n % 10000, "TDSHBXJ"[n / 10000 % 7]);
        return;
    case FORM_MILITARY:
        snprintf(
            dst, FLEET_PLATE, "%c%c%05u", "VKHBSLJNGCE"[n / 100000 % 11],
            "ABCD"[region % 4], n % 100000);
        return;
    case FORMS:
        break;
    }
    must(!"a form of plate");
}

static uint32_t
gcd(uint32_t a, uint32_t b)
{
    while (b) {
        uint32_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}

static uint32_t
permute(const struct fleet *f, enum space space, unsigned region, uint32_t rank)
{
    uint32_t size = space_size[space];
    uint64_t h = rnd_hash(f->seed, WHAT_PERMUTE, (uint64_t)space * REGIONS + region);
    uint32_t mul = size / 3 + (uint32_t)(h % (size / 3));
    while (gcd(mul, size) != 1)
        mul++;
    return (uint32_t)(((uint64_t)rank * mul + (h >> 32)) % size);
}

/* ---- the table from plates to vehicles ---- */

static uint64_t
plate_key(const char *plate, size_t n)
{
    return hash64(plate, n, 0x70) | 1;
}

static void
map_put(struct fleet *f, uint32_t id)
{
    uint64_t key = plate_key(f->plate[id], strlen(f->plate[id]));
    uint64_t i = key >> 8 & f->map_mask;
    while (f->map_key[i])
        i = (i + 1) & f->map_mask;
    f->map_key[i] = key;
    f->map_id[i] = id;
}

uint32_t
fleet_find(const struct fleet *f, struct span plate)
{
    uint64_t key = plate_key(plate.p, plate.n);
    for (uint64_t i = key >> 8 & f->map_mask; f->map_key[i]; i = (i + 1) & f->map_mask)
        if (f->map_key[i] == key)
            return f->map_id[i];
    return FLEET_NONE;
}

uint32_t
fleet_add(struct fleet *f, const char *plate)
{
    must(f->total < f->room);
    uint32_t id = f->total++;
    snprintf(f->plate[id], FLEET_PLATE, "%s", plate);
    map_put(f, id);
    return id;
}

/* ---- laying out the fleet ---- */

/* Shares of a kind's plates in 1/10,000; the last row of a kind takes the rest. */
static const struct share {
    uint8_t kind, form;
    uint16_t region, regions;
    uint16_t part;
} shares[] = {
    {FLEET_TAXI, FORM_NEV_SMALL, 0, 1, 8500},
    {FLEET_TAXI, FORM_BLUE, 0, 1, 10000},
    {FLEET_HAIL, FORM_NEV_SMALL, 0, 1, 7000},
    {FLEET_HAIL, FORM_BLUE, 0, 1, 10000},
    {FLEET_LORRY, FORM_YELLOW, 1, 10, 2500},
    {FLEET_LORRY, FORM_YELLOW, REGIONS_HOME, REGIONS_AWAY, 1500},
    {FLEET_LORRY, FORM_YELLOW, 0, 1, 10000},
    {FLEET_VAN, FORM_NEV_SMALL, 0, 1, 2000},
    {FLEET_VAN, FORM_BLUE, 0, 1, 10000},
    {FLEET_TIPPER, FORM_YELLOW, 0, 1, 10000},
    {FLEET_BUS, FORM_NEV_LARGE, 0, 1, 10000},
    {FLEET_COACH, FORM_YELLOW, 1, 10, 3000},
    {FLEET_COACH, FORM_YELLOW, REGIONS_HOME, REGIONS_AWAY, 1000},
    {FLEET_COACH, FORM_YELLOW, 0, 1, 10000},
    {FLEET_VISITOR, FORM_NEV_SMALL, 1, 10, 800},
    {FLEET_VISITOR, FORM_NEV_SMALL, REGIONS_HOME, REGIONS_AWAY, 400},
    {FLEET_VISITOR, FORM_YELLOW, 1, 10, 600},
    {FLEET_VISITOR, FORM_YELLOW, REGIONS_HOME, REGIONS_AWAY, 600},
    {FLEET_VISITOR, FORM_BLUE, REGIONS_HOME, REGIONS_AWAY, 3000},
    {FLEET_VISITOR, FORM_BLUE, 1, 10, 10000},
    {FLEET_RESIDENT, FORM_NEV_SMALL, 0, 1, 1500},
    {FLEET_RESIDENT, FORM_BLUE, 1, 10, 800},
    {FLEET_RESIDENT, FORM_BLUE, REGIONS_HOME, REGIONS_AWAY, 450},
    {FLEET_RESIDENT, FORM_POLICE, 0, 1, 20},
    {FLEET_RESIDENT, FORM_COACH, 0, 1, 10},
    {FLEET_RESIDENT, FORM_WJ, 0, 1, 4},
    {FLEET_RESIDENT, FORM_MILITARY, 0, 1, 4},
    {FLEET_RESIDENT, FORM_HK, 0, 1, 2},
    {FLEET_RESIDENT, FORM_BLUE, 0, 1, 10000},
};
#define SHARES (sizeof shares / sizeof *shares)

/* Share of each kind in the fleet, 1/10,000; residents are the rest. */
static const uint16_t kind_part[FLEET_KINDS] = {
    [FLEET_TAXI] = 40,   [FLEET_HAIL] = 60, [FLEET_LORRY] = 60, [FLEET_VAN] = 80,
    [FLEET_TIPPER] = 10, [FLEET_BUS] = 15,  [FLEET_COACH] = 10, [FLEET_VISITOR] = 2500,
};

static void
lay_kinds(struct fleet *f)
{
    uint32_t at = 0;
    for (int k = 0; k < FLEET_KINDS; k++) {
        f->base[k] = at;
        uint32_t n = (uint32_t)((uint64_t)f->n * kind_part[k] / 10000);
        if (n < 24)
            n = 24; /* a small city has a few of each */
        at += k == FLEET_RESIDENT ? f->n - at : n;
    }
    must(at == f->n);
    f->base[FLEET_KINDS] = f->n;
}

static void
lay_segments(struct fleet *f, uint32_t (*rank)[SPACES + FORMS])
{
    uint32_t left = 0;
    for (size_t i = 0; i < SHARES; i++) {
        const struct share *s = &shares[i];
        bool first = i == 0 || shares[i - 1].kind != s->kind;
        uint32_t all = f->base[s->kind + 1] - f->base[s->kind];
        if (first)
            left = all;
        bool last = i + 1 == SHARES || shares[i + 1].kind != s->kind;
        uint32_t n = last ? left : (uint32_t)((uint64_t)all * s->part / 10000);
        struct fleet_segment *g = &f->segments[f->segments_n++];
        /* Forms with a mark of their own (police, school ...) do not share a space. */
        int space = form_space[s->form] == SPACE_FOUR || s->form == FORM_MILITARY
                        ? SPACES + s->form
                        : form_space[s->form];
        uint32_t start = 0;
        for (unsigned r = 0; r < s->regions; r++)
            if (rank[s->region + r][space] > start)
                start = rank[s->region + r][space];
        *g = (struct fleet_segment){
            f->base[s->kind + 1] - left, n, start, s->region, s->regions, s->form};
        for (unsigned r = 0; r < s->regions; r++)
            rank[s->region + r][space] = start + n / s->regions + 1;
        must(start + n / s->regions + 1 < space_size[form_space[s->form]]);
        left -= n;
    }
}

static const struct fleet_segment *
segment_of(const struct fleet *f, uint32_t id)
{
    uint32_t lo = 0, hi = f->segments_n;
    while (hi - lo > 1) {
        uint32_t mid = (lo + hi) / 2;
        if (f->segments[mid].first <= id)
            lo = mid;
        else
            hi = mid;
    }
    return &f->segments[lo];
}

static void
make_plates(struct fleet *f)
{
    for (uint32_t k = 0; k < f->segments_n; k++) {
        const struct fleet_segment *g = &f->segments[k];
        for (uint32_t i = 0; i < g->n; i++) {
            unsigned region = g->region + i % g->regions;
            uint32_t n =
                permute(f, form_space[g->form], region, g->rank + i / g->regions);
            plate_text((enum form)g->form, region, n, f->plate[g->first + i]);
            map_put(f, g->first + i);
        }
    }
}

enum err
fleet_init(
    struct fleet *f, uint64_t seed, uint32_t n, uint32_t extra, struct note *note)
{
    memset(f, 0, sizeof *f);
    must(n >= 2000 && n <= 6000000);
    f->seed = seed;
    f->n = f->total = n;
    f->room = n + extra;
    uint64_t size = 1;
    while (size < (uint64_t)f->room * 3 / 2)
        size *= 2;
    f->map_mask = size - 1;
    f->plate = calloc(f->room, FLEET_PLATE);
    f->segments = calloc(SHARES, sizeof *f->segments);
    f->map_key = calloc(size, sizeof *f->map_key);
    f->map_id = calloc(size, sizeof *f->map_id);
    uint32_t(*rank)[SPACES + FORMS] = calloc(REGIONS, sizeof *rank);
    if (!f->plate || !f->segments || !f->map_key || !f->map_id || !rank) {
        free(rank);
        fleet_release(f);
        return note_set(
            note, ERR_NOMEM, "vehicles", "not enough memory for the vehicles",
            "内存不足，无法生成车辆");
    }
    lay_kinds(f);
    lay_segments(f, rank);
    free(rank);
    make_plates(f);
    return OK;
}

void
fleet_release(struct fleet *f)
{
    free(f->plate);
    free(f->segments);
    free(f->map_key);
    free(f->map_id);
    memset(f, 0, sizeof *f);
}

/* ---- what a vehicle is ---- */

enum fleet_kind
fleet_kind_of(const struct fleet *f, uint32_t id)
{
    int k = 0;
    while (k + 1 < FLEET_KINDS && id >= f->base[k + 1])
        k++;
    return (enum fleet_kind)k;
}

static uint8_t
body_color(uint32_t q) /* q of 0..99: white, black, grey, red, blue ... */
{
    static const struct {
        uint8_t upto, color;
    } t[] = {{42, 2}, {64, 1}, {80, 3}, {87, 4}, {92, 5},
             {95, 8}, {97, 9}, {98, 6}, {99, 7}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        if (q < t[i].upto)
            return t[i].color;
    return 10;
}

static uint8_t
car_brand(uint32_t q) /* q of 0..99 */
{
    static const struct {
        uint8_t upto, brand;
    } t[] = {{14, 1},  {21, 2},  {26, 3},  {33, 4},  {42, 6},  {47, 7},
             {54, 8},  {59, 9},  {62, 10}, {65, 11}, {70, 13}, {74, 14},
             {77, 15}, {84, 19}, {92, 26}, {96, 30}, {98, 34}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        if (q < t[i].upto)
            return t[i].brand;
    return (uint8_t)(20 + q % 17);
}

static void
set_class(struct fleet_vehicle *v, const char *c)
{
    memcpy(v->vehicle_class, c, strlen(c) + 1);
}

static void
car_look(struct fleet_vehicle *v, uint64_t h)
{
    static const char *const classes[4] = {"K33", "K32", "K39", "K31"};
    uint32_t q = (h >> 20) % 100;
    set_class(v, classes[q < 60 ? 0 : q < 87 ? 1 : q < 95 ? 2 : 3]);
    v->vehicle_color = body_color((h >> 30) % 100);
    v->brand = car_brand((uint32_t)((h >> 40) % 100));
}

static void
lorry_look(struct fleet_vehicle *v, uint64_t h)
{
    static const char *const classes[8] = {"H11", "H12", "H13", "H14",
                                           "H15", "H19", "Q11", "H11"};
    static const uint8_t brands[6] = {25, 25, 31, 36, 17, 21};
    static const uint8_t colors[8] = {4, 5, 2, 6, 2, 9, 4, 5};
    set_class(v, classes[(h >> 20) % 8]);
    v->brand = brands[(h >> 30) % 6];
    v->vehicle_color = colors[(h >> 40) % 8];
}

static void
kind_look(struct fleet_vehicle *v, uint64_t h, enum form form)
{
    v->use_nature = 'F';
    switch ((enum fleet_kind)v->kind) {
    case FLEET_TAXI:
        car_look(v, h);
        set_class(v, "K33");
        v->brand = form == FORM_NEV_SMALL ? 26 : 1;
        v->vehicle_color = 5;
        v->use_nature = 'D';
        return;
    case FLEET_HAIL:
        car_look(v, h);
        v->use_nature = 'T';
        return;
    case FLEET_LORRY:
        lorry_look(v, h);
        return;
    case FLEET_VAN:
        set_class(v, (h >> 20 & 1) ? "H31" : "H32");
        v->brand = (h >> 21 & 1) ? 30 : 31;
        v->vehicle_color = (h >> 22 & 1) ? 2 : 5;
        return;
    case FLEET_TIPPER:
        set_class(v, "H17");
        v->brand = 25;
        v->vehicle_color = (h >> 21 & 1) ? 4 : 9;
        return;
    case FLEET_BUS:
        set_class(v, "K11");
        v->brand = 28;
        v->vehicle_color = 9;
        v->use_nature = 'C';
        return;
    case FLEET_COACH:
        set_class(v, (h >> 20 & 1) ? "K11" : "K21");
        v->brand = 28;
        v->vehicle_color = (h >> 21 & 1) ? 2 : 6;
        v->use_nature = (h >> 22 & 1) ? 'B' : 'E';
        return;
    case FLEET_VISITOR:
        if (form == FORM_YELLOW && (h & 7) == 0) {
            set_class(v, "K11");
            v->brand = 28;
            v->vehicle_color = 2;
            v->use_nature = 'E';
        } else if (form == FORM_YELLOW) {
            lorry_look(v, h);
        } else {
            car_look(v, h);
            v->use_nature = 'A';
        }
        return;
    case FLEET_RESIDENT:
        car_look(v, h);
        v->use_nature = form == FORM_POLICE ? 'H' : form == FORM_COACH ? 'N' : 'A';
        if (form == FORM_POLICE || form == FORM_COACH)
            set_class(v, "K33");
        return;
    case FLEET_KINDS:
        break;
    }
    must(!"a kind of vehicle");
}

struct fleet_vehicle
fleet_get(const struct fleet *f, uint32_t id)
{
    uint64_t h = rnd_hash(f->seed, WHAT_LOOK, id);
    struct fleet_vehicle v = {0};
    if (id >= f->n) { /* a fake: looks like somebody's car */
        v.kind = FLEET_RESIDENT;
        v.plate_color = 5;
        v.plate_class = 2;
        v.use_nature = 'A';
        car_look(&v, h);
        return v;
    }
    enum form form = (enum form)segment_of(f, id)->form;
    static const uint8_t colors[FORMS] = {5, 6, 9, 9, 2, 6, 1, 2, 2};
    static const uint8_t classes[FORMS] = {2, 1, 52, 51, 23, 16, 26, 31, 32};
    v.kind = (uint8_t)fleet_kind_of(f, id);
    v.plate_color = colors[form];
    v.plate_class = classes[form];
    kind_look(&v, h, form);
    return v;
}

/* ---- other plates ---- */

void
fleet_some_plate(uint64_t h, bool local, char dst[FLEET_PLATE])
{
    unsigned region = local ? 0 : 1 + rnd_scale(h, REGIONS - 1);
    plate_text(FORM_BLUE, region, rnd_scale(rnd_mix(h), space_size[SPACE_FIVE]), dst);
}

const char *
fleet_confused(char c)
{
    static const struct {
        char c;
        const char *with;
    } t[] = {
        {'0', "DQ8"}, {'1', "7TL"}, {'2', "Z7"},  {'3', "8B"}, {'4', "A"},  {'5', "S6"},
        {'6', "8G5"}, {'7', "1TZ"}, {'8', "B36"}, {'9', "8G"}, {'A', "4"},  {'B', "8R"},
        {'C', "G0"},  {'D', "0"},   {'E', "FB"},  {'F', "EP"}, {'G', "6C"}, {'H', "NM"},
        {'J', "U3"},  {'K', "XH"},  {'L', "1"},   {'M', "NH"}, {'N', "MH"}, {'P', "FR"},
        {'Q', "0"},   {'R', "BP"},  {'S', "58"},  {'T', "17"}, {'U', "J0"}, {'V', "YU"},
        {'W', "V"},   {'X', "KY"},  {'Y', "VX"},  {'Z', "27"},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        if (t[i].c == c)
            return t[i].with;
    return "";
}

bool
fleet_has_twin(const struct fleet *f, const char *plate)
{
    char text[FLEET_PLATE];
    snprintf(text, sizeof text, "%s", plate);
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        char was = text[i];
        for (const char *s = serial; *s; s++) {
            /* Either may be taken for the other. */
            if (!strchr(fleet_confused(was), *s) && !strchr(fleet_confused(*s), was))
                continue;
            text[i] = *s;
            if (fleet_find(f, span_of(text, n)) != FLEET_NONE)
                return true;
        }
        text[i] = was;
    }
    return false;
}
