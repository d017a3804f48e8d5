/* SPDX-License-Identifier: Apache-2.0 */
/* look_mint.h - makes look permits. Included by store/audit_look.c, model/look.c and
 * tests only: a test greps the tree for any other include.
 *
 * Owner    look_permit_new() gives heap memory for look_permit_free().
 */
#ifndef TQ_MODEL_LOOK_MINT_H
#define TQ_MODEL_LOOK_MINT_H

#include "model/look.h"

struct look_permit *
look_permit_new(const struct look_limits *limits); /* NULL: no memory */
void look_permit_free(struct look_permit *p);

#endif
