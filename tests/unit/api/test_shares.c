/* Shares: what several threads take of one total, and wait for. */
#include "shares.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { ONE = 1, OTHER = 2 };

static struct mono soon(void)
{
    return mono_add(mono_now(), SPAN_MS(1));
}

static struct mono late(void)
{
    return mono_add(mono_now(), SPAN_S(60));
}

static void test_a_holder_that_waits_leaves_the_rest_to_others(void **state)
{
    struct error error;
    struct shares *shares = shares_new(4, &error);
    (void)state;
    assert_true(shares_wait(shares, ONE, 1, late()));
    assert_true(shares_wait(shares, ONE, 1, late()));
    assert_false(shares_wait(shares, ONE, 1, soon()));
    assert_true(shares_wait(shares, OTHER, 1, late()));
    shares_give(shares, OTHER, 1);
    shares_give(shares, ONE, 2);
    shares_free(&shares);
}

static void test_a_total_of_one(void **state)
{
    struct error error;
    struct shares *shares = shares_new(1, &error);
    (void)state;
    assert_true(shares_wait(shares, ONE, 1, late()));
    assert_false(shares_wait(shares, OTHER, 1, soon()));
    shares_give(shares, ONE, 1);
    assert_true(shares_wait(shares, OTHER, 1, late()));
    shares_give(shares, OTHER, 1);
    shares_free(&shares);
}

static void *take_and_give(void *argument)
{
    struct shares *shares = argument;
    for (int i = 0; i < 1000; i++) {
        if (!shares_wait(shares, ONE, 1, late()))
            return NULL;
        shares_give(shares, ONE, 1);
    }
    return shares;
}

static void test_who_waits_gets_what_others_give(void **state)
{
    struct error error;
    struct shares *shares = shares_new(2, &error);
    pthread_t threads[4];
    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, shares), 0);
    for (size_t i = 0; i < 4; i++) {
        void *done = NULL;
        pthread_join(threads[i], &done);
        assert_ptr_equal(done, shares);
    }
    shares_free(&shares);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_holder_that_waits_leaves_the_rest_to_others),
        cmocka_unit_test(test_a_total_of_one),
        cmocka_unit_test(test_who_waits_gets_what_others_give),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
