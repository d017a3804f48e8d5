/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_fixture.h - for tests only: a ledger in a fresh directory with a group open.
 *
 * Owner    fixture_open() makes what fixture_close() removes.
 * Threads  one.
 * See      kit/kit.h, which the test includes before this.
 */
#ifndef TQ_STORE_LEDGER_FIXTURE_H
#define TQ_STORE_LEDGER_FIXTURE_H

#include "store/ledger.h"

struct fixture {
    char dir[OS_PATH];
    struct ledger *l;
    struct ledger_reader *r; /* the writer's own */
    struct arena a;
    struct note note;
};

static inline void
fixture_open(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    kit_temp_dir(f->dir);
    kit_ok(ledger_open(os_fs_real(), f->dir, &f->l, &f->note), &f->note);
    f->r = ledger_as_reader(f->l);
    arena_init(&f->a, 64u << 20);
    kit_ok(ledger_begin(f->l), NULL);
}

/* Commits, closes, opens again, begins: what was kept is what is read. */
static inline void
fixture_again(struct fixture *f)
{
    kit_ok(ledger_commit(f->l, &f->note), &f->note);
    ledger_close(&f->l);
    kit_ok(ledger_open(os_fs_real(), f->dir, &f->l, &f->note), &f->note);
    f->r = ledger_as_reader(f->l);
    kit_ok(ledger_begin(f->l), NULL);
}

static inline void
fixture_close(struct fixture *f)
{
    kit_ok(ledger_commit(f->l, &f->note), &f->note);
    kit_ok(ledger_check(f->r, &f->note), &f->note);
    ledger_close(&f->l);
    arena_release(&f->a);
    kit_remove_tree(f->dir);
}

#endif
