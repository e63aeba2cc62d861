/* The loop: timers in their order, watches that are removed while their event is pending. */
#include "base/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

struct bell {
    struct timer timer;
    struct loop *loop;
    int rung, order;
};

static int order;

static void ring(void *owner)
{
    struct bell *bell = owner;
    bell->rung++;
    bell->order = ++order;
}

static void ring_and_set_again(void *owner)
{
    struct bell *bell = owner;
    ring(owner);
    timer_set(bell->loop, &bell->timer, mono_add(loop_now(bell->loop), SPAN_US(1)));
}

static struct loop *make(void)
{
    struct error error;
    struct loop *loop = loop_new(&error);
    assert_non_null(loop);
    return loop;
}

static void test_timers_fire_once_and_in_order(void **state)
{
    (void)state;
    struct loop *loop = make();
    struct bell bells[4] = {0};
    const int64_t due_ms[] = {-1, -3, -2, 3600000};
    for (int i = 0; i < 4; i++) {
        bells[i].timer = (struct timer){.fire = ring, .owner = &bells[i]};
        timer_set(loop, &bells[i].timer, mono_add(loop_now(loop), SPAN_MS(due_ms[i])));
    }
    order = 0;
    loop_turn(loop, SPAN_S(3600)); /* does not wait: something is due */
    loop_turn(loop, (struct span){0});
    assert_int_equal(bells[1].order, 1);
    assert_int_equal(bells[2].order, 2);
    assert_int_equal(bells[0].order, 3);
    assert_int_equal(bells[0].rung + bells[1].rung + bells[2].rung, 3);
    assert_int_equal(bells[3].rung, 0);
    timer_cancel(loop, &bells[3].timer);
    timer_cancel(loop, &bells[3].timer);
    loop_free(&loop);
    assert_null(loop);
}

static void test_timer_is_moved(void **state)
{
    (void)state;
    struct loop *loop = make();
    struct bell bell = {.timer = {.fire = ring, .owner = &bell}};
    timer_set(loop, &bell.timer, mono_add(loop_now(loop), SPAN_MS(-5)));
    timer_set(loop, &bell.timer, mono_add(loop_now(loop), SPAN_S(3600)));
    loop_turn(loop, (struct span){0});
    assert_int_equal(bell.rung, 0);
    timer_set(loop, &bell.timer, loop_now(loop));
    loop_turn(loop, SPAN_S(3600));
    assert_int_equal(bell.rung, 1);
    loop_free(&loop);
}

/* A timer that sets itself again fires once per turn: the turn ends. */
static void test_timer_that_sets_itself(void **state)
{
    (void)state;
    struct loop *loop = make();
    struct bell bell = {.timer = {.fire = ring_and_set_again, .owner = &bell}, .loop = loop};
    timer_set(loop, &bell.timer, loop_now(loop));
    for (int i = 1; i <= 3; i++) {
        loop_turn(loop, SPAN_S(3600));
        assert_int_equal(bell.rung, i);
    }
    timer_cancel(loop, &bell.timer);
    loop_free(&loop);
}

struct reader {
    struct watch watch;
    struct loop *loop;
    struct reader *other; /* to be removed by the first callback */
    uint32_t seen;
    int calls;
};

static void ready(void *owner, uint32_t events)
{
    struct reader *reader = owner;
    reader->seen |= events;
    reader->calls++;
    if (reader->other != NULL)
        loop_unwatch(reader->loop, &reader->other->watch);
}

static void watch(struct loop *loop, struct reader *reader, int fd, uint32_t events)
{
    *reader = (struct reader){.watch = {.ready = ready, .owner = reader, .fd = -1}, .loop = loop};
    assert_true(loop_watch(loop, &reader->watch, fd, events));
}

static void test_watch(void **state)
{
    (void)state;
    struct loop *loop = make();
    struct reader in, out;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    watch(loop, &in, fds[0], EPOLLIN);
    loop_turn(loop, (struct span){0});
    assert_int_equal(in.calls, 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    loop_turn(loop, SPAN_S(3600));
    loop_turn(loop, SPAN_S(3600)); /* level-triggered: until it is read */
    assert_int_equal(in.calls, 2);
    assert_int_equal(in.seen, EPOLLIN);
    watch(loop, &out, fds[1], EPOLLIN);
    loop_change(loop, &out.watch, EPOLLOUT);
    loop_unwatch(loop, &in.watch);
    loop_turn(loop, SPAN_S(3600));
    assert_int_equal(out.seen, EPOLLOUT);
    assert_int_equal(in.calls, 2);
    loop_unwatch(loop, &in.watch); /* twice is harmless */
    loop_unwatch(loop, &out.watch);
    close(fds[0]);
    close(fds[1]);
    loop_free(&loop);
}

/* Two watches are ready in one turn, and the first removes the other: its event must not be delivered. */
static void test_watch_removed_in_the_same_turn(void **state)
{
    (void)state;
    struct loop *loop = make();
    struct reader readers[2];
    int fds[2][2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pipe(fds[i]), 0);
        watch(loop, &readers[i], fds[i][0], EPOLLIN);
        assert_int_equal(write(fds[i][1], "x", 1), 1);
    }
    readers[0].other = &readers[1];
    readers[1].other = &readers[0];
    loop_turn(loop, SPAN_S(3600));
    assert_int_equal(readers[0].calls + readers[1].calls, 1);
    for (int i = 0; i < 2; i++) {
        loop_unwatch(loop, &readers[i].watch);
        close(fds[i][0]);
        close(fds[i][1]);
    }
    loop_free(&loop);
}

static void test_watch_of_no_descriptor(void **state)
{
    (void)state;
    struct loop *loop = make();
    struct reader reader = {.watch = {.ready = ready, .owner = &reader, .fd = -1}};
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    close(fds[1]);
    assert_false(loop_watch(loop, &reader.watch, fds[0], EPOLLIN));
    assert_int_equal(reader.watch.fd, -1);
    loop_free(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_fire_once_and_in_order),  cmocka_unit_test(test_timer_is_moved),
        cmocka_unit_test(test_timer_that_sets_itself),         cmocka_unit_test(test_watch),
        cmocka_unit_test(test_watch_removed_in_the_same_turn), cmocka_unit_test(test_watch_of_no_descriptor)};
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
