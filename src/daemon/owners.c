/* SPDX-License-Identifier: Apache-2.0 */
/* Owner threads: one mailbox and one loop each, started after everything is open,
 * stopped in the order in which work flows, so that what was taken in is finished. */
#include "daemon/parts.h"

#include "core/os_clock.h"

#include <semaphore.h>
#include <stdlib.h>

static const struct {
    const char *name, *zh, *en;
    size_t cap;
    void *(*loop)(void *);
} rows[OWNERS] = {
    [OWNER_STORE] = {"store", "存储", "store", 512, owner_store},
    [OWNER_RULES] = {"rules", "规则", "rules", 1024, owner_rules},
    [OWNER_LEDGER] = {"ledger", "台账", "ledger", 4096, owner_ledger},
    [OWNER_FAST] = {"query-fast", "快速查询", "fast queries", 256, owner_jobs},
    [OWNER_BATCH] = {"query-batch", "批量查询", "long queries", 64, owner_jobs},
    [OWNER_WORK] = {"work", "计算", "work", 64, owner_jobs},
    [OWNER_WORK2] = {"work-2", "计算二", "work 2", 64, owner_jobs},
    [OWNER_AUDIT] = {"audit", "审计", "audit", 4096, owner_audit},
    [OWNER_TEND] = {"tend", "巡检", "housekeeping", 8192, owner_tend},
};

/* Work flows from left to right; each is emptied before the next is stopped. */
static const enum owner_name stop_order[OWNERS] = {
    OWNER_FAST,  OWNER_BATCH, OWNER_WORK,   OWNER_WORK2, OWNER_STORE,
    OWNER_RULES, OWNER_TEND,  OWNER_LEDGER, OWNER_AUDIT,
};

struct owner *
daemon_owner(struct daemon *d, enum owner_name name)
{
    must((unsigned)name < OWNERS);
    return &d->owners[name];
}

static enum err
owner_open(struct daemon *d, enum owner_name i, struct note *note)
{
    struct owner *o = &d->owners[i];
    *o = (struct owner){
        .name = rows[i].name,
        .zh = rows[i].zh,
        .en = rows[i].en,
        .cap = rows[i].cap,
        .loop = rows[i].loop,
        .d = d,
    };
    o->box = mbox_new(o->name, o->cap, NULL, NULL);
    if (!o->box)
        return ERR_NOMEM;
    enum err e = OK;
    if (i != OWNER_LEDGER && i != OWNER_STORE)
        e = ledger_reader_open(d->base->ledger, &o->reader, note);
    o->env = (struct api_env){
        .serve = d->serve,
        .needs = &d->needs,
        .ledger = i == OWNER_LEDGER ? d->base->ledger : NULL,
        .reader = i == OWNER_LEDGER ? ledger_as_reader(d->base->ledger) : o->reader,
        .store = d->base->sight,
        .daemon = &d->house,
        .home = i == OWNER_LEDGER ? ledger_home : NULL,
        .here = i == OWNER_LEDGER  ? ON_LEDGER
                : i == OWNER_FAST  ? ON_QUERY_FAST
                : i == OWNER_BATCH ? ON_QUERY_BATCH
                                   : ON_WORK,
    };
    return e;
}

enum err
owners_start(struct daemon *d, struct note *note)
{
    enum err e = OK;
    for (int i = 0; i < OWNERS && e == OK; i++)
        e = owner_open(d, (enum owner_name)i, note);
    for (int i = 0; i < OWNERS && e == OK; i++) {
        struct owner *o = &d->owners[i];
        if (pthread_create(&o->thread, NULL, o->loop, o) != 0)
            return note_set(
                note, ERR_NOMEM, NULL, "a thread could not be started", "无法创建线程");
        o->started = true;
        pthread_setname_np(o->thread, o->name);
    }
    return e;
}

/* A job nobody will run any more. */
static void
drop(struct msg *msg)
{
    struct task *t = (struct task *)msg;
    (void)t; /* every loop empties its mailbox before it ends */
    must(!"a message was left in a stopped mailbox");
}

void
owners_stop(struct daemon *d)
{
    for (int i = 0; i < OWNERS; i++) {
        struct owner *o = &d->owners[stop_order[i]];
        if (!o->box)
            continue;
        mbox_close(o->box);
        if (o->started)
            pthread_join(o->thread, NULL);
        o->started = false;
    }
    for (int i = 0; i < OWNERS; i++) {
        ledger_reader_close(&d->owners[i].reader);
        mbox_free(d->owners[i].box, drop);
        d->owners[i].box = NULL;
    }
}

/* ---- tasks ---- */

static void
task_run(struct job *job, struct api_env *env)
{
    struct task *t = (struct task *)job;
    t->e = t->apply(t, t->d);
    if (env->home)
        env->home(env, NULL, job, t->e == OK);
    else
        t->settled(t, t->d, t->e);
}

void
task_init(
    struct task *t, struct daemon *d, enum err (*apply)(struct task *, struct daemon *),
    void (*settled)(struct task *, struct daemon *, enum err))
{
    *t = (struct task){
        .job = {.run = task_run}, .apply = apply, .settled = settled, .d = d};
}

void
task_post(struct daemon *d, enum owner_name to, struct task *t)
{
    if (mbox_reply(daemon_owner(d, to)->box, &t->job.msg) != OK)
        t->settled(t, d, ERR_STOPPING);
}

struct call {
    struct task task;
    enum err (*fn)(struct daemon *d, void *arg);
    void *arg;
    sem_t done;
    enum err e;
};

static enum err
call_apply(struct task *t, struct daemon *d)
{
    struct call *c = (struct call *)t;
    return c->fn(d, c->arg);
}

static void
call_settled(struct task *t, struct daemon *d, enum err e)
{
    (void)d;
    struct call *c = (struct call *)t;
    c->e = e;
    sem_post(&c->done);
}

static enum err
call_and_wait(
    struct daemon *d, enum owner_name to, bool alone,
    enum err (*fn)(struct daemon *d, void *arg), void *arg)
{
    struct call c = {.fn = fn, .arg = arg};
    task_init(&c.task, d, call_apply, call_settled);
    c.task.alone = alone;
    must(sem_init(&c.done, 0, 0) == 0);
    task_post(d, to, &c.task);
    while (sem_wait(&c.done) != 0)
        continue; /* interrupted by a signal */
    sem_destroy(&c.done);
    return c.e;
}

enum err
daemon_call(
    struct daemon *d, enum owner_name to, enum err (*fn)(struct daemon *d, void *arg),
    void *arg)
{
    return call_and_wait(d, to, false, fn, arg);
}

enum err
daemon_call_alone(
    struct daemon *d, enum err (*fn)(struct daemon *d, void *arg), void *arg)
{
    return call_and_wait(d, OWNER_LEDGER, true, fn, arg);
}

bool
task_is_alone(const struct job *job)
{
    return job->run == task_run && ((const struct task *)job)->alone;
}

/* ---- owners that only run jobs ---- */

void *
owner_jobs(void *arg)
{
    struct owner *o = arg;
    for (;;) {
        struct msg *msg = mbox_take(o->box, -1);
        if (!msg)
            return NULL; /* closed and empty */
        dur_us began = os_mono_us();
        struct job *job = (struct job *)msg;
        job->run(job, &o->env);
        o->busy_us += (uint64_t)(os_mono_us() - began);
    }
}
