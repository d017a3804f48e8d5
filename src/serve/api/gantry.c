/* SPDX-License-Identifier: Apache-2.0 */
/* ETC gantries (门架通行流水、牌识流水上报): the body is a message of the etc_gantry
 * feed; the answer waits until its records are durable. */
#include "serve/call.h"
#include "serve/gate.h"

static enum err
take_gantry(struct req *r, struct api_env *env)
{
    struct call *c = call_of(r);
    api_wait(r);
    gate_take(
        env->serve->gates[c->net], r, SPAN("/api/v1/gantry"), &c->sender, api_done);
    return OK;
}

static const struct api_route routes[] = {
    {.method = METHOD_POST,
     .path = "/gantry",
     .roles = ROLE_DEVICE,
     .audit = API_NONE,
     .where = ON_NET,
     .body_type = "application/json",
     .body_cap = 16u << 20,
     .reply = "Taken",
     .zh = "上报 ETC 门架通行流水与牌识流水",
     .en = "records of ETC gantries: transactions and picture records",
     .fn = take_gantry},
    {0},
};
const struct api api_gantry = {"门架", "gantry", routes};
