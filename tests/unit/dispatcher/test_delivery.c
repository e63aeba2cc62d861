/* Deliveries in flight: which of them count as young, and the shares of the accounts. */
#include "parts.h"

static struct delivery *start_of(struct parts *parts, struct destination *destination, bool from_backlog)
{
    struct passage *passage = event(parts, 0);
    passage->from_backlog = from_backlog;
    struct delivery *delivery = delivery_new(&parts->d, passage, destination, CAUSE_EVENT, 0);
    passage_release(&parts->d, passage);
    delivery_move(&parts->d, delivery, DELIVERY_IN_FLIGHT);
    return delivery;
}

static struct delivery *start(struct parts *parts, bool from_backlog)
{
    return start_of(parts, parts->destination, from_backlog);
}

/* young-max is 256: an account alone has 128 for its fresh events, and as many for its backlog. */
static void test_young(void **state)
{
    struct parts *parts = *state;
    struct dispatcher *d = &parts->d;
    struct delivery *due[256], *fresh[256];
    for (int i = 0; i < 256; i++) {
        assert_int_equal(deliveries_may_start(d, ACCOUNT, true), i < 128);
        due[i] = start(parts, true);
    }
    assert_false(deliveries_may_start(d, ACCOUNT + 1, true));
    for (int i = 0; i < 256; i++) { /* fresh events do not wait for backlogs */
        assert_int_equal(deliveries_may_start(d, ACCOUNT, false), i < 128);
        assert_int_equal(deliveries_may_start(d, ACCOUNT + 1, false), i < 256);
        fresh[i] = start(parts, false);
    }
    deliveries_age(d);           /* all are younger than 20 ms */
    delivery_end(d, fresh[255]); /* one that ends is not young any more */
    assert_int_equal(deliveries_aged(d), 1);

    due[0]->since = mono_add(loop_now(d->loop), SPAN_MS(-19));
    deliveries_age(d);
    assert_int_equal(deliveries_aged(d), 1);
    assert_int_equal(mono_since(deliveries_age_at(d), loop_now(d->loop)).ns, SPAN_MS(1).ns);
    for (int i = 0; i < 10; i++) /* the oldest come first */
        due[i]->since = mono_add(loop_now(d->loop), SPAN_MS(-20));
    deliveries_age(d);
    assert_int_equal(deliveries_aged(d), 11);
    assert_int_equal(mono_since(deliveries_age_at(d), loop_now(d->loop)).ns, SPAN_MS(20).ns);
    delivery_end(d, due[0]); /* it is no longer counted: nothing changes */
    assert_int_equal(deliveries_aged(d), 11);
    for (int i = 1; i < 256; i++)
        delivery_end(d, due[i]);
    for (int i = 0; i < 255; i++)
        delivery_end(d, fresh[i]);
    assert_int_equal(deliveries_aged(d), 512);
    assert_int_equal(mono_since(deliveries_age_at(d), loop_now(d->loop)).ns, 0);
}

/* Intake stops at 128 = half of young-max, of which each account counts for at most 64. Backlogs do not count. */
static void test_pressure(void **state)
{
    struct parts *parts = *state;
    struct dispatcher *d = &parts->d;
    struct destination *other = accounts_hold_destination(d, WEBHOOK + 1, ACCOUNT + 1);
    struct delivery *due[100], *one[100], *two[100];
    for (int i = 0; i < 100; i++) {
        due[i] = start(parts, true);
        one[i] = start(parts, false);
    }
    for (int i = 0; i < 100; i++) {
        assert_int_equal(deliveries_may_start_event(d), i < 64);
        two[i] = start_of(parts, other, false);
    }
    for (int i = 0; i < 100; i++) {
        assert_int_equal(deliveries_may_start_event(d), i > 36);
        delivery_end(d, one[i]);
    }
    for (int i = 0; i < 100; i++) {
        delivery_end(d, two[i]);
        delivery_end(d, due[i]);
    }
    assert_true(deliveries_may_start_event(d));
    destination_release(d, &other);
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
    const struct CMUnitTest tests[] = {TEST(test_young), TEST(test_pressure), TEST(test_shares_in_flight),
                                       TEST(test_holds)};
    return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}
