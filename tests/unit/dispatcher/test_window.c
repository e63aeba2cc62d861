/* The window and the breaker, with a simulated clock. */
#include "window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct mono at(int64_t seconds)
{
    return mono_add((struct mono){0}, SPAN_S(seconds));
}

static void fails(struct window *window, int times, int64_t seconds)
{
    for (int i = 0; i < times; i++)
        window_failure(window, window_started(window), at(seconds));
}

static void test_grows_with_successes_up_to_its_maximum(void **state)
{
    (void)state;
    struct window window;
    window_init(&window, 64);
    assert_int_equal(window_room(&window, 0, at(1)), WINDOW_START);
    assert_int_equal(window_room(&window, WINDOW_START, at(1)), 0);
    assert_int_equal(window_room(&window, WINDOW_START + 5, at(1)), 0);
    double before = window.size;
    window_success(&window, window_started(&window), SPAN_MS(10));
    assert_true(window.size > before);
    for (int i = 0; i < 1000; i++)
        window_success(&window, window_started(&window), SPAN_MS(10));
    assert_int_equal(window_room(&window, 0, at(1)), 64);

    window_init(&window, 1); /* an operator may configure a window of one */
    assert_int_equal(window_room(&window, 0, at(1)), 1);
    window_success(&window, window_started(&window), SPAN_MS(10));
    assert_int_equal(window_room(&window, 0, at(1)), 1);
    assert_int_equal(window_room(&window, 1, at(1)), 0);
}

/* The webhook's URL changes while requests to the old one are in flight: whenever and however they end. */
static void test_renewed_while_requests_are_under_way(void **state)
{
    (void)state;
    struct window window;
    window_init(&window, 64);
    fails(&window, BREAKER_FAILURES, 1);
    assert_int_equal(window_room(&window, 0, at(100)), 1);
    window_success(&window, window_started(&window), SPAN_MS(10)); /* recovered */
    unsigned old = window_started(&window), older = old;

    window_renew(&window);
    assert_int_equal(window.breaker, BREAKER_CLOSED);
    assert_int_equal(window_room(&window, 0, at(100)), WINDOW_START);
    window_success(&window, old, SPAN_MS(10));
    window_failure(&window, older, at(100));
    assert_int_equal(window.failures, 0);

    fails(&window, BREAKER_FAILURES, 101);
    assert_int_equal(window.breaker, BREAKER_OPEN);
    window_failure(&window, older, at(102));
    window_renew(&window); /* open, and renewed again */
    assert_int_equal(window_room(&window, 0, at(102)), WINDOW_START);
    window_failure(&window, older, at(103));
    assert_int_equal(window.failures, 0);
}

static void test_shrinks_with_failures_and_slowness_down_to_one(void **state)
{
    (void)state;
    struct window window;
    window_init(&window, 64);
    fails(&window, 1, 1);
    assert_int_equal(window_room(&window, 0, at(1)), WINDOW_START / 2);
    fails(&window, BREAKER_FAILURES - 2, 1);
    assert_int_equal(window.breaker, BREAKER_CLOSED);
    assert_int_equal(window_room(&window, 0, at(1)), 1);

    window_init(&window, 64);
    for (int i = 0; i < 1000; i++) { /* successes, but slow ones */
        window_success(&window, window_started(&window), WINDOW_SLOW);
        assert_true(window.size >= 1);
    }
    assert_int_equal(window_room(&window, 0, at(1)), 1);
}

static void test_breaker_opens_and_lets_one_probe_through(void **state)
{
    (void)state;
    struct window window;
    window_init(&window, 64);
    fails(&window, BREAKER_FAILURES, 100);
    assert_int_equal(window.breaker, BREAKER_OPEN);
    assert_int_equal(window_room(&window, 0, at(104)), 0);
    assert_int_equal(window_room(&window, 0, at(104)), 0);
    assert_int_equal(window_room(&window, 0, at(105)), 1);
    assert_int_equal(window.breaker, BREAKER_HALF_OPEN);
    unsigned probe = window_started(&window);
    assert_int_equal(window_room(&window, 1, at(105)), 0);
    window_success(&window, probe, SPAN_MS(10));
    assert_int_equal(window.breaker, BREAKER_CLOSED);
    assert_true(window_room(&window, 0, at(105)) >= 1);
    assert_int_equal(window.failures, 0);
    fails(&window, BREAKER_FAILURES - 1, 106);
    assert_int_equal(window.breaker, BREAKER_CLOSED);
}

/* Requests that were in flight when the breaker opened end late: they are not the probe, and do not delay it. */
static void test_late_failures_are_not_the_probes(void **state)
{
    (void)state;
    struct window window;
    window_init(&window, 64);
    unsigned early = window_started(&window);
    fails(&window, BREAKER_FAILURES, 100);
    window_failure(&window, early, at(101));
    assert_int_equal(window_room(&window, 6, at(104)), 0);
    assert_int_equal(window_room(&window, 6, at(105)), 1);
    unsigned probe = window_started(&window);
    assert_int_equal(window_room(&window, 7, at(105)), 0);
    window_failure(&window, early, at(106));
    assert_int_equal(window.breaker, BREAKER_HALF_OPEN);
    assert_int_equal(window_room(&window, 6, at(106)), 0);
    window_success(&window, probe, SPAN_MS(10));
    assert_int_equal(window.breaker, BREAKER_CLOSED);
    window_failure(&window, early, at(107));
    assert_int_equal(window.failures, 0);
    assert_int_equal(window_room(&window, 0, at(107)), 1);
}

static void test_failed_probes_double_the_pause_up_to_a_cap(void **state)
{
    (void)state;
    struct window window;
    int64_t now = 100, pause = 5;
    window_init(&window, 64);
    fails(&window, BREAKER_FAILURES, now);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(window_room(&window, 0, at(now + pause - 1)), 0);
        now += pause;
        assert_int_equal(window_room(&window, 0, at(now)), 1);
        fails(&window, 1, now);
        pause = pause * 2 > 300 ? 300 : pause * 2;
    }
    now += pause;
    assert_int_equal(window_room(&window, 0, at(now)), 1);
    window_success(&window, window_started(&window), SPAN_MS(1));
    fails(&window, BREAKER_FAILURES, now); /* recovered: the pause starts again with its first length */
    assert_int_equal(window_room(&window, 0, at(now + 4)), 0);
    assert_int_equal(window_room(&window, 0, at(now + 5)), 1);
}

static void test_doubt(void **state)
{
    (void)state;
    struct window window;
    window_init(&window, 64);
    window_doubt(&window);
    assert_int_equal(window_room(&window, 0, at(1)), 1);
    for (int i = 0; i < 2; i++)
        window_success(&window, window_started(&window), SPAN_MS(10));
    assert_int_equal(window_room(&window, 0, at(1)), 2);
}

static void test_hold(void **state)
{
    (void)state;
    struct window window;
    window_init(&window, 64);
    window_hold(&window, at(60));
    window_hold(&window, at(30)); /* the longer one is used */
    assert_int_equal(window_room(&window, 0, at(59)), 0);
    assert_int_equal(window_room(&window, 0, at(60)), WINDOW_START);
    assert_int_equal(window.breaker, BREAKER_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_grows_with_successes_up_to_its_maximum),
                                       cmocka_unit_test(test_renewed_while_requests_are_under_way),
                                       cmocka_unit_test(test_shrinks_with_failures_and_slowness_down_to_one),
                                       cmocka_unit_test(test_breaker_opens_and_lets_one_probe_through),
                                       cmocka_unit_test(test_late_failures_are_not_the_probes),
                                       cmocka_unit_test(test_failed_probes_double_the_pause_up_to_a_cap),
                                       cmocka_unit_test(test_doubt),
                                       cmocka_unit_test(test_hold)};
    return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
