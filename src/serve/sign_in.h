/* SPDX-License-Identifier: Apache-2.0 */
/* sign_in.h - before a session: throttles of names and addresses, and the room in which
 * sign-ins wait for the threads that compute passwords.
 *
 *   sign_in_may -> sign_in_enter --> SIGN_IN_NOW --> computed --> sign_in_leave
 *                                |-> SIGN_IN_WAITS --(sign_in_next)--^
 *                                `-> SIGN_IN_FULL
 *
 * Shape    a password takes some 60 ms of a core, so few are computed at once and the
 *          rest wait: first who comes from where somebody has signed in rightly, last
 *          who comes from where wrong passwords came. A full room gives the place of its
 *          last to who stands before him. A spray from many addresses thus waits behind
 *          the people who work here. Names that do not exist are treated alike.
 * Units    instants ts_ms.
 * Owner    the console loop; memory is fixed (some 400 kB).
 * Threads  the console loop's only.
 * See      docs/http.md "Sign-in"; tests in sign_in_test.c.
 */
#ifndef TQ_SERVE_SIGN_IN_H
#define TQ_SERVE_SIGN_IN_H

#include "core/civil.h"
#include "core/span.h"
#include "serve/refusal.h"

#define SIGN_IN_TRIES 5 /* wrong in a row: then locked */
#define SIGN_IN_LOCK_MS (15 * MINUTE_MS)
#define SIGN_IN_ADDRESS_TRIES 30 /* wrong from one address in 10 minutes */
#define SIGN_IN_COMPUTED 4       /* on their way to the two work threads */
#define SIGN_IN_ROOM 256         /* on their way and waiting */
#define SIGN_IN_SAME_NAME 4
#define SIGN_IN_SAME_ADDRESS 16 /* an office behind one address */

struct sign_ins;

struct sign_ins *sign_ins_new(void);
void sign_ins_free(struct sign_ins *t);

/* Is the name locked or the address throttled? REFUSE_NOTHING: neither. */
enum refusal
sign_in_may(struct sign_ins *t, struct span login, struct span peer, ts_ms now);
void sign_in_wrong(struct sign_ins *t, struct span login, struct span peer, ts_ms now);
void sign_in_right(struct sign_ins *t, struct span login, struct span peer, ts_ms now);
/* A person unlocked it, or gave it another password. */
void sign_in_forgive(struct sign_ins *t, struct span login);

enum sign_in_place { SIGN_IN_NOW, SIGN_IN_WAITS, SIGN_IN_FULL };
/* A place in the room for `who`, who leaves it by sign_in_leave(), also from waiting.
 * *out gets who had to leave for him (NULL: nobody): he is out already. */
enum sign_in_place sign_in_enter(
    struct sign_ins *t, struct span login, struct span peer, ts_ms now, void *who,
    void **out);
/* What is not in the room is passed over. */
void sign_in_leave(struct sign_ins *t, const void *who);
/* The next who may go on; NULL: nobody waits, or enough are on their way. */
void *sign_in_next(struct sign_ins *t);

#endif
