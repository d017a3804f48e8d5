/* SPDX-License-Identifier: Apache-2.0 */
/* points.h - a gantry is one point, though it is two sites: its cameras and its radio
 * (model/toll.h). A vehicle with a tag is read by both; questions about sets of
 * vehicles count that once.
 *
 *   needs of the store --points_open--> needs in which it is so
 *
 * Rule     a tag read goes when the gantry's cameras read the plate within POINT_MS of
 *          it; else it stands for the gantry's own site. A radio that is asked about by
 *          itself keeps its reads.
 * Units    milliseconds.
 * Owner    lives on the asker's arena, as long as the needs behind it.
 * Threads  the thread that runs the analysis.
 * See      question.c, which puts it before every question; points_test.c.
 */
#ifndef TQ_ANALYSIS_POINTS_H
#define TQ_ANALYSIS_POINTS_H

#include "analysis/needs.h"

#define POINT_MS MINUTE_MS

struct points;
/* ERR_TOOBIG past the arena. *out is `needs` itself where no gantry has a radio. */
enum err points_open(
    const struct analysis_needs *needs, struct arena *arena,
    const struct analysis_needs **out) MUST_USE;

#endif
