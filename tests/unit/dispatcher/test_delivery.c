/* Deliveries in flight: which of them count as young, and the shares of the accounts. */
#include "parts.h"

static struct delivery *start(struct parts *parts, bool from_backlog)
{
    struct passage *passage = event(parts, 0);
    passage->from_backlog = from_backlog;
    struct delivery *delivery = delivery_new(&parts->d, passage, parts->destination, CAUSE_EVENT, 0);
    passage_release(&parts->d, passage);
    delivery_move(&parts->d, delivery, DELIVERY_IN_FLIGHT);
    return delivery;
}

static void test_young(void **state)
{
    struct parts *parts = *state;
    struct dispatcher *d = &parts->d;
    parts->settings.young_max = 2;
    struct delivery *due[] = {start(parts, true), start(parts, true), start(parts, true)};
    assert_true(deliveries_may_start_event(d)); /* fresh events do not wait for a backlog */
    struct delivery *first = start(parts, false);
    assert_true(deliveries_may_start_event(d));
    struct delivery *second = start(parts, false);
    assert_false(deliveries_may_start_event(d));
    deliveries_age(d);
    assert_false(deliveries_may_start_event(d));
    struct delivery *third = start(parts, false);
    delivery_end(d, third);
    assert_false(deliveries_may_start_event(d));

    struct mono old = mono_add(loop_now(d->loop), SPAN_MS(-51));
    for (int i = 0; i < 3; i++)
        due[i]->since = old;
    first->since = old; /* the oldest come first */
    deliveries_age(d);
    assert_true(deliveries_may_start_event(d));
    deliveries_age(d);
    struct delivery *fourth = start(parts, false);
    assert_false(deliveries_may_start_event(d)); /* the second and the fourth */
    delivery_end(d, first);                      /* not young any more: nothing changes */
    assert_false(deliveries_may_start_event(d));
    delivery_end(d, second);
    assert_true(deliveries_may_start_event(d));
    delivery_end(d, fourth);
    for (int i = 0; i < 3; i++)
        delivery_end(d, due[i]);
}

static void test_shares_in_flight(void **state)
{
    struct parts *parts = *state;
    struct dispatcher *d = &parts->d;
    int most = (int)parts->settings.in_flight_max;
    struct delivery *delivery = start(parts, false);
    assert_int_equal(deliveries_in_flight_count(d), 1);
    assert_int_equal(parts->destination->in_flight, 1);
    assert_int_equal(deliveries_reserve(d, ACCOUNT, 10), 10);
    assert_int_equal(deliveries_reserve(d, ACCOUNT, most), most - 22); /* as much as is free when it is taken */
    assert_int_equal(deliveries_reserve(d, ACCOUNT, 1), 0);
    assert_false(deliveries_have_share(d, ACCOUNT));
    deliveries_unreserve(d, ACCOUNT, most - 22);
    deliveries_unreserve(d, ACCOUNT, 10);
    deliveries_unreserve(d, ACCOUNT, 0);
    assert_true(deliveries_have_share(d, ACCOUNT));
    assert_int_equal(deliveries_in_flight_count(d), 1);
    delivery_end(d, delivery);
    assert_int_equal(deliveries_in_flight_count(d), 0);
    assert_int_equal(parts->destination->in_flight, 0);
}

/* An event is held until each of its deliveries is over, or parked. */
static void test_holds(void **state)
{
    struct parts *parts = *state;
    struct dispatcher *d = &parts->d;
    struct passage *passage = event(parts, 1000);
    struct delivery *one = delivery_new(d, passage, parts->destination, CAUSE_EVENT, 0);
    struct delivery *two = delivery_new(d, passage, parts->destination, CAUSE_EVENT, 0);
    delivery_move(d, one, DELIVERY_IN_FLIGHT);
    delivery_move(d, two, DELIVERY_WAITING);
    assert_int_equal(parts->destination->waiting_count, 1);
    assert_int_equal(parts->destination->in_flight, 1);
    delivery_move(d, one, DELIVERY_PARKED_IN_FLIGHT);
    assert_false(passage_is_over(passage));
    delivery_end(d, one);
    assert_false(passage_is_over(passage));
    delivery_end(d, two);
    assert_true(passage_is_over(passage));
    assert_int_equal(parts->destination->waiting_count, 0);
    passage_become(passage, PASSAGE_SKIPPED);
    assert_false(passage_is_over(passage));
    passage_become(passage, PASSAGE_EVENT); /* SKIPPED is final */
    assert_int_equal(passage->kind, PASSAGE_SKIPPED);
    passage_release(d, passage);
    assert_int_equal(budget_used(d->memory), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_young), TEST(test_shares_in_flight), TEST(test_holds)};
    return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}
