/* SPDX-License-Identifier: Apache-2.0 */
/* run_op.h - from a command's options to an operation of daemon/op.h.
 *
 * Owner    arguments built here die with the call.
 * Errors   those of the operation.
 */
#ifndef TQ_CLI_RUN_OP_H
#define TQ_CLI_RUN_OP_H

#include <jansson.h>

#include "cli/cmd.h"

/* Options named in `names` (ended by NULL) as an object: times as epoch milliseconds,
 * numbers as whole numbers, flags as true; absent ones are left out. '-' becomes '_'.
 * NULL without memory. */
json_t *op_args(const struct cmd_args *args, const char *const *names);
/* Runs `op` on --data; takes the reference of `args`. file: NULL none, "-" the standard
 * input. */
enum err run_op(
    const struct cmd_args *cmd, const char *op, json_t *args, const char *file,
    struct note *note) MUST_USE;

/* What an operation printed to a descriptor (as the daemon writes it when there is one)
 * becomes a file; site names the write. */
enum err keep_printed(
    FILE *printed, const char *path, const char *site, struct note *note) MUST_USE;
/* A line of a password file without its newline into dst[cap]. */
enum err
read_secret(const char *path, char *dst, size_t cap, struct note *note) MUST_USE;
/* The first line of --password-file as the argument "password"; without the option
 * nothing. */
enum err
op_password(const struct cmd_args *args, json_t *to, struct note *note) MUST_USE;

#endif
