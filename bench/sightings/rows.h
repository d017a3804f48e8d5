/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - the passes of the sightings bench: a made-up city day by day (seeded, the
 * same every time, any number of days), or a CSV file.
 *
 * Units    times ts_ms; positions metres.
 * Owner    rows_open() gives a feed to rows_close(); rows of rows_next() live until the
 * next call.
 * Threads  one.
 */
#ifndef TQ_BENCH_ROWS_H
#define TQ_BENCH_ROWS_H

#include "model/sighting.h"

#define SITES 800
#define T0 INT64_C(1772380800000) /* 2026-03-02 00:00 +08:00, a Monday */
#define PIECE 65536

struct city {
    double x[SITES + 2], y[SITES + 2]; /* by site number, 1.. */
    uint64_t rows;                     /* all that the feed gives */
    unsigned days;
    const char *csv; /* NULL: made up */
};
/* Positions of the made-up city, or of a sites file (number, code, x, y). */
void city_init(struct city *c, const char *sites_file);

struct feed;
struct feed *rows_open(const struct city *c);
void rows_close(struct feed *f);
/* The next rows, at most PIECE and never across two days; NULL at the end. */
const struct sighting *rows_next(struct feed *f, size_t *n);

/* Plates of up to `room` passes spread evenly over all: busy vehicles come often. */
size_t rows_sample(const struct city *c, struct plate *out, size_t room);

/* The plate as it came, else its canonical text; unread ones as 无牌. */
struct span row_plate(const struct sighting *s, char dst[PLATE_TEXT]);
/* One line of a CSV file without a head: plate, plate colour, class, colour, brand,
 * site, lane, direction, time in ms, speed km/h, confidence, record id, picture. Into
 * dst[512]; answers its length. */
size_t row_line(const struct sighting *s, char *dst);

#endif
