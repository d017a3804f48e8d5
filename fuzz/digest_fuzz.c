/* SPDX-License-Identifier: Apache-2.0 */
/* Authorization headers: nothing made up is right. */
#include "core/err.h"
#include "feeds/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t secret[DIGEST_SECRET] = {7};
    struct digest_auth a;
    char ha1[DIGEST_HEX];
    if (!digest_parse(span_of(data, size), &a))
        return 0;
    struct digest *d = digest_new(SPAN("tongqu"), secret);
    must(d != NULL);
    digest_ha1(a.algorithm, a.username, SPAN("tongqu"), SPAN("key"), ha1);
    must(
        digest_check(
            d, &a, SPAN("POST"), SPAN("/VIID/System/Register"), ha1, 1772380800000) !=
        DIGEST_RIGHT);
    digest_free(d);
    return 0;
}
