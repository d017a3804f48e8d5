/* SPDX-License-Identifier: Apache-2.0 */
/* The table of roles, and which of them may meet in one person. */
#include "model/user.h"

static const struct role_row roles[] = {
    {ROLE_DUTY, "duty", "值班员", "duty officer"},
    {ROLE_ANALYST, "analyst", "研判员", "analyst"},
    {ROLE_SQUAD, "squad", "路面警员", "squad officer"},
    {ROLE_SUPERVISOR, "supervisor", "主管", "supervisor"},
    {ROLE_AUDITOR, "auditor", "审计员", "auditor"},
    {ROLE_SECURITY, "security", "安全员", "security officer"},
    {ROLE_ADMIN, "admin", "系统管理员", "administrator"},
    {ROLE_DEVICE, "device", "设备", "device"},
    {0, NULL, NULL, NULL},
};

/* 三员: each stands alone. A device is nobody else either. */
#define ROLES_ALONE                                                                    \
    ((unsigned)ROLE_ADMIN | (unsigned)ROLE_SECURITY | (unsigned)ROLE_AUDITOR |         \
     (unsigned)ROLE_DEVICE)

const struct role_row *
role_rows(void)
{
    return roles;
}

const struct role_row *
role_find(struct span name)
{
    for (const struct role_row *r = roles; r->role; r++)
        if (span_eq_cstr(name, r->name))
            return r;
    return NULL;
}

bool
roles_compatible(unsigned set)
{
    if (set & ~ROLES_ALL)
        return false;
    return !(set & ROLES_ALONE) || (set & (set - 1)) == 0;
}
