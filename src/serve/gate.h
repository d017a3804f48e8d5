/* SPDX-License-Identifier: Apache-2.0 */
/* gate.h - devices' protocols over HTTP (GA/T 1400 and other rows of feeds/): who may
 * speak, what the message becomes, and the answer after it is durable.
 *
 * Shape    a device registers (Digest), then names itself by User-Identify from the
 * same address; it is offline after three missed keepalives. Senders on this machine
 * need not register unless serve_conf.strict_devices.
 * Owner    one gate per loop; an intake lives until its reply is sent.
 * Threads  its loop's.
 * Errors   what devices send wrong is answered in the protocol's own form and counted.
 * See      feeds/feed.h; GA/T 1400.4; docs/http.md "Devices"; tests in gate_test.c.
 */
#ifndef TQ_SERVE_GATE_H
#define TQ_SERVE_GATE_H

#include "serve/serve.h"

struct gate;

struct gate *gate_new(struct serve *s, enum net net);
void gate_free(struct gate *g);
bool gate_is_path(struct span path); /* a protocol's own path (not below /api/v1) */
enum err gate_head(struct gate *g, struct req *r, size_t *cap);
void gate_request(struct gate *g, struct req *r);
void gate_sweep(struct gate *g); /* devices that have fallen silent */
/* The body of an API row as a message of the feed that owns `path`, sent by `who`;
 * calls done(r, err) when the reply is in req_out(). */
void gate_take(
    struct gate *g, struct req *r, struct span path, const struct sender *who,
    void (*done)(struct req *r, enum err e));

#endif
