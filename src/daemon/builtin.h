/* SPDX-License-Identifier: Apache-2.0 */
/* builtin.h - the definitions this release ships, in the binary, so that init can write
 * them where a city edits them.
 *
 * Owner    constant; made by the build from definitions/.
 * See      cmake/definitions.cmake.
 */
#ifndef TQ_DAEMON_BUILTIN_H
#define TQ_DAEMON_BUILTIN_H

#include "core/span.h"

struct builtin_file {
    const char *path; /* below definitions/: "loops/alarm.yaml"; NULL ends the list */
    struct span text;
};
const struct builtin_file *builtin_definitions(void);

#endif
