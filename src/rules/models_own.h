/* SPDX-License-Identifier: Apache-2.0 */
/* models_own.h - the inside of a model, for models.c and model_build.c alone.
 *
 * Units    least times in 0.1 s; times in milliseconds.
 * Owner    as models.h.
 */
#ifndef TQ_RULES_MODELS_OWN_H
#define TQ_RULES_MODELS_OWN_H

#include "rules/models.h"

#define MODEL_PREFIXES (1u << 14)
/* Past it, distances are used instead of learned times. */
#define MODEL_MATRIX_SITES 4096u

struct model_edge { /* a way between two sites that many vehicles were seen to take */
    uint32_t from, to;
    uint32_t n; /* passages it was learned from */
    uint32_t least_ds;
};

struct model_prefix { /* exact reads of plates of one province and letter */
    uint32_t registered, foreign;
};

struct model {
    uint32_t refs; /* atomic */
    uint32_t number;
    int32_t day;
    uint32_t sites_n;
    struct site_model *sites;  /* sites_n + 1 */
    struct site_model rest;    /* for sites it does not know */
    struct site_habit *habits; /* sites_n + 1; [0] is of the whole city */
    struct model_edge *edges;
    size_t edges_n;
    uint16_t *least_ds; /* sites_n squared, [from - 1][to - 1]; 0 unknown; NULL: none */
    struct model_prefix *prefixes; /* MODEL_PREFIXES */
    float *covered; /* of each prefix; -1 unknown; filled by model_close() */
    /* plates of the last day, and of the day before */
    uint64_t *bloom[2];
    uint64_t bloom_bits; /* a power of two; 0: none */
};

struct model *model_new(uint32_t sites_n);
/* Fills what follows from the rest: shares covered, shortest ways. False without
 * memory. */
bool model_close(struct model *m);
void model_bloom_put(uint64_t *bloom, uint64_t bits, struct plate p);
unsigned model_prefix_of(struct plate p);

#endif
