/* SPDX-License-Identifier: Apache-2.0 */
/* pack.h - checks an evidence archive (FILE.zip): every file against the manifest, the
 * manifest against its signature, and that nothing else lies in it.
 *
 * Owner    pack_check() keeps nothing.
 * Threads  one.
 * See      docs/evidence.md is the layout; man 1 tongqu-verify.
 */
#ifndef TQ_VERIFY_PACK_H
#define TQ_VERIFY_PACK_H

#include "verify/chain.h"

/* options->dir is the archive; key (or NULL) the public key it must be signed with. */
enum chain_result pack_check(const struct chain_options *options);
/* The same for an archive in memory; dir is only its name. */
enum chain_result
pack_check_bytes(const struct chain_options *options, const uint8_t *all, size_t n);

#endif
