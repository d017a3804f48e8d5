/* SPDX-License-Identifier: Apache-2.0 */
/* loop_json.h - the small JSON words that definitions and matters share.
 *
 * Owner    appends to the caller's buffer.
 * Threads  pure.
 * See      docs/api.md; loop_show.c, matter_json.c.
 */
#ifndef TQ_LOOPS_LOOP_JSON_H
#define TQ_LOOPS_LOOP_JSON_H

#include "core/cur.h"
#include "loops/loop_def.h"

void
loop_json_text(struct buf *b, struct loop_text t); /* {"zh","en"}; null without text */
void loop_json_label(struct buf *b, struct loop_text t);        /* ,"zh":..,"en":.. */
void loop_json_maybe(struct buf *b, const char *s);             /* a string, or null */
void loop_json_id(struct buf *b, const char *key, uint64_t id); /* ,"key":id or null */
/* A field as forms show it, without required and value. */
void loop_json_field(struct buf *b, const struct loop_field *f);

#endif
