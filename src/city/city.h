/* SPDX-License-Identifier: Apache-2.0 */
/* city.h - the demo city: a deterministic stream of camera records, and the files of a
 * city.
 *
 * Shape    city_new() lays out ground, vehicles and parts; city_stream_*() gives
 * records in order of arrival, day by day; city_write() writes a whole directory with
 * its truth.
 * Units    epoch milliseconds; the city's civil time is UTC+8.
 * Owner    city_new() gives the caller a city to city_free(); a stream borrows it.
 * Threads  one city, one thread.
 * Errors   ERR_INPUT (an option out of bounds), ERR_NOMEM, ERR_IO (a file cannot be
 * written).
 * See      docs/city.md (files, habits, faults, truth).
 */
#ifndef TQ_CITY_CITY_H
#define TQ_CITY_CITY_H

#include "city/camera.h"
#include "core/civil.h"

#define CITY_OFFSET_MS (8 * HOUR_MS)
#define CITY_FROM_MS INT64_C(1772380800000) /* 2026-03-02 00:00 +08:00, a Monday */

struct city_opts {
    uint64_t seed;
    int days;          /* 1..400 */
    uint32_t per_day;  /* records captured a day, 1,000..12,000,000 */
    uint32_t vehicles; /* registered; 0 = from per_day */
    uint32_t watches;  /* rows of watches.csv; 0 = none (100,000 is usual) */
    ts_ms from_ms;     /* 0 = CITY_FROM_MS; moved back to its civil midnight */
    ts_ms until_ms;    /* city_write(): what arrives later is left out; 0 = nothing */
    const char *out;   /* city_write(): directory, made when missing */
    /* May be NULL; called after each day with what was written so far. */
    void (*progress)(void *ctx, int day, int days, uint64_t rows);
    void *progress_ctx;
};

struct city {
    struct city_opts opts;
    struct shape shape;
    struct fleet fleet;
    struct plan plan;
    struct camera camera;
};

enum err
city_new(const struct city_opts *o, struct city **out, struct note *note) MUST_USE;
void city_free(struct city *c);

/* Told about the records of each day, once each (no retries), before they arrive. */
struct city_observer {
    void (*day)(void *ctx, int day, struct city_rec *recs, size_t n);
    void *ctx;
};

struct city_stream;

/* Records of the days first_day..days-1 in order of arrival (late ones and retries
 * where they fall). observer may be NULL. NULL without memory. */
struct city_stream *
city_stream_new(struct city *c, int first_day, const struct city_observer *observer);
/* Does not end after the city's last day, but goes on day after day: for the simulator.
 */
void city_stream_run_on(struct city_stream *s);
void city_stream_free(struct city_stream *s);
/* The next record, valid until the next call; NULL at the end. Makes a day at a time.
 */
const struct city_rec *city_stream_next(struct city_stream *s);
/* Day of the records being given (for progress). */
int city_stream_day(const struct city_stream *s);

/* The row of sightings.csv without the newline into dst (at least CITY_ROW bytes): its
 * length. */
#define CITY_ROW 256
size_t city_row(const struct city *c, const struct city_rec *r, char *dst);
extern const char city_row_header[];

/* Writes the whole directory: see docs/city.md for its files. */
enum err city_write(const struct city_opts *o, struct note *note) MUST_USE;

#endif
