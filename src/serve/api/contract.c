/* SPDX-License-Identifier: Apache-2.0 */
/* The contract as OpenAPI (接口文档), made from the rows themselves. */
#include "serve/call.h"

static enum err
openapi(struct req *r, struct api_env *env)
{
    (void)env;
    api_openapi(req_out(r));
    return OK;
}

static const struct api_route routes[] = {
    {.method = METHOD_GET,
     .path = "/openapi.json",
     .roles = ROLES_OPEN,
     .audit = API_NONE,
     .where = ON_NET,
     .cost = 20,
     .reply = "OpenAPI 3.1",
     .reply_type = "application/json",
     .zh = "接口文档",
     .en = "this document",
     .fn = openapi},
    {0},
};
const struct api api_contract = {"接口文档", "contract", routes};
