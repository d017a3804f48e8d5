/* SPDX-License-Identifier: Apache-2.0 */
/* version.h - the release, as people and files see it.
 *
 * See      NEWS.md; packaging/ reads it too.
 */
#ifndef TQ_CORE_VERSION_H
#define TQ_CORE_VERSION_H

#define TQ_VERSION "0.1.0"

#endif
