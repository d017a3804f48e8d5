/* SPDX-License-Identifier: Apache-2.0 */
/* api_kit.h - what many rows of serve/api share: the house, a desk for this thread,
 * snapshots that are given back together, small checks.
 *
 * Owner    kit_open() references snapshots; kit_close() gives them back, safe on
 * zeroed.
 * Threads  the thread the row runs on.
 */
#ifndef TQ_SERVE_API_KIT_H
#define TQ_SERVE_API_KIT_H

#include "serve/api.h"
#include "model/look.h"
#include "serve/rows.h"

#define KIT_LOOKERS (ROLE_DUTY | ROLE_ANALYST | ROLE_SQUAD | ROLE_SUPERVISOR)

struct kit {
    struct house *house;
    struct site_table *sites;
    struct org_table *orgs;
    struct live *live;
    struct desk desk;
};

struct house *kit_house(struct api_env *env);
/* The desk can change things on the ledger thread, elsewhere only read. */
void kit_open(struct kit *k, struct api_env *env, struct req *r);
void kit_close(struct kit *k);

/* Who asks, as the loop machine knows people. */
struct matter_actor kit_actor(const struct req *r);

/* The nodes that the caller's lists are cut to; NULL and n 0: the root, everything. */
enum err kit_scope(
    const struct req *r, const struct org_table *orgs, struct org_id **out,
    size_t *n) MUST_USE;

/* A matter by what stands in a path: its number. ERR_NOTFOUND also when it is outside
 * the caller's part of the tree. */
enum err kit_matter(
    struct req *r, struct kit *k, struct span number, struct matter_row *out) MUST_USE;
/* Writes a whole matter (docs/api.md "GET /matters/{id}"). */
enum err kit_matter_json(
    struct req *r, struct kit *k, const struct matter_row *row,
    struct buf *out) MUST_USE;

/* One entry of the journal, so that snapshots and consoles follow. */
enum err kit_told(
    struct api_env *env, struct req *r, enum ledger_topic topic,
    uint64_t object) MUST_USE;

/* "once": true when this very request was answered before (the reply is written again).
 * On the ledger thread. */
bool kit_once_seen(struct req *r, struct api_env *env);
/* Keeps the reply for a repeat; nothing without "once". */
enum err kit_once_keep(struct req *r, struct api_env *env, int status) MUST_USE;

/* Who asks, from the body keys matter, purpose, from_ms, to_ms, emergency and why (an
 * export has no window of its own). An unknown matter is refused. */
enum err kit_who(
    struct req *r, struct api_env *env, enum look_kind kind,
    struct look_request *out) MUST_USE;

/* A look's refusal with its own code and the sentence of the note. */
enum err kit_look_refused(struct req *r, enum look_refusal refusal);
/* A record of class look for what needs no permit of its own: evidence that a list
 * shows already, a picture of a look that is on record. Durable on return. */
struct kit_looked {
    const char *action;
    struct span object, purpose;
    uint64_t count;
    uint64_t matter; /* 0 none */
    uint64_t look;   /* the look it belongs to; 0 none */
    bool refused;    /* asked for, not shown */
};
enum err kit_looked_at(
    struct req *r, struct api_env *env, const struct kit_looked *what) MUST_USE;
/* The caller as looks know people: user, roles, organisation, unit, address, now. The
 * texts lie in the request's arena. */
struct look_request kit_looker(struct req *r);
/* What an alarm's card asks: the alarm's own matter, purpose and plate. */
struct look_request kit_card(struct req *r, const struct alarm_row *row);

/* A pass that is evidence of a matter (its number; empty none): as it is stored, or as
 * the matter holds it once its day was dropped. ERR_NOTFOUND. */
enum err kit_evidence(
    const struct kit *k, struct sight_snap *snap, struct span matter,
    struct sighting_id id, struct arena *arena, struct sighting *out) MUST_USE;

/* ERR_CONFLICT as the contract's "state", "same_person", "exists". */
enum err kit_conflict(struct req *r, enum refusal why, const struct note *note);

#endif
