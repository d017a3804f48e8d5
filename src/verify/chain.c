/* SPDX-License-Identifier: Apache-2.0 */
/* Reads file after file, record after record. The first thing that is wrong in a file
 * is told with the record's number; then the walk goes on behind it where it can, so
 * that one run names every damaged place it can tell apart. Signed heads are checked
 * against the hashes seen on the way. */
#include "verify/chain.h"

#include <dirent.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define MAGIC "TQAUDIT\n"
#define FILE_HEAD 120u
#define FIXED 84u
#define TEXTS 7u
#define RECORD_MIN (FIXED + 2 * TEXTS + 32u)
#define RECORD_MAX (RECORD_MIN + TEXTS * 4096u)
#define HEAD_LINE 400
#define FINDINGS_MAX 20u

struct head { /* a signed head */
    uint64_t number;
    uint8_t hash[32], key[32];
    const char *from; /* which file said so */
    bool seen;
};

struct walk {
    const struct chain_options *o;
    char dir[4096];
    uint64_t *files; /* first numbers, ascending */
    size_t files_n;
    struct head *heads;
    size_t heads_n;
    uint8_t key[32];
    bool key_known;
    uint64_t number;  /* of the last record read */
    uint8_t hash[32]; /* of it */
    bool linked; /* false behind a damaged place: the next link cannot be checked */
    uint64_t records, found;
    int64_t first_ms, last_ms;
};

static void tell(struct walk *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
tell(struct walk *w, const char *fmt, ...)
{
    va_list ap;
    if (w->found++ == FINDINGS_MAX)
        fprintf(w->o->out, "DAMAGE ... more, not listed\n");
    if (w->found > FINDINGS_MAX)
        return;
    fprintf(w->o->out, "DAMAGE ");
    va_start(ap, fmt);
    vfprintf(w->o->out, fmt, ap);
    va_end(ap);
    fputc('\n', w->o->out);
}

static uint64_t
le(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

/* ---- files ---- */

/* Whole file into malloc memory with a NUL behind; NULL when it cannot be read. */
static uint8_t *
read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    uint8_t *p = NULL;
    size_t room = 0, got = 0;
    for (;;) {
        if (room - got < 65536) {
            room = room ? 2 * room : 1u << 20;
            uint8_t *q = realloc(p, room + 1);
            if (!q) {
                got = 0;
                break;
            }
            p = q;
        }
        size_t more = fread(p + got, 1, room - got, f);
        got += more;
        if (more == 0)
            break;
    }
    if (ferror(f)) {
        free(p);
        p = NULL;
    }
    fclose(f);
    if (p)
        p[got] = 0;
    *n = got;
    return p;
}

static int
by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static bool
add_file(struct walk *w, const char *name)
{
    char *end = NULL;
    if (strlen(name) != 16 || strcmp(name + 12, ".tqa") != 0)
        return true;
    uint64_t first = strtoull(name, &end, 10);
    if (end != name + 12)
        return true;
    uint64_t *files = realloc(w->files, (w->files_n + 1) * sizeof *files);
    if (!files)
        return false;
    w->files = files;
    w->files[w->files_n++] = first;
    return true;
}

static bool
list_files(struct walk *w)
{
    struct stat st;
    snprintf(w->dir, sizeof w->dir, "%s/audit", w->o->dir);
    if (stat(w->dir, &st) != 0)
        snprintf(w->dir, sizeof w->dir, "%s", w->o->dir);
    DIR *d = opendir(w->dir);
    if (!d)
        return false;
    bool good = true;
    for (struct dirent *e; good && (e = readdir(d));)
        good = add_file(w, e->d_name);
    closedir(d);
    if (w->files_n)
        qsort(w->files, w->files_n, sizeof *w->files, by_number);
    return good;
}

/* ---- heads ---- */

static bool
hex(const char *s, size_t n, uint8_t *dst, size_t want)
{
    size_t got = 0;
    return n == 2 * want && !sodium_hex2bin(dst, want, s, n, NULL, &got, NULL) &&
           got == want;
}

/* Cuts a line at its spaces; answers how many words there are (more than 7: 8). */
static unsigned
split(char *line, char *word[7])
{
    unsigned n = 0;
    for (char *p = line; p;) {
        if (n == 7)
            return 8;
        word[n++] = p;
        p = strchr(p, ' ');
        if (p)
            *p++ = 0;
    }
    return n;
}

/* "tongqu-head 1 <number> <at_ms> <hash> <key> <signature>": the signature is over what
 * stands before it. */
static bool
parse_head(const char *line, size_t n, struct head *out)
{
    char copy[HEAD_LINE], *word[7];
    uint8_t signature[64];
    if (n >= sizeof copy)
        return false;
    memcpy(copy, line, n);
    copy[n] = 0;
    if (split(copy, word) != 7 || strcmp(word[0], "tongqu-head") != 0 ||
        strcmp(word[1], "1") != 0)
        return false;
    char *end = NULL;
    out->number = strtoull(word[2], &end, 10);
    return *end == 0 && hex(word[4], strlen(word[4]), out->hash, 32) &&
           hex(word[5], strlen(word[5]), out->key, 32) &&
           hex(word[6], strlen(word[6]), signature, 64) &&
           crypto_sign_verify_detached(
               signature, (const unsigned char *)line, (size_t)(word[6] - copy) - 1,
               out->key) == 0;
}

static bool
keep_head(struct walk *w, const struct head *h)
{
    struct head *heads = realloc(w->heads, (w->heads_n + 1) * sizeof *heads);
    if (!heads)
        return false;
    w->heads = heads;
    w->heads[w->heads_n++] = *h;
    return true;
}

/* The key that counts: given by the caller, else of the heads kept outside, else
 * key.pub. */
static void
check_key(struct walk *w, const struct head *h, unsigned line)
{
    if (!w->key_known) {
        memcpy(w->key, h->key, 32);
        w->key_known = true;
    } else if (memcmp(w->key, h->key, 32) != 0) {
        tell(w, "%s line %u is signed by another key", h->from, line);
    }
}

static bool
load_heads(struct walk *w, const char *path, const char *from, bool wanted)
{
    size_t n = 0;
    uint8_t *text = read_file(path, &n);
    if (!text)
        return !wanted;
    unsigned number = 0;
    bool good = true;
    for (char *p = (char *)text, *end = p + n; good && p < end;) {
        char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t length = stop ? (size_t)(stop - p) : (size_t)(end - p);
        struct head h = {.from = from};
        number++;
        if (length && p[length - 1] == '\r')
            length--;
        if (length && parse_head(p, length, &h)) {
            check_key(w, &h, number);
            good = keep_head(w, &h);
        } else if (length) {
            tell(w, "%s line %u is no valid signed head", from, number);
        }
        p = stop ? stop + 1 : end;
    }
    free(text);
    return good;
}

static void
load_key_file(struct walk *w)
{
    char path[4200];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/key.pub", w->dir);
    uint8_t *text = read_file(path, &n);
    uint8_t key[32];
    if (!text) {
        tell(w, "audit/key.pub is missing");
    } else if (n < 64 || !hex((char *)text, 64, key, 32)) {
        tell(w, "audit/key.pub is damaged");
    } else if (!w->key_known) {
        memcpy(w->key, key, 32);
        w->key_known = true;
    } else if (memcmp(w->key, key, 32) != 0) {
        tell(w, "audit/key.pub is not the key that signed the outside heads");
    }
    free(text);
}

/* ---- records ---- */

struct record {
    uint64_t number;
    int64_t at_ms;
    uint8_t prev[32], hash[32];
    size_t length;
    bool whole; /* its texts end where they should and its hash fits */
};

/* False: there is no telling where the record ends. */
static bool
read_record(const uint8_t *p, size_t n, struct record *r)
{
    uint8_t hash[32];
    if (n < RECORD_MIN)
        return false;
    r->length = le(p, 4);
    if (r->length < RECORD_MIN || r->length > RECORD_MAX || r->length > n)
        return false;
    size_t at = FIXED;
    for (unsigned i = 0; i < TEXTS && at + 2 <= r->length - 32; i++)
        at += 2 + le(p + at, 2);
    crypto_generichash(hash, 32, p, r->length - 32, NULL, 0);
    r->whole = at == r->length - 32 && memcmp(hash, p + at, 32) == 0;
    r->number = le(p + 4, 8);
    r->at_ms = (int64_t)le(p + 12, 8);
    memcpy(r->prev, p + FIXED - 32, 32);
    memcpy(r->hash, p + r->length - 32, 32);
    return true;
}

static void
check_heads(struct walk *w, const struct record *r)
{
    for (size_t i = 0; i < w->heads_n; i++) {
        struct head *h = &w->heads[i];
        if (h->number != r->number || h->seen)
            continue;
        h->seen = true;
        if (memcmp(h->hash, r->hash, 32) != 0)
            tell(
                w, "record %llu is not the one signed in %s: rewritten at or before it",
                (unsigned long long)r->number, h->from);
    }
}

static void
check_order(struct walk *w, const struct record *r)
{
    unsigned long long want = w->number + 1, got = r->number;
    if (got == want) {
        if (w->linked && memcmp(r->prev, w->hash, 32) != 0)
            tell(
                w, "record %llu does not follow record %llu: one of them was replaced",
                got, want - 1);
    } else if (got > want) {
        tell(
            w, "record %llu is missing (%llu removed or moved before record %llu)",
            want, got - want, got);
    } else {
        tell(w, "record %llu stands where %llu belongs: inserted or moved", got, want);
    }
}

static void
take_record(struct walk *w, const struct record *r)
{
    if (!r->whole)
        tell(
            w, "record %llu was changed: its hash does not fit",
            (unsigned long long)w->number + 1);
    else
        check_order(w, r);
    check_heads(w, r);
    /* A changed record still says what the next one must follow: itself as stored. */
    w->number = r->whole ? r->number : w->number + 1;
    w->linked = true;
    memcpy(w->hash, r->hash, 32);
    if (w->records++ == 0)
        w->first_ms = r->at_ms;
    w->last_ms = r->at_ms;
}

/* The next byte at which a whole record begins; n when there is none. */
static size_t
find_record(const uint8_t *p, size_t n, size_t from)
{
    struct record r;
    for (size_t i = from; i + RECORD_MIN <= n; i++)
        if (read_record(p + i, n - i, &r) && r.whole)
            return i;
    return n;
}

static void
walk_records(struct walk *w, const uint8_t *p, size_t n)
{
    for (size_t at = FILE_HEAD; at < n;) {
        struct record r;
        bool read = read_record(p + at, n - at, &r);
        /* A changed length would skip records: believe it only when a record or the end
         * follows. */
        if (read && !r.whole && at + r.length != n) {
            struct record next;
            read =
                read_record(p + at + r.length, n - at - r.length, &next) && next.whole;
        }
        if (read) {
            take_record(w, &r);
            at += r.length;
            continue;
        }
        size_t next = find_record(p, n, at + 1);
        tell(
            w, "record %llu was changed or cut: %zu bytes are no record",
            (unsigned long long)w->number + 1, next - at);
        w->linked = false;
        if (next < n && read_record(p + next, n - next, &r) && r.number > 0)
            w->number = r.number - 1; /* what lies between is told as one place */
        at = next;
    }
}

static void
check_file_head(struct walk *w, uint64_t first, const uint8_t *p)
{
    uint8_t hash[32];
    unsigned long long f = first;
    crypto_generichash(hash, 32, p, 88, NULL, 0);
    if (memcmp(p, MAGIC, 8) != 0 || memcmp(hash, p + 88, 32) != 0 ||
        le(p + 16, 8) != first)
        tell(w, "file %012llu.tqa: its head was changed", f);
    else if (le(p + 8, 4) != 1)
        tell(w, "file %012llu.tqa has a newer layout: use the newer tongqu-verify", f);
    else if (w->key_known && memcmp(p + 56, w->key, 32) != 0)
        tell(w, "file %012llu.tqa was written under another key", f);
    else if (first == w->number + 1 && w->linked && memcmp(p + 24, w->hash, 32) != 0)
        tell(w, "file %012llu.tqa does not follow the file before it", f);
}

static bool
walk_file(struct walk *w, uint64_t first)
{
    char path[4200];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/%012llu.tqa", w->dir, (unsigned long long)first);
    uint8_t *p = read_file(path, &n);
    if (!p)
        return false;
    if (n < FILE_HEAD)
        tell(w, "file %012llu.tqa is cut off in its head", (unsigned long long)first);
    else
        check_file_head(w, first, p);
    walk_records(w, p, n);
    free(p);
    return true;
}

/* ---- the whole ---- */

static void
check_tail(struct walk *w)
{
    for (size_t i = 0; i < w->heads_n; i++) {
        const struct head *h = &w->heads[i];
        if (h->seen)
            continue;
        if (h->number > w->number)
            tell(
                w,
                "the end is cut off: %s signed record %llu, the last one here is %llu",
                h->from, (unsigned long long)h->number, (unsigned long long)w->number);
        else
            tell(
                w, "record %llu, signed in %s, is not here",
                (unsigned long long)h->number, h->from);
    }
}

static void
time_text(int64_t ms, char dst[32])
{
    time_t t = (time_t)(ms / 1000);
    struct tm tm;
    if (!gmtime_r(&t, &tm) || strftime(dst, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        snprintf(dst, 32, "?");
}

static void
summarise(const struct walk *w)
{
    char from[32], to[32], hash[65], key[65];
    uint64_t signed_to = 0;
    for (size_t i = 0; i < w->heads_n; i++)
        if (w->heads[i].seen && w->heads[i].number > signed_to)
            signed_to = w->heads[i].number;
    time_text(w->first_ms, from);
    time_text(w->last_ms, to);
    sodium_bin2hex(hash, sizeof hash, w->hash, 32);
    sodium_bin2hex(key, sizeof key, w->key, 32);
    fprintf(
        w->o->out, "records %llu in %zu files, %s to %s\n",
        (unsigned long long)w->records, w->files_n, w->records ? from : "-",
        w->records ? to : "-");
    fprintf(w->o->out, "last %llu %s\n", (unsigned long long)w->number, hash);
    fprintf(
        w->o->out, "key %s, %zu signed heads, signed up to record %llu\n", key,
        w->heads_n, (unsigned long long)signed_to);
    if (w->number > signed_to)
        fprintf(
            w->o->out, "note: records after %llu are chained but not signed yet\n",
            (unsigned long long)signed_to);
    if (!w->o->head)
        fprintf(
            w->o->out,
            "note: a cut tail is found only with a head kept outside (--head FILE)\n");
}

static enum chain_result
unreadable(const struct walk *w, const char *what)
{
    fprintf(w->o->err, "tongqu-verify: cannot read %s\n", what);
    return CHAIN_UNREADABLE;
}

static enum chain_result
check(struct walk *w)
{
    char path[4200];
    if (w->o->key) {
        if (!hex(w->o->key, strlen(w->o->key), w->key, 32)) {
            fprintf(w->o->err, "tongqu-verify: --key needs 64 hex digits\n");
            return CHAIN_UNREADABLE;
        }
        w->key_known = true;
    }
    if (!list_files(w))
        return unreadable(w, w->o->dir);
    if (w->o->head && !load_heads(w, w->o->head, "the outside head", true))
        return unreadable(w, w->o->head);
    load_key_file(w);
    snprintf(path, sizeof path, "%s/heads", w->dir);
    if (!load_heads(w, path, "audit/heads", false))
        return unreadable(w, path);
    w->linked = true; /* the record before the first is 32 zeros */
    if (w->files_n == 0)
        tell(w, "there is no audit file");
    for (size_t i = 0; i < w->files_n; i++)
        if (!walk_file(w, w->files[i]))
            return unreadable(w, w->dir);
    check_tail(w);
    summarise(w);
    fprintf(
        w->o->out, w->found ? "DAMAGED: %llu findings\n" : "WHOLE\n",
        (unsigned long long)w->found);
    return w->found ? CHAIN_DAMAGED : CHAIN_WHOLE;
}

enum chain_result
chain_check(const struct chain_options *options)
{
    struct walk w = {.o = options};
    if (sodium_init() < 0)
        return CHAIN_UNREADABLE;
    enum chain_result result = check(&w);
    free(w.files);
    free(w.heads);
    return result;
}
