/* SPDX-License-Identifier: Apache-2.0 */
/* shipped.h - the definitions of this release against those of the data directory.
 *
 * A file that nobody has touched since a release wrote it is replaced by this release's,
 * one that came new is added. One that the city has changed stays as it is, and this
 * release's is laid beside it as NAME.new, until somebody has looked at it and removed
 * that. One that the city has removed stays away. What was shipped last is known by its
 * hash in the ledger ("shipped:PATH"); before 0.2.0 none was written, so the hashes of
 * what 0.1.0 wrote are known here.
 *
 * Threads  shipped_bring() before any other; shipped_waits() any.
 * See      man 8 tongqu "UPGRADE"; tests in shipped_test.c.
 */
#ifndef TQ_DAEMON_SHIPPED_H
#define TQ_DAEMON_SHIPPED_H

#include "core/os_file.h"
#include "store/ledger.h"

/* Writes all of them into an empty DIR/definitions, in the ledger's open group. */
enum err shipped_write(const char *dir, struct ledger *l, struct note *note) MUST_USE;

/* Brings DIR/definitions to this release. What cannot be written stays as it is and is
 * logged: old definitions are no reason not to start. */
enum err shipped_bring(const char *dir, struct ledger *l, struct note *note) MUST_USE;

/* The i-th definition beside which a NAME.new lies: its path below DIR/definitions, or
 * NULL past the last. */
const char *shipped_waits(const char *dir, size_t i);

#endif
