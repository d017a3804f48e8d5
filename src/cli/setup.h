/* SPDX-License-Identifier: Apache-2.0 */
/* setup.h - making a data directory: format, definitions, keys, the first accounts.
 *
 * Owner    nothing is kept.
 * Errors   ERR_CONFLICT: the directory is not empty.
 */
#ifndef TQ_CLI_SETUP_H
#define TQ_CLI_SETUP_H

#include <stdio.h>

#include "core/civil.h"

struct setup {
    const char *dir;
    struct zone zone;
    const char *password;  /* of admin; NULL: made and printed */
    const char *tls_names; /* NULL: no certificate */
    FILE *out;             /* where "login password" lines go */
};
enum err setup_data(const struct setup *s, struct note *note) MUST_USE;

/* Adds an account through the operation; password NULL: made and printed to out. */
enum err setup_user(
    const char *dir, const char *login, const char *name, const char *role,
    const char *org, const char *password, bool must_change, FILE *out,
    struct note *note) MUST_USE;

#endif
