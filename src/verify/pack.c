/* SPDX-License-Identifier: Apache-2.0 */
/* The archive is read by its central directory; entries are stored, never compressed.
 */
#include "verify/pack.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define MOST ((size_t)1 << 30)
#define LINE_MOST 320

struct bytes {
    const uint8_t *p;
    size_t n;
};

struct pack {
    const struct chain_options *o;
    struct bytes all;
    size_t directory, entries;
    unsigned wrong;
};

static uint32_t
le(const uint8_t *p, unsigned n)
{
    uint32_t v = 0;
    while (n--)
        v = v << 8 | p[n];
    return v;
}

static void
damage(struct pack *p, const char *what, const char *name, size_t n)
{
    fprintf(p->o->out, "DAMAGE %s: %.*s\n", what, (int)n, name);
    p->wrong++;
}

/* The i-th entry of the directory; *at moves on. False when it does not hold together.
 */
static bool
entry(const struct pack *p, size_t *at, struct bytes *name, struct bytes *data)
{
    const uint8_t *c = p->all.p + *at;
    if (p->all.n < 46 || *at > p->all.n - 46 || le(c, 4) != 0x02014b50)
        return false;
    size_t name_n = le(c + 28, 2), more = (size_t)le(c + 30, 2) + le(c + 32, 2);
    size_t size = le(c + 24, 4), local = le(c + 42, 4);
    if (le(c + 10, 2) != 0 || le(c + 20, 4) != size ||
        name_n + more > p->all.n - *at - 46 || p->all.n < 30 || local > p->all.n - 30)
        return false;
    const uint8_t *l = p->all.p + local;
    size_t skip = 30 + (size_t)le(l + 26, 2) + le(l + 28, 2);
    if (le(l, 4) != 0x04034b50 || skip > p->all.n - local ||
        size > p->all.n - local - skip || le(l + 26, 2) != name_n ||
        memcmp(l + 30, c + 46, name_n) != 0)
        return false;
    *name = (struct bytes){c + 46, name_n};
    *data = (struct bytes){l + skip, size};
    *at += 46 + name_n + more;
    return true;
}

/* How many entries bear this name; *data gets the last. */
static unsigned
find(const struct pack *p, const char *name, size_t n, struct bytes *data)
{
    size_t at = p->directory;
    unsigned found = 0;
    for (size_t i = 0; i < p->entries; i++) {
        struct bytes other, bytes;
        if (!entry(p, &at, &other, &bytes))
            return 0;
        if (other.n == n && memcmp(other.p, name, n) == 0) {
            *data = bytes;
            found++;
        }
    }
    return found;
}

static bool
open_pack(struct pack *p)
{
    for (size_t back = 22; back <= p->all.n && back < 22 + 65536; back++) {
        const uint8_t *e = p->all.p + p->all.n - back;
        if (le(e, 4) != 0x06054b50)
            continue;
        p->entries = le(e + 10, 2);
        p->directory = le(e + 16, 4);
        return p->directory <= p->all.n;
    }
    return false;
}

static bool
hex32(const char *s, size_t n, uint8_t *dst, size_t want)
{
    size_t got = 0;
    return n == 2 * want && !sodium_hex2bin(dst, want, s, n, NULL, &got, NULL) &&
           got == want;
}

/* "tongqu-evidence 1 <look> <at_ms> <hash> <key> <signature>" over the manifest. */
static void
check_signature(struct pack *p, struct bytes manifest, struct bytes line)
{
    char text[LINE_MOST], *word[7], *save = NULL;
    uint8_t hash[32], real[32], key[32], signature[64], wanted[32];
    unsigned n = 0;
    if (line.n >= sizeof text) {
        damage(p, "the signature is not readable", "manifest.sig", 12);
        return;
    }
    memcpy(text, line.p, line.n);
    text[line.n] = 0;
    for (char *w = strtok_r(text, " ", &save); w && n < 7;
         w = strtok_r(NULL, " ", &save))
        word[n++] = w;
    bool ok = n == 7 && strcmp(word[0], "tongqu-evidence") == 0 &&
              strcmp(word[1], "1") == 0 && hex32(word[4], strlen(word[4]), hash, 32) &&
              hex32(word[5], strlen(word[5]), key, 32) &&
              hex32(word[6], strlen(word[6]), signature, 64) &&
              crypto_sign_verify_detached(
                  signature, line.p, (size_t)(word[6] - text) - 1, key) == 0;
    if (!ok) {
        damage(p, "the signature does not hold", "manifest.sig", 12);
        return;
    }
    crypto_generichash(real, sizeof real, manifest.p, manifest.n, NULL, 0);
    if (memcmp(real, hash, sizeof real) != 0)
        damage(p, "it was changed after it was signed", "manifest.txt", 12);
    if (p->o->key && (!hex32(p->o->key, strlen(p->o->key), wanted, 32) ||
                      memcmp(wanted, key, sizeof key) != 0))
        damage(p, "signed by another key", word[5], 64);
    fprintf(p->o->out, "look %s, signed at %s ms by %s\n", word[2], word[3], word[5]);
}

/* "<hash> <size> <name>" a line. */
static size_t
check_files(struct pack *p, struct bytes manifest)
{
    size_t files = 0;
    const char *s = (const char *)manifest.p, *end = s + manifest.n;
    while (s < end) {
        const char *stop = memchr(s, '\n', (size_t)(end - s));
        const char *line = s;
        if (!stop)
            stop = end;
        s = stop + 1;
        uint8_t hash[32], real[32];
        const char *size = stop - line > 65 ? line + 65 : NULL;
        const char *name = size ? memchr(size, ' ', (size_t)(stop - size)) : NULL;
        struct bytes data;
        if (!name || !hex32(line, 64, hash, 32)) {
            damage(p, "a line is not readable", line, (size_t)(stop - line));
            continue;
        }
        name++;
        size_t n = (size_t)(stop - name);
        unsigned found = find(p, name, n, &data);
        if (found != 1) {
            damage(p, found ? "it is there twice" : "it is missing", name, n);
            continue;
        }
        files++;
        crypto_generichash(real, sizeof real, data.p, data.n, NULL, 0);
        if (strtoull(size, NULL, 10) != data.n || memcmp(real, hash, 32) != 0)
            damage(p, "its content was changed", name, n);
    }
    return files;
}

static uint8_t *
read_all(const struct chain_options *o, size_t *n)
{
    FILE *f = fopen(o->dir, "rb");
    size_t room = 1 << 20;
    uint8_t *p = f ? malloc(room) : NULL;
    *n = 0;
    while (p && room <= MOST) {
        size_t got = fread(p + *n, 1, room - *n, f);
        if (got == 0)
            break;
        *n += got;
        if (*n == room) {
            uint8_t *more = realloc(p, room *= 2);
            if (!more)
                free(p);
            p = more;
        }
    }
    if (p && (ferror(f) || *n >= MOST)) {
        free(p);
        p = NULL;
    }
    if (f)
        fclose(f);
    return p;
}

enum chain_result
pack_check(const struct chain_options *o)
{
    struct pack p = {.o = o};
    struct bytes manifest, line;
    if (sodium_init() < 0)
        return CHAIN_UNREADABLE;
    uint8_t *all = read_all(o, &p.all.n);
    if (!all) {
        fprintf(o->err, "tongqu-verify: %s cannot be read\n", o->dir);
        return CHAIN_UNREADABLE;
    }
    p.all.p = all;
    size_t files = 0;
    if (!open_pack(&p) || find(&p, "manifest.txt", 12, &manifest) != 1 ||
        find(&p, "manifest.sig", 12, &line) != 1) {
        damage(&p, "this is no whole evidence archive", o->dir, strlen(o->dir));
    } else {
        check_signature(&p, manifest, line);
        files = check_files(&p, manifest);
        if (files + 2 != p.entries && !p.wrong)
            damage(&p, "files that the manifest does not name", o->dir, strlen(o->dir));
    }
    if (!p.wrong)
        fprintf(
            o->out, "%zu files: whole%s\n", files,
            o->key ? "" : " (give --key to check who signed)");
    free(all);
    return p.wrong ? CHAIN_DAMAGED : CHAIN_WHOLE;
}
