/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - who is signed in: the table of the console loop, password rules. What
 * comes before: sign_in.h.
 *
 * Shape    the cookie is 32 random bytes in hex; only their BLAKE2b-256 is kept, here
 * and in the ledger. A session ends by sign-out, 30 idle minutes, 12 hours, or another
 * epoch of its account (role, state or password changed).
 * Units    instants ts_ms.
 * Owner    the console loop.
 * Threads  the console loop's only, except the pure functions at the end.
 * See      docs/http.md "Sign-in"; rows in serve/api/session.c; tests in
 * session_test.c.
 */
#ifndef TQ_SERVE_SESSION_H
#define TQ_SERVE_SESSION_H

#include "serve/needs.h"

#define SESSION_COOKIE "tongqu_session"
#define TOKEN_TEXT 65
#define CSRF_TEXT 33

struct session {
    struct session *next; /* in its bucket */
    uint8_t hash[32];
    char csrf[CSRF_TEXT];
    struct user user;
    uint64_t epoch;
    ts_ms made_ms, seen_ms;
    double tokens; /* of its 1,000 cost units a second */
    ts_ms tokens_ms;
};

struct sessions;

struct sessions *sessions_new(int64_t idle_ms, int64_t most_ms);
void sessions_free(struct sessions *t);
size_t sessions_count(const struct sessions *t); /* any thread */
/* The session of a cookie; NULL when there is none or it is over. Does not touch
 * seen_ms. */
struct session *sessions_find(struct sessions *t, struct span cookie, ts_ms now);
struct session *sessions_by_hash(struct sessions *t, const uint8_t hash[32]);
struct session *sessions_add(
    struct sessions *t, const struct kept_session *kept, const struct user *user,
    ts_ms seen);
void sessions_drop(struct sessions *t, struct session *s);
/* Calls fn for each session that is over at now, and removes it. */
void sessions_sweep(
    struct sessions *t, ts_ms now, void (*fn)(void *arg, const struct session *s),
    void *arg);
/* Calls fn for each session of the user whose epoch is not `epoch`, and removes it. */
void sessions_end_user(
    struct sessions *t, struct user_id user, uint64_t epoch,
    void (*fn)(void *arg, const struct session *s), void *arg);
/* Ends at: the earlier of idle and absolute limit. */
ts_ms session_ends(const struct sessions *t, const struct session *s);
int64_t sessions_idle_ms(const struct sessions *t);
/* Takes cost units; false = throttled. */
bool session_pay(struct session *s, unsigned cost, ts_ms now);
bool session_csrf_ok(const struct session *s, struct span token);

/* ---- pure ---- */
void session_hash(struct span secret, uint8_t out[32]); /* BLAKE2b-256 */
void session_token(char dst[TOKEN_TEXT]);               /* fresh random token in hex */
/* 10 to 256 characters, no user name in it, not a few characters over and over. */
enum err
password_rules(struct span password, struct span login, struct note *note) MUST_USE;
enum err
password_verifier(struct span password, char dst[128]) MUST_USE; /* argon2id, ~60 ms */
/* False also for an empty verifier, after the same time. */
bool password_ok(const char *verifier, struct span password);

#endif
