/* A delivery that cannot start waits in memory, or is parked. */
#include "parts.h"

static int set_up_full(void **state)
{
    set_up(state);
    struct parts *parts = *state;
    parts->destination->in_flight = (int)parts->settings.window_max; /* the window has no room */
    return 0;
}

static int tear_down_full(void **state)
{
    struct parts *parts = *state;
    parts->destination->in_flight = 0;
    return tear_down(state);
}

/* An event of that many bytes for the webhook. */
static void offer(struct parts *parts, size_t size)
{
    struct passage *passage = event(parts, size);
    deliver_offer(&parts->d, parts->destination, delivery_new(&parts->d, passage, parts->destination, CAUSE_EVENT, 0));
    passage_release(&parts->d, passage);
}

static double parked(const struct parts *parts)
{
    return parts->d.metrics[METRIC_PARKED].value;
}

static void test_memory_share(void **state)
{
    struct parts *parts = *state;
    offer(parts, 1000);
    assert_int_equal(parts->destination->waiting_count, 1);
    offer(parts, MEMORY_MAX / 2); /* more than its share with the other: gone with its delivery */
    assert_int_equal(parts->destination->waiting_count, 1);
    assert_true(parked(parts) == 1);
    assert_true(budget_used(parts->d.memory) < MEMORY_MAX / 4);
    offer(parts, 1000);
    assert_int_equal(parts->destination->waiting_count, 2);
}

/* Turns the loop until the deliverer's timer has certainly fired twice. */
static void two_ticks(struct parts *parts)
{
    struct mono start = mono_now();
    while (mono_since(mono_now(), start).ns < SPAN_MS(110).ns)
        loop_turn(parts->d.loop, SPAN_MS(10));
}

/* Without a share of the memory, or of the attempts that are not committed, a delivery stays in memory for one tick. */
static void test_pressure(void **state)
{
    struct parts *parts = *state;
    parts->settings.park_after = SPAN_S(3600);
    offer(parts, 1000);
    two_ticks(parts);
    assert_int_equal(parts->destination->waiting_count, 1);
    assert_true(deliver_has_share(&parts->d, ACCOUNT));
    struct passage *large = event(parts, MEMORY_MAX / 2);
    assert_false(deliver_has_share(&parts->d, ACCOUNT));
    two_ticks(parts);
    assert_int_equal(parts->destination->waiting_count, 0);
    assert_true(parked(parts) == 1);
    passage_release(&parts->d, large);

    offer(parts, 1000);
    two_ticks(parts);
    assert_int_equal(parts->destination->waiting_count, 1);
    while (flush_has_share(&parts->d, ACCOUNT))
        flush_take_share(&parts->d, ACCOUNT);
    two_ticks(parts);
    assert_int_equal(parts->destination->waiting_count, 0);
    assert_true(parked(parts) == 2);
}

static void test_parked_in_time(void **state)
{
    struct parts *parts = *state;
    offer(parts, 1000);
    offer(parts, 1000);
    parts->settings.park_after = SPAN_S(3600);
    TAILQ_FIRST(&parts->destination->waiting)->since = mono_add(mono_now(), SPAN_S(-3600));
    two_ticks(parts);
    assert_int_equal(parts->destination->waiting_count, 1);
}

/* In flight for longer than park-after: a row is written, and the position may pass. */
static void test_parked_in_flight(void **state)
{
    struct parts *parts = *state;
    struct delivery *deliveries[2];
    struct passage *passage = event(parts, 0);
    for (int i = 0; i < 2; i++) {
        deliveries[i] = delivery_new(&parts->d, passage, parts->destination, CAUSE_EVENT, 0);
        delivery_move(&parts->d, deliveries[i], DELIVERY_IN_FLIGHT);
    }
    parts->settings.park_after = SPAN_S(3600);
    deliveries[0]->since = mono_add(mono_now(), SPAN_S(-3600));
    two_ticks(parts);
    assert_int_equal(deliveries[0]->state, DELIVERY_PARKED_IN_FLIGHT);
    assert_true(deliveries[0]->has_row);
    assert_int_equal(deliveries[1]->state, DELIVERY_IN_FLIGHT);
    assert_int_equal(passage->open, 1);
    for (int i = 0; i < 2; i++)
        delivery_end(&parts->d, deliveries[i]);
    passage_release(&parts->d, passage);
}

/* A webhook that is slow may have 8 windows waiting in memory, at least 64; while its breaker is open, none. */
static void test_waiting_is_bounded(void **state)
{
    struct parts *parts = *state;
    parts->destination->window.size = 1;
    for (int i = 0; i < 65; i++)
        offer(parts, 0);
    assert_int_equal(parts->destination->waiting_count, 64);
    parts->destination->window.size = 10;
    for (int i = 0; i < 20; i++)
        offer(parts, 0);
    assert_int_equal(parts->destination->waiting_count, 80);
    assert_true(parked(parts) == 5);
    deliver_park_all(&parts->d);
    assert_int_equal(parts->destination->waiting_count, 0);

    window_hold(&parts->destination->window, mono_add(mono_now(), SPAN_S(60)));
    offer(parts, 0);
    assert_int_equal(parts->destination->waiting_count, 0);
    parts->destination->window.open_until = (struct mono){0};
    parts->d.draining = true;
    offer(parts, 0);
    assert_int_equal(parts->destination->waiting_count, 0);
}

/* The webhook is disabled while deliveries wait: they are cancelled, not parked. */
static void test_stopped(void **state)
{
    struct parts *parts = *state;
    offer(parts, 0);
    parts->destination->webhook->status = WEBHOOK_DISABLED;
    deliver_stopped(&parts->d, parts->destination);
    assert_int_equal(parts->destination->waiting_count, 0);
    assert_true(parked(parts) == 0);
    assert_true(parts->d.metrics[METRIC_CANCELLED].value == 1);
    assert_string_equal(ROWS(flush_gathering(&parts->d)->cancels, struct cancel_row)->reason, "webhook disabled");

    parts->destination->webhook->status = WEBHOOK_ENABLED;
    offer(parts, 0);
    parts->destination->webhook->status = WEBHOOK_UNLOADED; /* it is not known what it wants: its deliveries wait */
    deliver_stopped(&parts->d, parts->destination);
    assert_int_equal(parts->destination->waiting_count, 0);
    assert_true(parked(parts) == 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_full, tear_down_full)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_memory_share),       TEST(test_pressure),
                                       TEST(test_parked_in_time),     TEST(test_parked_in_flight),
                                       TEST(test_waiting_is_bounded), TEST(test_stopped)};
    return cmocka_run_group_tests_name("deliver", tests, NULL, NULL);
}
