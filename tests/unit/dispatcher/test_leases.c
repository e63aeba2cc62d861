/* Leases: the share of an account, and their order. */
#include "parts.h"

static void test_share(void **state)
{
    struct parts *parts = *state;
    struct dispatcher *d = &parts->d;
    struct destination *last = NULL;
    for (int i = 0; i <= LEASES_MAX / 2; i++) {
        last = destination_hold(d, 1000 + i, ACCOUNT);
        assert_int_equal(leases_have_share(d, ACCOUNT, 1), i < LEASES_MAX / 2);
        leases_add(d, last);
        assert_int_equal(last->lease.refused, i == LEASES_MAX / 2);
        assert_int_equal(last->lease.state, i < LEASES_MAX / 2 ? LEASE_HELD : LEASE_RELEASING);
    }
    assert_true(leases_have_share(d, ACCOUNT + 1, 1)); /* another account finds some */
    assert_int_equal(leases_count(d), LEASES_MAX / 2 + 1);

    struct destination *first = TAILQ_FIRST(leases_all(d));
    leases_to_end(d, first);
    assert_ptr_equal(TAILQ_LAST(leases_all(d), destination_list), first);
    while (!TAILQ_EMPTY(leases_all(d)))
        leases_remove(d, TAILQ_FIRST(leases_all(d)));
    assert_int_equal(leases_count(d), 0);
    assert_null(destination_find(d, 1000));
}

/* What was taken from the backlog counts until it is over, and the flush with its end is remembered. */
static void test_taken(void **state)
{
    struct parts *parts = *state;
    struct dispatcher *d = &parts->d;
    struct destination *destination = destination_hold(d, 1000, ACCOUNT);
    struct lease *lease = &destination->lease;
    leases_add(d, destination);
    lease_reserve(lease, 2);
    lease_become(lease, LEASE_ASKING);
    assert_int_equal(lease_unreserve(lease), 2);
    assert_int_equal(lease_unreserve(lease), 0);
    lease_take(lease);
    lease_take(lease);
    lease_become(lease, LEASE_HELD);
    lease_settle(lease, 5);
    assert_int_equal(lease->taken, 1);
    lease_settle(lease, 6);
    assert_int_equal(lease->taken, 0);
    assert_int_equal(lease->settled_seq, 6);
    leases_remove(d, destination);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_share), TEST(test_taken)};
    return cmocka_run_group_tests_name("leases", tests, NULL, NULL);
}
