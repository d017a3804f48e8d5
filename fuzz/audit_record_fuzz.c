/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of an audit file: heads, records, head lines. A record that is read encodes to
 * the same bytes. */
#include <stdlib.h>

#include "store/audit_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
one_record(const uint8_t *data, size_t size)
{
    struct audit_raw raw;
    struct buf again = {0};
    uint8_t hash[32];
    if (audit_record_decode(data, size, false, &raw) != OK)
        return;
    must(raw.length <= size);
    audit_record_encode(&again, &raw.record, raw.flags, raw.prev, hash);
    must(!again.bad && again.n == raw.length);
    must(memcmp(again.p, data, raw.length - 32) == 0);
    struct audit_raw back;
    must(audit_record_decode(again.p, again.n, true, &back) == OK);
    buf_release(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct audit_file_head head;
    struct audit_head line;
    if (audit_file_head_decode(data, size, &head) == OK)
        must(size >= AUDIT_FILE_HEAD);
    one_record(data, size);
    if (audit_head_parse(span_of(data, size), &line) == OK)
        must(line.line[0] == 't');
    return 0;
}
