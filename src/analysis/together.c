/* SPDX-License-Identifier: Apache-2.0 */
/* The tail is summed from the distribution's recurrence; only its first k terms are
 * needed. */
#include "analysis/together.h"

#define TERMS 512

double
together_tail(const double *q, size_t n, size_t k)
{
    double at[TERMS] = {
        1}; /* at[i]: probability of i successes so far; of k: and more */
    if (k == 0)
        return 1;
    if (k > n)
        return 0;
    if (k >= TERMS)
        k = TERMS - 1;
    for (size_t t = 0; t < n; t++) {
        at[k] += at[k - 1] * q[t];
        for (size_t i = k - 1; i > 0; i--)
            at[i] = at[i] * (1 - q[t]) + at[i - 1] * q[t];
        at[0] *= 1 - q[t];
    }
    return at[k] < 1 ? at[k] : 1;
}

size_t
together_chosen(const double *p, size_t n, size_t tests, double share)
{
    size_t chosen = 0;
    for (size_t i = 0; i < n; i++)
        if (p[i] * (double)tests <= share * (double)(i + 1))
            chosen = i + 1;
    return chosen;
}
