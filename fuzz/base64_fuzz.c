/* SPDX-License-Identifier: Apache-2.0 */
/* Inline pictures: never past the room that was asked for. */
#include <stdlib.h>

#include "core/err.h"
#include "feeds/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *out = malloc(base64_room(size));
    size_t n = 0;
    must(out != NULL);
    if (base64_decode(span_of(data, size), out, &n))
        must(n <= size / 4 * 3 + 2);
    free(out);
    return 0;
}
