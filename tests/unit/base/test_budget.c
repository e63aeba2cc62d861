/* Shares of a budget: what one holder may take in addition to others, and what is returned. */
#include "base/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int64_t take_all(struct budget *budget, uint64_t holder)
{
    int64_t taken = 0;
    while (budget_take(budget, holder, 1))
        taken++;
    return taken;
}

static void test_one_holder_gets_half(void **state)
{
    (void)state;
    struct budget *budget = budget_new(100);
    assert_int_equal(take_all(budget, 1), 50);
    assert_false(budget_may_take(budget, 1, 1));
    assert_int_equal(budget_held(budget, 1), 50);
    assert_int_equal(budget_used(budget), 50);
    budget_free(&budget);
    assert_null(budget);
}

static void test_each_further_holder_finds_some(void **state)
{
    (void)state;
    struct budget *budget = budget_new(1024);
    for (uint64_t holder = 0; holder < 9; holder++)
        assert_true(take_all(budget, holder) >= 1);
    assert_true(budget_used(budget) < 1024);
    budget_free(&budget);
}

/* Holders that take as much as possible, return it and take it again end at equal shares, with one share free. */
static void test_greedy_holders_converge_to_equal_shares(void **state)
{
    (void)state;
    struct budget *budget = budget_new(400);
    for (int round = 0; round < 1000; round++)
        for (uint64_t holder = 0; holder < 3; holder++) {
            if (budget_held(budget, holder) > 0)
                budget_give(budget, holder, 1);
            take_all(budget, holder);
        }
    for (uint64_t holder = 0; holder < 3; holder++)
        assert_in_range(budget_held(budget, holder), 98, 102);
    assert_true(budget_may_take(budget, 3, 95));
    budget_free(&budget);
}

static void test_the_smallest_totals(void **state)
{
    (void)state;
    struct budget *budget = budget_new(1);
    assert_int_equal(take_all(budget, 1), 1);
    assert_false(budget_take(budget, 2, 1));
    budget_give(budget, 1, 1);
    assert_int_equal(take_all(budget, 2), 1);
    budget_free(&budget);
    budget = budget_new(2);
    assert_int_equal(take_all(budget, 1), 1);
    assert_int_equal(take_all(budget, 2), 1);
    budget_free(&budget);
}

static void test_units_of_any_size(void **state)
{
    (void)state;
    struct budget *budget = budget_new(INT64_MAX);
    assert_false(budget_take(budget, 1, INT64_MAX) && budget_take(budget, 1, 1));
    budget_free(&budget);
    budget = budget_new(100);
    assert_false(budget_take(budget, 1, 101));
    assert_true(budget_take(budget, 1, 100));
    assert_false(budget_take(budget, 2, 1));
    budget_give(budget, 1, 99);
    assert_int_equal(budget_held(budget, 1), 1);
    assert_true(budget_take(budget, 2, 99));
    budget_free(&budget);
}

static void test_overdrawn(void **state)
{
    (void)state;
    struct budget *budget = budget_new(10);
    assert_true(budget_overdraw(budget, 1, 25));
    assert_int_equal(budget_used(budget), 25);
    assert_false(budget_may_take(budget, 2, 1));
    budget_give(budget, 1, 25);
    assert_int_equal(budget_held(budget, 1), 0);
    assert_int_equal(take_all(budget, 2), 5);
    budget_free(&budget);
}

static void test_holders_come_and_go(void **state)
{
    (void)state;
    struct budget *budget = budget_new(100000);
    for (int round = 0; round < 3; round++) {
        for (uint64_t holder = 0; holder < 5000; holder++)
            assert_true(budget_take(budget, holder * UINT64_C(0x9E3779B97F4A7C15), 1));
        for (uint64_t holder = 0; holder < 5000; holder++)
            budget_give(budget, holder * UINT64_C(0x9E3779B97F4A7C15), 1);
        assert_int_equal(budget_used(budget), 0);
    }
    budget_free(&budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_holder_gets_half),
        cmocka_unit_test(test_each_further_holder_finds_some),
        cmocka_unit_test(test_greedy_holders_converge_to_equal_shares),
        cmocka_unit_test(test_the_smallest_totals),
        cmocka_unit_test(test_units_of_any_size),
        cmocka_unit_test(test_overdrawn),
        cmocka_unit_test(test_holders_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
