/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mbox.h"

#include "kit/kit.h"

#include <pthread.h>
#include <stdlib.h>

struct number {
    struct msg msg;
    unsigned sender, value;
};

static void
drop(struct msg *m)
{
    free(m);
}

static struct msg *
number(unsigned sender, unsigned value)
{
    struct number *n = calloc(1, sizeof *n);
    n->sender = sender;
    n->value = value;
    return &n->msg;
}

static void
full_and_closed_leave_the_message(void **state)
{
    (void)state;
    struct mbox *m = mbox_new("test", 2, NULL, NULL);
    assert_int_equal(mbox_send(m, number(0, 0)), OK);
    assert_int_equal(mbox_send(m, number(0, 1)), OK);
    struct msg *third = number(0, 2);
    assert_int_equal(mbox_send(m, third), ERR_BUSY);
    assert_int_equal(mbox_reply(m, third), OK);
    assert_int_equal(mbox_count(m), 3);
    mbox_close(m);
    struct msg *late = number(0, 3);
    assert_int_equal(mbox_send(m, late), ERR_STOPPING);
    free(late);
    struct msg *first = mbox_take(m, -1);
    assert_int_equal(((struct number *)first)->value, 0);
    free(first);
    assert_int_equal(mbox_count(m), 2);
    mbox_free(m, drop);
    mbox_free(NULL, drop);
}

#define SENDERS 4
#define EACH 20000

struct send_arg {
    struct mbox *m;
    unsigned sender;
};

static void *
send_all(void *arg)
{
    struct send_arg *a = arg;
    for (unsigned i = 0; i < EACH; i++) {
        struct msg *n = number(a->sender, i);
        while (mbox_send(a->m, n) == ERR_BUSY)
            sched_yield();
    }
    return NULL;
}

static void
many_senders_keep_their_order(void **state)
{
    (void)state;
    struct mbox *m = mbox_new("test", 256, NULL, NULL);
    pthread_t threads[SENDERS];
    struct send_arg args[SENDERS];
    for (unsigned i = 0; i < SENDERS; i++) {
        args[i] = (struct send_arg){m, i};
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, &args[i]), 0);
    }
    unsigned next[SENDERS] = {0}, got = 0;
    while (got < SENDERS * EACH) {
        struct msg *chain = mbox_take_all(m, -1);
        while (chain) {
            struct number *n = (struct number *)chain;
            chain = chain->next;
            assert_int_equal(n->value, next[n->sender]);
            next[n->sender]++;
            got++;
            free(n);
        }
    }
    for (unsigned i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    assert_null(mbox_take_all(m, 0));
    assert_null(mbox_take(m, 2000));
    mbox_free(m, drop);
}

static void
count_wake(void *arg)
{
    ++*(int *)arg;
}

static void
wake_is_called_when_the_box_was_empty(void **state)
{
    (void)state;
    int wakes = 0;
    struct mbox *m = mbox_new("test", 8, count_wake, &wakes);
    assert_int_equal(mbox_send(m, number(0, 0)), OK);
    assert_int_equal(mbox_send(m, number(0, 1)), OK);
    assert_int_equal(wakes, 1);
    for (struct msg *chain = mbox_take_all(m, 0); chain;) {
        struct msg *next = chain->next;
        free(chain);
        chain = next;
    }
    assert_int_equal(mbox_send(m, number(0, 2)), OK);
    assert_int_equal(wakes, 2);
    mbox_close(m);
    assert_true(mbox_closed(m));
    assert_int_equal(wakes, 3);
    mbox_free(m, drop);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_and_closed_leave_the_message),
        cmocka_unit_test(many_senders_keep_their_order),
        cmocka_unit_test(wake_is_called_when_the_box_was_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
