/* SPDX-License-Identifier: Apache-2.0 */
/* The archive is read by its central directory; entries are stored, never compressed.
 */
#include "verify/pack.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define MOST ((size_t)1 << 30)
#define LINE_MOST 320
#define NAME_SHOWN 200
#define SIZE_MOST (UINT64_MAX / 100)

struct bytes {
    const uint8_t *p;
    size_t n;
};

struct entry {
    struct bytes name, data;
    bool named; /* by a line of the manifest, or one of its two files */
};

struct pack {
    const struct chain_options *o;
    struct bytes all;
    struct entry *entries;
    size_t n;
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

/* What stands in a stranger's file is not let loose on a terminal. */
static void
print_text(FILE *out, const void *text, size_t n)
{
    const uint8_t *p = text;
    for (size_t i = 0; i < n && i < NAME_SHOWN; i++)
        fputc(p[i] < ' ' || p[i] == 127 ? '?' : p[i], out);
}

static void
damage(struct pack *p, const char *what, const void *name, size_t n)
{
    fprintf(p->o->out, "DAMAGE %s: ", what);
    print_text(p->o->out, name, n);
    fputc('\n', p->o->out);
    p->wrong++;
}

/* ---- the archive ---- */

/* The entry of the directory at *at, whose file has to begin at *from: both move on
 * behind it. False when it does not hold together. */
static bool
read_entry(const struct bytes *all, size_t *at, size_t *from, struct entry *out)
{
    if (all->n < 46 || *at > all->n - 46)
        return false;
    const uint8_t *c = all->p + *at;
    size_t name_n = le(c + 28, 2), extra = (size_t)le(c + 30, 2) + le(c + 32, 2);
    size_t size = le(c + 24, 4), local = le(c + 42, 4);
    if (le(c, 4) != 0x02014b50 || le(c + 10, 2) != 0 || le(c + 20, 4) != size ||
        extra != 0 || name_n > all->n - *at - 46 || local != *from ||
        local > all->n - 30)
        return false;
    const uint8_t *l = all->p + local;
    size_t skip = 30 + name_n;
    if (le(l, 4) != 0x04034b50 || le(l + 26, 2) != name_n || le(l + 28, 2) != 0 ||
        skip > all->n - local || size > all->n - local - skip ||
        memcmp(l + 30, c + 46, name_n) != 0)
        return false;
    *out = (struct entry){{c + 46, name_n}, {l + skip, size}, false};
    *at += 46 + name_n;
    *from = local + skip + size;
    return true;
}

/* Files one behind the other, their directory, its end, and not a byte beside. */
static bool
open_pack(struct pack *p)
{
    const struct bytes *all = &p->all;
    const uint8_t *end = all->n >= 22 ? all->p + all->n - 22 : NULL;
    if (!end || le(end, 4) != 0x06054b50 || le(end + 20, 2) != 0)
        return false;
    size_t n = le(end + 10, 2), at = le(end + 16, 4), from = 0;
    const size_t directory = at;
    if (directory > all->n - 22 || n * 46 > all->n)
        return false;
    p->entries = calloc(n + 1, sizeof *p->entries);
    for (; p->entries && p->n < n; p->n++)
        if (!read_entry(all, &at, &from, &p->entries[p->n]))
            return false;
    return p->entries && from == directory && at == all->n - 22;
}

/* The entry of a name; NULL none. *twice: there are more. */
static struct entry *
find(const struct pack *p, const void *name, size_t n, bool *twice)
{
    struct entry *found = NULL;
    *twice = false;
    for (size_t i = 0; i < p->n; i++) {
        struct entry *e = &p->entries[i];
        if (e->name.n != n || memcmp(e->name.p, name, n) != 0)
            continue;
        *twice |= found != NULL;
        found = e;
    }
    return found;
}

static struct entry *
find_own(const struct pack *p, const char *name)
{
    bool twice;
    struct entry *e = find(p, name, strlen(name), &twice);
    if (e && !twice)
        e->named = true;
    return e && !twice ? e : NULL;
}

/* ---- what it says ---- */

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
              line.n == (size_t)(word[6] - text) + 128 && /* and not a byte more */
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
    fputs("look ", p->o->out);
    print_text(p->o->out, word[2], strlen(word[2]));
    fputs(", signed at ", p->o->out);
    print_text(p->o->out, word[3], strlen(word[3]));
    fprintf(p->o->out, " ms by %s\n", word[5]);
}

/* A line of the manifest: "<hash> <size> <name>". */
struct line {
    uint8_t hash[32];
    uint64_t size;
    struct bytes name;
};

static bool
read_line(struct bytes text, struct line *out)
{
    const char *s = (const char *)text.p;
    size_t at = 65;
    if (text.n < 68 || s[64] != ' ' || !hex32(s, 64, out->hash, 32))
        return false;
    for (out->size = 0; at < text.n && s[at] >= '0' && s[at] <= '9'; at++) {
        if (out->size > SIZE_MOST)
            return false;
        out->size = out->size * 10 + (uint64_t)(s[at] - '0');
    }
    if (at == 65 || at + 1 >= text.n || s[at] != ' ')
        return false;
    out->name = (struct bytes){text.p + at + 1, text.n - at - 1};
    return true;
}

/* The next line of a text, without its end. */
static struct bytes
cut_line(struct bytes *rest)
{
    const uint8_t *stop = memchr(rest->p, '\n', rest->n);
    struct bytes line = {rest->p, stop ? (size_t)(stop - rest->p) : rest->n};
    size_t n = line.n + (stop != NULL);
    *rest = (struct bytes){rest->p + n, rest->n - n};
    return line;
}

static bool
is_content(const struct line *l, struct bytes data)
{
    uint8_t real[32];
    crypto_generichash(real, sizeof real, data.p, data.n, NULL, 0);
    return l->size == data.n && memcmp(real, l->hash, sizeof real) == 0;
}

static void
check_line(struct pack *p, struct bytes text)
{
    struct line line;
    bool twice;
    if (!read_line(text, &line)) {
        damage(p, "a line is not readable", text.p, text.n);
        return;
    }
    struct entry *e = find(p, line.name.p, line.name.n, &twice);
    if (!e || twice || e->named) {
        damage(p, e ? "it is there twice" : "it is missing", line.name.p, line.name.n);
        return;
    }
    e->named = true;
    if (!is_content(&line, e->data))
        damage(p, "its content was changed", line.name.p, line.name.n);
}

static void
check_files(struct pack *p, struct bytes manifest)
{
    while (manifest.n)
        check_line(p, cut_line(&manifest));
    for (size_t i = 0; i < p->n; i++)
        if (!p->entries[i].named)
            damage(
                p, "the manifest does not name it", p->entries[i].name.p,
                p->entries[i].name.n);
}

/* ---- clips that lie beside the archive ---- */

static bool
hash_file(const char *path, struct line *out)
{
    static uint8_t chunk[1 << 16];
    crypto_generichash_state state;
    FILE *f = fopen(path, "rb");
    size_t got;
    crypto_generichash_init(&state, NULL, 0, sizeof out->hash);
    out->size = 0;
    while (f && (got = fread(chunk, 1, sizeof chunk, f)) > 0) {
        crypto_generichash_update(&state, chunk, got);
        out->size += got;
    }
    crypto_generichash_final(&state, out->hash, sizeof out->hash);
    bool read = f && !ferror(f);
    if (f)
        fclose(f);
    return read;
}

/* Is there a line of this content? Its name goes to the reader. */
static bool
names_it(struct bytes list, const struct line *is, struct bytes *name)
{
    while (list.n) {
        struct line line;
        if (read_line(cut_line(&list), &line) && line.size == is->size &&
            memcmp(line.hash, is->hash, sizeof line.hash) == 0) {
            *name = line.name;
            return true;
        }
    }
    return false;
}

/* outside.txt has the lines of the manifest for clips that were too large: whoever has
 * such a file can prove that it is the one. */
static enum chain_result
check_clips(struct pack *p, struct bytes manifest)
{
    bool twice;
    const struct entry *e = find(p, "outside.txt", 11, &twice);
    struct bytes outside = e ? e->data : (struct bytes){NULL, 0}, rest = outside, name;
    size_t n = 0;
    for (; rest.n; n++)
        (void)cut_line(&rest);
    if (n && !p->o->clips_n)
        fprintf(
            p->o->out,
            "%zu clips are named by their hash only: check one with --clip "
            "FILE\n",
            n);
    for (size_t i = 0; i < p->o->clips_n; i++) {
        struct line is;
        const char *path = p->o->clips[i];
        if (!hash_file(path, &is)) {
            fprintf(p->o->err, "tongqu-verify: %s cannot be read\n", path);
            return CHAIN_UNREADABLE;
        }
        if (!names_it(outside, &is, &name) && !names_it(manifest, &is, &name)) {
            damage(p, "no clip of this archive has this content", path, strlen(path));
            continue;
        }
        fprintf(p->o->out, "%s is ", path);
        print_text(p->o->out, name.p, name.n);
        fputc('\n', p->o->out);
    }
    return CHAIN_WHOLE;
}

static enum chain_result
check(struct pack *p)
{
    enum chain_result result = CHAIN_WHOLE;
    bool opened = open_pack(p);
    const struct entry *manifest = opened ? find_own(p, "manifest.txt") : NULL;
    const struct entry *line = opened ? find_own(p, "manifest.sig") : NULL;
    if (!manifest || !line) {
        damage(p, "this is no whole evidence archive", p->o->dir, strlen(p->o->dir));
    } else {
        check_signature(p, manifest->data, line->data);
        check_files(p, manifest->data);
        result = check_clips(p, manifest->data);
    }
    if (!p->wrong && result == CHAIN_WHOLE)
        fprintf(
            p->o->out, "%zu files: whole%s\n", p->n - 2,
            p->o->key ? "" : " (give --key to check who signed)");
    free(p->entries);
    return p->wrong ? CHAIN_DAMAGED : result;
}

enum chain_result
pack_check_bytes(const struct chain_options *o, const uint8_t *all, size_t n)
{
    struct pack p = {.o = o, .all = {all, n}};
    return sodium_init() < 0 ? CHAIN_UNREADABLE : check(&p);
}

/* ---- the file ---- */

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
    size_t n;
    uint8_t *all = read_all(o, &n);
    if (!all) {
        fprintf(o->err, "tongqu-verify: %s cannot be read\n", o->dir);
        return CHAIN_UNREADABLE;
    }
    enum chain_result result = pack_check_bytes(o, all, n);
    free(all);
    return result;
}
