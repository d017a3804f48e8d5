/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h - another engine beside ours: loads the same rows, answers the same questions.
 *
 * A question's answer is a set of text rows; its mark is the sum of the hashes of the
 * rows, so order does not matter and equal answers have equal marks.
 */
#ifndef TQ_BENCH_PEER_H
#define TQ_BENCH_PEER_H

#include "rows.h"

enum { QUESTIONS = 9 };

/* One draw. Which members count depends on the question. */
struct draw {
    char plate[PLATE_TEXT]; /* Q1, Q5 */
    char like[PLATE_TEXT];  /* Q4: as SQL LIKE */
    uint32_t site[5];       /* Q2 all, Q3 the first two */
    unsigned brand, color;  /* Q2 */
    ts_ms from, to, end;    /* Q2 [from, to); Q3 A in [from, to], B in [from, end] */
                            /* Q6, Q7, Q8 [from, to) */
};

struct answer {
    uint64_t rows, mark;
};
void answer_add(struct answer *a, struct span row);
/* A row under way: its fields, joined by '|'. */
#define ANSWER_ROW 512
struct answer_row {
    char text[ANSWER_ROW];
    size_t n;
    unsigned fields;
};
/* False when the row has no room for it. */
bool answer_field(struct answer_row *row, struct span field);
/* Counts the row and begins the next. */
void answer_end(struct answer *a, struct answer_row *row);

struct peer {
    const char *name;
    /* Opens an empty database under dir; false with a reason when the engine is not
     * installed. */
    bool (*open)(const char *dir, char why[200]);
    /* Loads the CSV file with all orders and indexes, durable. */
    bool (*load)(const char *csv, const struct city *city);
    /* Appends n rows durably, indexes kept. */
    bool (*append)(const struct sighting *rows, size_t n);
    /* Runs the text, walks all of its answer. */
    bool (*ask)(const char *sql, struct answer *out);
    /* The question in the engine's own words, when the common ones do not serve it
     * (NULL: they do). */
    bool (*ask_draw)(unsigned q, const struct draw *d, struct answer *out);
    uint64_t (*bytes)(void); /* on disk */
    bool own_process;        /* its CPU time is not ours */
    void (*close)(void);
    /* Words of the dialect: tables by plate and by site, a whole plate (with the name
     * of the column), integer division. */
    const char *by_plate, *by_site, *divide;
    void (*exact)(char dst[96], const char *column);
};
extern const struct peer peer_sqlite, peer_duckdb, peer_postgres, peer_clickhouse;
/* The question (0..8) as the peer's SQL, into dst. */
void peer_sql(
    const struct peer *p, unsigned q, const struct draw *d, char *dst, size_t room);

#endif
