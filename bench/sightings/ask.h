/* SPDX-License-Identifier: Apache-2.0 */
/* ask.h - the nine questions, asked of our engine. */
#ifndef TQ_BENCH_ASK_H
#define TQ_BENCH_ASK_H

#include "peer.h"

#include "store/sight.h"

#define DAYS 7
#define DRAWS 100

struct asker {
    const struct city *city;
    struct arena arena;
    struct draw draw[QUESTIONS][DRAWS];
    unsigned draws[QUESTIONS];
};
/* Makes the draws: plates of random passes, so that busy vehicles come as often as they
 * drive. */
void asker_init(struct asker *a, const struct city *city);
void asker_release(struct asker *a);

/* Answers one draw; rows are materialised, and marked when `mark`. */
struct answer
ask_ours(struct asker *a, struct sight *s, unsigned q, unsigned i, bool mark);

#endif
