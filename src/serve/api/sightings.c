/* SPDX-License-Identifier: Apache-2.0 */
/* Passes as NDJSON (过车记录上报): the body is a message of the ndjson feed; the answer
 * waits until its records are durable. */
#include "serve/call.h"
#include "serve/gate.h"

static enum err
take_sightings(struct req *r, struct api_env *env)
{
    struct call *c = call_of(r);
    api_wait(r);
    gate_take(
        env->serve->gates[c->net], r, SPAN("/api/v1/sightings"), &c->sender, api_done);
    return OK;
}

static const struct api_route routes[] = {
    {.method = METHOD_POST,
     .path = "/sightings",
     .roles = ROLE_DEVICE,
     .audit = API_NONE,
     .where = ON_NET,
     .body_type = "application/x-ndjson",
     .body_cap = 8u << 20,
     .reply = "Taken",
     .zh = "上报过车记录（每行一个 JSON）",
     .en = "passes, one JSON object a line",
     .fn = take_sightings},
    {0},
};
const struct api api_sightings = {"过车", "sightings", routes};
