/* SPDX-License-Identifier: Apache-2.0 */
/* An evidence archive from a stranger: whole or damaged, never a crash. One that is
 * whole is so to the byte: a byte less or more at its end is damage. */
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "verify/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    must(nowhere != NULL);
    struct chain_options o = {.dir = "fuzz.zip", .out = nowhere, .err = nowhere};
    enum chain_result is = pack_check_bytes(&o, data, size);
    must(is == CHAIN_WHOLE || is == CHAIN_DAMAGED);
    if (is != CHAIN_WHOLE)
        return 0;
    must(pack_check_bytes(&o, data, size - 1) == CHAIN_DAMAGED);
    uint8_t *more = malloc(size + 1);
    must(more != NULL);
    memcpy(more, data, size);
    more[size] = 0;
    must(pack_check_bytes(&o, more, size + 1) == CHAIN_DAMAGED);
    free(more);
    return 0;
}
