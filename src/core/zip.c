/* SPDX-License-Identifier: Apache-2.0 */
/* local head, bytes; local head, bytes; ... central directory; its end. */
#include "core/zip.h"

#include <string.h>

#define VERSION 20u
#define UTF8 0x0800u

/* CRC-32 of IEEE 802.3, bit by bit reflected; four bits a step. */
static uint32_t
crc32_of(struct span s)
{
    static const uint32_t row[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                     0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                     0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                     0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t c = 0xffffffff;
    for (size_t i = 0; i < s.n; i++) {
        c ^= (uint8_t)s.p[i];
        c = row[c & 15] ^ c >> 4;
        c = row[c & 15] ^ c >> 4;
    }
    return ~c;
}

void
zip_init(struct zip *z, struct buf *out, ts_ms at, const struct zone *zone)
{
    struct civil c = civil_of(at, zone);
    int year = c.year < 1980 ? 1980 : c.year;
    *z = (struct zip){
        .out = out,
        .date = (uint16_t)((year - 1980) << 9 | c.month << 5 | c.day),
        .time = (uint16_t)(c.hour << 11 | c.minute << 5 | c.second / 2),
    };
}

/* The part that local heads and the directory share. */
static void
common(struct buf *b, const struct zip *z, uint32_t crc, size_t size, size_t name)
{
    buf_le(b, VERSION, 2);
    buf_le(b, UTF8, 2);
    buf_le(b, 0, 2); /* stored */
    buf_le(b, z->time, 2);
    buf_le(b, z->date, 2);
    buf_le(b, crc, 4);
    buf_le(b, (uint32_t)size, 4);
    buf_le(b, (uint32_t)size, 4);
    buf_le(b, (uint16_t)name, 2);
    buf_le(b, 0, 2);
}

void
zip_add(struct zip *z, const char *name, struct span bytes)
{
    uint32_t at = (uint32_t)z->out->n, crc = crc32_of(bytes);
    size_t n = strlen(name);
    must(bytes.n < UINT32_MAX && z->n < UINT16_MAX && n < 256);
    buf_le(z->out, 0x04034b50, 4);
    common(z->out, z, crc, bytes.n, n);
    buf_put(z->out, name, n);
    buf_put(z->out, bytes.p, bytes.n);
    buf_le(&z->list, 0x02014b50, 4);
    buf_le(&z->list, VERSION, 2);
    common(&z->list, z, crc, bytes.n, n);
    buf_le(&z->list, 0, 2); /* comment */
    buf_le(&z->list, 0, 2); /* disk */
    buf_le(&z->list, 0, 2);
    buf_le(&z->list, 0, 4);
    buf_le(&z->list, at, 4);
    buf_put(&z->list, name, n);
    z->n++;
}

void
zip_end(struct zip *z)
{
    uint32_t at = (uint32_t)z->out->n;
    buf_put(z->out, z->list.p, z->list.n);
    buf_le(z->out, 0x06054b50, 4);
    buf_le(z->out, 0, 2);
    buf_le(z->out, 0, 2);
    buf_le(z->out, z->n, 2);
    buf_le(z->out, z->n, 2);
    buf_le(z->out, (uint32_t)z->list.n, 4);
    buf_le(z->out, at, 4);
    buf_le(z->out, 0, 2);
    z->out->bad |= z->list.bad;
}

void
zip_release(struct zip *z)
{
    buf_release(&z->list);
}
