/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: a small and bounded table, buckets with chains. */
#include "serve/session.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>

#include "core/text.h"

#define BUCKETS 1024u
#define SESSIONS_MAX 20000u
#define COST_A_SECOND 1000.0
#define COST_BURST 4000.0
struct sessions {
    struct session *buckets[BUCKETS];
    atomic_size_t n; /* read by any thread */
    int64_t idle_ms, most_ms;
};

struct sessions *
sessions_new(int64_t idle_ms, int64_t most_ms)
{
    struct sessions *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->idle_ms = idle_ms;
    t->most_ms = most_ms;
    return t;
}

void
sessions_free(struct sessions *t)
{
    for (unsigned i = 0; t && i < BUCKETS; i++) {
        while (t->buckets[i]) {
            struct session *s = t->buckets[i];
            t->buckets[i] = s->next;
            sodium_memzero(s, sizeof *s);
            free(s);
        }
    }
    free(t);
}

size_t
sessions_count(const struct sessions *t)
{
    return t->n;
}

int64_t
sessions_idle_ms(const struct sessions *t)
{
    return t->idle_ms;
}

static struct session **
bucket_of(struct sessions *t, const uint8_t hash[32])
{
    uint64_t v;
    memcpy(&v, hash, sizeof v);
    return &t->buckets[v % BUCKETS];
}

struct session *
sessions_by_hash(struct sessions *t, const uint8_t hash[32])
{
    struct session *s = *bucket_of(t, hash);
    while (s && sodium_memcmp(s->hash, hash, 32) != 0)
        s = s->next;
    return s;
}

static bool
is_over(const struct sessions *t, const struct session *s, ts_ms now)
{
    return now >= s->seen_ms + t->idle_ms || now >= s->made_ms + t->most_ms;
}

ts_ms
session_ends(const struct sessions *t, const struct session *s)
{
    ts_ms idle = s->seen_ms + t->idle_ms, most = s->made_ms + t->most_ms;
    return idle < most ? idle : most;
}

struct session *
sessions_find(struct sessions *t, struct span cookie, ts_ms now)
{
    uint8_t hash[32];
    if (cookie.n != TOKEN_TEXT - 1)
        return NULL;
    session_hash(cookie, hash);
    struct session *s = sessions_by_hash(t, hash);
    return s && !is_over(t, s, now) ? s : NULL;
}

struct session *
sessions_add(
    struct sessions *t, const struct kept_session *kept, const struct user *user,
    ts_ms seen)
{
    struct session *s = t->n < SESSIONS_MAX ? calloc(1, sizeof *s) : NULL;
    if (!s)
        return NULL;
    memcpy(s->hash, kept->hash, sizeof s->hash);
    sodium_bin2hex(s->csrf, sizeof s->csrf, kept->csrf, sizeof kept->csrf);
    s->user = *user;
    s->epoch = kept->epoch;
    s->made_ms = kept->made_ms;
    s->seen_ms = s->tokens_ms = seen;
    s->tokens = COST_BURST;
    struct session **b = bucket_of(t, s->hash);
    s->next = *b;
    *b = s;
    t->n++;
    return s;
}

void
sessions_drop(struct sessions *t, struct session *s)
{
    struct session **at = bucket_of(t, s->hash);
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    t->n--;
    sodium_memzero(s, sizeof *s);
    free(s);
}

static void
drop_where(
    struct sessions *t, bool (*hit)(struct sessions *, struct session *, const void *),
    const void *how, void (*fn)(void *arg, const struct session *s), void *arg)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        struct session *s = t->buckets[i], *next;
        for (; s; s = next) {
            next = s->next;
            if (!hit(t, s, how))
                continue;
            fn(arg, s);
            sessions_drop(t, s);
        }
    }
}

static bool
hit_over(struct sessions *t, struct session *s, const void *how)
{
    return is_over(t, s, *(const ts_ms *)how);
}

void
sessions_sweep(
    struct sessions *t, ts_ms now, void (*fn)(void *arg, const struct session *s),
    void *arg)
{
    drop_where(t, hit_over, &now, fn, arg);
}

struct user_epoch {
    struct user_id user;
    uint64_t epoch;
};

static bool
hit_user(struct sessions *t, struct session *s, const void *how)
{
    (void)t;
    const struct user_epoch *u = how;
    return s->user.id.v == u->user.v && s->epoch != u->epoch;
}

void
sessions_end_user(
    struct sessions *t, struct user_id user, uint64_t epoch,
    void (*fn)(void *arg, const struct session *s), void *arg)
{
    struct user_epoch how = {user, epoch};
    drop_where(t, hit_user, &how, fn, arg);
}

bool
session_pay(struct session *s, unsigned cost, ts_ms now)
{
    double gained = (double)(now - s->tokens_ms) * (COST_A_SECOND / 1000.0);
    s->tokens_ms = now;
    s->tokens += gained > 0 ? gained : 0;
    if (s->tokens > COST_BURST)
        s->tokens = COST_BURST;
    if (s->tokens < cost)
        return false;
    s->tokens -= cost;
    return true;
}

bool
session_csrf_ok(const struct session *s, struct span token)
{
    return token.n == CSRF_TEXT - 1 && sodium_memcmp(s->csrf, token.p, token.n) == 0;
}

/* ---- pure ---- */

void
session_hash(struct span secret, uint8_t out[32])
{
    crypto_generichash(out, 32, (const unsigned char *)secret.p, secret.n, NULL, 0);
}

void
session_token(char dst[TOKEN_TEXT])
{
    unsigned char bytes[32];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2hex(dst, TOKEN_TEXT, bytes, sizeof bytes);
    sodium_memzero(bytes, sizeof bytes);
}

static bool
holds_nocase(struct span s, struct span part)
{
    for (size_t i = 0; part.n && i + part.n <= s.n; i++)
        if (strncasecmp(s.p + i, part.p, part.n) == 0)
            return true;
    return false;
}

static unsigned
distinct_bytes(struct span s)
{
    bool seen[256] = {false};
    unsigned n = 0;
    for (size_t i = 0; i < s.n; i++) {
        n += !seen[(unsigned char)s.p[i]];
        seen[(unsigned char)s.p[i]] = true;
    }
    return n;
}

/* "abcdefghij", "9876543210": each byte one more or one less than the one before. */
static bool
is_run(struct span s)
{
    for (int step = -1; step <= 1; step += 2) {
        size_t i = 1;
        while (i < s.n && s.p[i] == s.p[i - 1] + step)
            i++;
        if (i >= s.n)
            return true;
    }
    return false;
}

enum err
password_rules(struct span password, struct span login, struct note *note)
{
    size_t n = utf8_count(password);
    if (!utf8_valid(password) || n < 10 || n > 256)
        return note_set(
            note, ERR_INPUT, "new", "a password has 10 to 256 characters",
            "口令长度应为 10 至 256 个字符");
    if (login.n >= 3 && holds_nocase(password, login))
        return note_set(
            note, ERR_INPUT, "new", "the password must not hold the user name",
            "口令不能包含用户名");
    if (distinct_bytes(password) < 5 || is_run(password))
        return note_set(
            note, ERR_INPUT, "new",
            "too easy to guess: use at least five different characters in no plain "
            "order",
            "口令过于简单：至少包含五个不同字符，且不能是连续字符");
    return OK;
}

enum err
password_verifier(struct span password, char dst[128])
{
    _Static_assert(crypto_pwhash_STRBYTES == 128, "room of a verifier");
    int rc = crypto_pwhash_str(
        dst, password.p, password.n, crypto_pwhash_OPSLIMIT_INTERACTIVE,
        crypto_pwhash_MEMLIMIT_INTERACTIVE);
    return rc == 0 ? OK : ERR_NOMEM;
}

/* Made with the limits above from a password that nobody has: an unknown name takes as
 * long. */
static const char nobody[] = "$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
                             "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

bool
password_ok(const char *verifier, struct span password)
{
    char padded[128] = {0};
    bool known = verifier[0] != 0;
    (void)span_copy(padded, sizeof padded, span_cstr(known ? verifier : nobody));
    bool same = crypto_pwhash_str_verify(padded, password.p, password.n) == 0;
    return same && known;
}
