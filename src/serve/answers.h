/* SPDX-License-Identifier: Apache-2.0 */
/* answers.h - a question and its answer as JSON, CSV, GeoJSON and a table for people:
 * one writer for the API and the command line, made of the question's rows.
 *
 * Owner    everything is appended to the caller's buffer.
 * Threads  any.
 * Errors   those of the buffer (out->bad).
 */
#ifndef TQ_SERVE_ANSWERS_H
#define TQ_SERVE_ANSWERS_H

#include "analysis/question.h"
#include "core/cur.h"

/* {"name","zh","en","what",...,"params":[...],"columns":[...]}. */
void answers_question(struct buf *out, const struct question *q);
/* Its part of docs/analysis.md. */
void answers_markdown(struct buf *out, const struct question *q);
/* "columns":[...],"rows":[[...]],"sites":{code:{...}},"facts":[...], without braces. */
void answers_json(
    struct buf *out, const struct question *q, const struct question_answer *a,
    const struct site_table *sites);
/* UTF-8 with BOM; no cell is a formula. */
void answers_csv(
    struct buf *out, const struct question *q, const struct question_answer *a,
    const struct site_table *sites);
/* A feature a row: a point at its only site, a line where it has several. */
void answers_geojson(
    struct buf *out, const struct question *q, const struct question_answer *a,
    const struct site_table *sites);
void answers_table(
    struct buf *out, const struct question *q, const struct question_answer *a,
    const struct site_table *sites, const struct zone *zone);

#endif
