/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_people.h - organisation tree, units, users, sessions and devices in the
 * ledger.
 *
 * Shape    put = insert when id is 0 (the new id is written back) else replace;
 *          ERR_CONFLICT when the login, callsign or code belongs to another row;
 *          ERR_NOTFOUND for an unknown id.
 * Secrets  passwords as argon2id strings made by user_hash() on a work thread (29-109
 *          ms); session tokens and device keys only as BLAKE2b-256; a VIID password
 *          only as Digest HA1.
 * Threads  as ledger.h.
 */
#ifndef TQ_STORE_LEDGER_PEOPLE_H
#define TQ_STORE_LEDGER_PEOPLE_H

#include "model/org.h"
#include "model/site.h"
#include "model/user.h"
#include "store/ledger.h"

/* ---- organisation ---- */
enum err ledger_org_put(struct ledger *l, struct org *o) MUST_USE;
enum err ledger_org_table(
    struct ledger_reader *r, uint64_t version, struct org_table **out) MUST_USE;

/* ---- units ---- */
struct unit_row {
    struct unit unit;
    uint64_t matter; /* being worked; 0 none */
};
enum err ledger_unit_put(struct ledger *l, struct unit_row *u) MUST_USE;
/* Status and matter only. */
enum err ledger_unit_state(
    struct ledger *l, struct unit_id id, uint8_t status, uint64_t matter) MUST_USE;
/* Last positions, once in a while (live ones are in memory). */
enum err ledger_unit_fix(
    struct ledger *l, struct unit_id id, int32_t lon, int32_t lat, ts_ms at) MUST_USE;
enum err ledger_unit_find(
    struct ledger_reader *r, struct unit_id id, struct unit_row *out) MUST_USE;
enum err ledger_units(
    struct ledger_reader *r, struct arena *a, struct unit_row **out,
    size_t *n) MUST_USE;

/* ---- users ---- */
#define USER_HASH 128 /* crypto_pwhash_STRBYTES */
struct user_row {
    struct user user;
    unsigned roles_asked;  /* wished by the administrator, given by security; 0 none */
    char hash[USER_HASH];  /* argon2id string; "" = nobody can sign in */
    uint32_t failures;     /* since the last success */
    ts_ms locked_until_ms; /* 0 not locked */
    ts_ms created_ms, last_ms;
    uint32_t epoch; /* grows with every put: ends sessions of the older account */
};
enum err ledger_user_put(struct ledger *l, struct user_row *u) MUST_USE;
enum err ledger_user_find(
    struct ledger_reader *r, struct user_id id, struct user_row *out) MUST_USE;
enum err ledger_user_by_login(
    struct ledger_reader *r, struct span login, struct user_row *out) MUST_USE;
enum err ledger_users(
    struct ledger_reader *r, struct arena *a, struct user_row **out,
    size_t *n) MUST_USE;
/* One sign-in try: counts failures, locks after `limit` for `lock_ms`; success clears.
 */
struct user_try {
    bool good;
    ts_ms at_ms;
    uint32_t limit;
    int64_t lock_ms;
};
enum err
ledger_user_try(struct ledger *l, struct user_id id, const struct user_try *t) MUST_USE;

/* argon2id (interactive limits) of a password into dst; blocks 30-110 ms. */
enum err user_hash(struct span password, char dst[USER_HASH]) MUST_USE;
/* False also for an empty hash; takes the same time then. */
bool user_hash_ok(const char *hash, struct span password);

/* ---- sessions ---- */
#define SESSION_TOKEN 32
struct session_row {
    uint8_t hash[32]; /* BLAKE2b-256 of the 32-byte token */
    uint8_t csrf[16];
    struct user_id user;
    ts_ms created_ms, used_ms, ends_ms; /* ends: absolute */
    uint32_t epoch; /* of the account when it was made: another one ends the session */
    char from[48];  /* address of the client */
};
enum err ledger_session_put(struct ledger *l, const struct session_row *s) MUST_USE;
enum err ledger_session_find(
    struct ledger_reader *r, const uint8_t hash[32], struct session_row *out) MUST_USE;
enum err
ledger_session_used(struct ledger *l, const uint8_t hash[32], ts_ms at) MUST_USE;
enum err ledger_session_drop(struct ledger *l, const uint8_t hash[32]) MUST_USE;
/* All of a user (role change, password change), except `keep` when not NULL. */
enum err ledger_sessions_drop_user(
    struct ledger *l, struct user_id user, const uint8_t *keep) MUST_USE;
/* Past their absolute end, or unused since. */
enum err
ledger_sessions_purge(struct ledger *l, ts_ms now, ts_ms unused_since) MUST_USE;
enum err ledger_sessions(
    struct ledger_reader *r, struct arena *a, struct session_row **out,
    size_t *n) MUST_USE;
/* BLAKE2b-256 of a token or key. */
void secret_hash(struct span secret, uint8_t out[32]);

/* ---- devices ---- */
struct device {
    struct device_id id;
    char code[32]; /* DeviceID of VIID, or own code */
    char name[96];
    char kind[16];       /* code of the face's device_kind */
    char protocol[12];   /* "viid", "ndjson", "fixes" */
    struct site_id site; /* 0: sends for many sites */
    bool disabled;
    uint8_t key_hash[32]; /* of the bearer key; all zero = none */
    char login[48];       /* Digest user; "" = none */
    char realm[48];
    char ha1_md5[33]; /* hex of MD5(login:realm:password) */
    char ha1_sha256[65];
    ts_ms created_ms, last_ms; /* last: any message; 0 never */
    uint64_t faults, objects;
};
enum err ledger_device_put(struct ledger *l, struct device *d) MUST_USE;
enum err ledger_device_find(
    struct ledger_reader *r, struct device_id id, struct device *out) MUST_USE;
enum err ledger_device_by_code(
    struct ledger_reader *r, struct span code, struct device *out) MUST_USE;
enum err ledger_devices(
    struct ledger_reader *r, struct arena *a, struct device **out, size_t *n) MUST_USE;
/* Last seen and counters, written once in a while from the live table. */
enum err ledger_device_seen(
    struct ledger *l, struct device_id id, ts_ms last, uint64_t faults,
    uint64_t objects) MUST_USE;

#endif
