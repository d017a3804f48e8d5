/* SPDX-License-Identifier: Apache-2.0 */
/* What each column of the segments costs, in bits a pass. */
#include "columns.h"

#include "core/err.h"
#include "store/sight_place.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

struct tally {
    const char *name; /* NULL ends a table */
    double bytes;
};

static struct tally run_rows[] = {
    {"time", 0},        {"site", 0},         {"lane", 0},          {"direction", 0},
    {"speed", 0},       {"confidence", 0},   {"flags", 0},         {"plate colour", 0},
    {"class", 0},       {"colour", 0},       {"brand", 0},         {"device", 0},
    {"record form", 0}, {"record delay", 0}, {"record number", 0}, {"image form", 0},
    {"image delay", 0}, {"image number", 0}, {"other texts", 0},   {"arrival", 0},
    {NULL, 0}};
static struct tally run_plates[] = {
    {"plate", 0},  {"rows", 0},  {"days", 0},  {"plate colour", 0}, {"class", 0},
    {"colour", 0}, {"brand", 0}, {"hours", 0}, {"first day", 0},    {NULL, 0}};
static struct tally run_days[] = {{"day", 0}, {"hours", 0}, {"passes", 0}, {NULL, 0}};
static struct tally place_rows[] = {{"time", 0}, {"plate", 0}, {"odd", 0}, {NULL, 0}};
static struct tally place_plates[] = {{"plate", 0},  {"plate colour", 0}, {"class", 0},
                                      {"colour", 0}, {"brand", 0},        {NULL, 0}};
static struct tally place_flow[] = {
    {"five minutes", 0}, {"passes", 0}, {"mute", 0}, {"speeds", 0}, {NULL, 0}};

static struct kind {
    const char *pattern, *name[3];
    struct tally *table[3];
} kinds[] = {
    {"v*.tqs",
     {"its plates", "vehicle run", "its days"},
     {run_plates, run_rows, run_days}},
    {"p*.tqs",
     {"place segment", "its plates", "its flow"},
     {place_rows, place_plates, place_flow}},
};

static void
add_segment(const struct kind *k, const char *path, double *rows)
{
    struct seg *s;
    struct note note = {0};
    if (seg_open(os_fs_real(), path, &s, &note) != OK) {
        fprintf(stderr, "bench-sightings: %s: %s\n", path, note.en);
        exit(1);
    }
    *rows += (double)s->meta.rows;
    for (unsigned t = 0; t < 3; t++)
        for (size_t i = 0; i < s->table[t].blocks; i++) {
            struct blk b;
            if (!seg_block(s, t, i, &b))
                exit(1);
            for (unsigned c = 0; c < b.cols && k->table[t][c].name; c++)
                k->table[t][c].bytes += (double)blk_bytes(&b, c);
        }
    seg_unref(s);
}

void
columns_print(const char *dir)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char pattern[600];
        double rows = 0;
        glob_t g;
        snprintf(pattern, sizeof pattern, "%s/segments/%s", dir, kinds[i].pattern);
        if (glob(pattern, 0, NULL, &g) == 0)
            for (size_t k = 0; k < g.gl_pathc; k++)
                add_segment(&kinds[i], g.gl_pathv[k], &rows);
        globfree(&g);
        for (unsigned t = 0; rows > 0 && t < 3; t++) {
            printf("%s, bits a pass:\n", kinds[i].name[t]);
            for (const struct tally *c = kinds[i].table[t]; c->name; c++)
                printf("  %-16s %8.3f\n", c->name, c->bytes * 8 / rows);
        }
    }
}
