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

struct setup_person {
    const char *login, *name, *role;
    const char *org;      /* code; NULL: the root */
    const char *unit;     /* callsign of the unit the person crews; NULL: none */
    const char *password; /* NULL: made and printed */
    bool must_change;
};
/* Adds an account through the operation. */
enum err setup_user(
    const char *dir, const struct setup_person *who, FILE *out,
    struct note *note) MUST_USE;

#endif
