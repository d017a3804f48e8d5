/* SPDX-License-Identifier: Apache-2.0 */
/* sight_pair.h - the second thread of questions: half of a scan may run on it while the
 * asker works on the other half. There is one an engine; a question that finds it busy
 * does all by itself, so nobody waits for another's question.
 *
 * Owner    pair_new() to pair_free(); what is passed to it lives until pair_end().
 * Threads  any thread begins; whoever began also ends. The thread is started when it is
 * first wanted and only where there is more than one processor. What runs on it must
 * not call the asker's functions (stop, want, fn).
 * Errors   none: without a thread the work is the asker's.
 * See      docs/why/sightings.md "Two threads"; tests in sight_pair_test.c.
 */
#ifndef TQ_STORE_SIGHT_PAIR_H
#define TQ_STORE_SIGHT_PAIR_H

#include <stdbool.h>

struct pair;
struct pair *pair_new(void);
void pair_free(struct pair *p); /* NULL is fine */

typedef void (*pair_fn)(void *arg);
/* Runs fn(arg) beside the caller; false: it is busy or there is none (p NULL). */
bool pair_begin(struct pair *p, pair_fn fn, void *arg);
/* Waits for it. Only after pair_begin() said true. */
void pair_end(struct pair *p);
/* fn(other) beside fn(own), or one after the other. */
void pair_both(struct pair *p, pair_fn fn, void *own, void *other);

#endif
