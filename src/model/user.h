/* SPDX-License-Identifier: Apache-2.0 */
/* user.h - people who sign in, their roles, and devices.
 *
 * See      docs/why/looks.md (三员分立): admin, security and auditor are
 *          different users.
 */
#ifndef TQ_MODEL_USER_H
#define TQ_MODEL_USER_H

#include "model/org.h"

enum role {
    ROLE_DUTY = 1,       /* 值班员 */
    ROLE_ANALYST = 2,    /* 研判员 */
    ROLE_SQUAD = 4,      /* 路面警员 */
    ROLE_SUPERVISOR = 8, /* 主管 */
    ROLE_AUDITOR = 16,   /* 审计员 */
    ROLE_SECURITY = 32,  /* 安全员 */
    ROLE_ADMIN = 64,     /* 系统管理员 */
    ROLE_DEVICE = 128,   /* 设备 */
};
#define ROLES_ALL 255u
#define ROLES_PEOPLE 127u
#define ROLES_WATCH (ROLE_DUTY | ROLE_ANALYST | ROLE_SUPERVISOR) /* ask for one */

struct role_row {
    enum role role;
    const char *name; /* "duty" */
    const char *zh, *en;
};
const struct role_row *role_rows(void); /* ended by role 0 */
const struct role_row *role_find(struct span name);
/* May one user hold these roles together? No two of admin, security, auditor; and none
 * of the three with a working role. */
bool roles_compatible(unsigned roles);

struct user_id {
    uint32_t v;
};
struct user {
    struct user_id id;
    char login[32];
    char name[48];
    unsigned roles; /* enum role bits */
    struct org_id org;
    struct unit_id unit; /* the unit this person is, 0 none */
    bool disabled;
    bool must_change; /* password first changed at first sign-in */
    ts_ms password_ms;
    char plate[40]; /* own registered vehicle, for misuse detection; may be empty */
};

#endif
