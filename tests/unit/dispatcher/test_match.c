/* Patterns, and the webhooks of an account that match an event. */
#include "match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "account.h"

static void test_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *type;
        bool matches;
    } table[] = {
        {"*", "a", true},       {"*", "a.b.c", true},    {"a.b", "a.b", true},    {"a.b", "a.b.c", false},
        {"a.b", "a.B", false},  {"a.b", "a", false},     {"a.*", "a.b", true},    {"a.*", "a.b.c", true},
        {"a.*", "a", false},    {"a.*", "a.", false}, /* nothing follows the dot */
        {"a.*", "ab.c", false}, {"a.*", "b.a.c", false}, {"a.b.*", "a.c", false}, {"a.*", "a.*", true},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (match_pattern(text_of(table[i].pattern), text_of(table[i].type)) != table[i].matches)
            fail_msg("%s and %s", table[i].pattern, table[i].type);
}

#define WEBHOOKS 4

static void test_account(void **state)
{
    (void)state;
    struct webhook enabled = {.status = WEBHOOK_ENABLED}, disabled = {.status = WEBHOOK_DISABLED},
                   deleted = {.status = WEBHOOK_DELETED};
    struct destination destinations[WEBHOOKS] = {
        {.webhook = &enabled}, {.webhook = &disabled}, {.webhook = &deleted}, {.webhook = &enabled}};
    struct text twice[] = {TEXT("a.*"), TEXT("a.b"), TEXT("*")}, all[] = {TEXT("*")}, other[] = {TEXT("b.*")};
    struct subscriber subscribers[WEBHOOKS] = {{&destinations[0], twice, 3},
                                               {&destinations[1], all, 1},
                                               {&destinations[2], all, 1},
                                               {&destinations[3], other, 1}};
    struct account account = {.subscribers = subscribers, .subscriber_count = WEBHOOKS};

    const struct match *match = account_match(&account, TEXT("a.b"));
    assert_int_equal(match->count, 2); /* each once; also the disabled one, to be recorded; not the deleted one */
    assert_ptr_equal(match->destinations[0], &destinations[0]);
    assert_ptr_equal(match->destinations[1], &destinations[1]);
    assert_ptr_equal(account_match(&account, TEXT("a.b")), match); /* remembered */
    assert_int_equal(account_match(&account, TEXT("b.c"))->count, 3);

    account.subscriber_count = 0;
    matches_forget(&account.matches);
    assert_int_equal(account_match(&account, TEXT("a.b"))->count, 0);
    matches_forget(&account.matches);
    assert_null(account.matches.by_type);
}

/* Producers choose the types: at most 256 are cached, and all cached memory is freed (as the leak checker sees). */
static void test_flood_of_types(void **state)
{
    (void)state;
    struct account account = {0};
    for (int i = 0; i < 10000; i++) {
        char type[16];
        snprintf(type, sizeof type, "t.%d", i);
        assert_int_equal(account_match(&account, text_of(type))->count, 0);
        assert_true(account.matches.size <= 256 * 256);
    }
    matches_forget(&account.matches);
    assert_null(account.matches.by_type);
}

/* What is remembered of an account with many webhooks takes 1 MiB, and what one type more needs. */
static void test_large_results(void **state)
{
    (void)state;
    enum { MANY = 20000, RESULT = MANY * sizeof(struct destination *) };
    struct webhook enabled = {.status = WEBHOOK_ENABLED};
    struct destination destination = {.webhook = &enabled};
    struct text all = TEXT("*");
    struct account account = {.subscribers = calloc(MANY, sizeof(struct subscriber)), .subscriber_count = MANY};
    assert_non_null(account.subscribers);
    for (size_t i = 0; i < MANY; i++)
        account.subscribers[i] = (struct subscriber){&destination, &all, 1};
    for (int i = 0; i < 20; i++) {
        char type[16];
        snprintf(type, sizeof type, "t.%d", i);
        assert_int_equal(account_match(&account, text_of(type))->count, MANY);
        assert_in_range(account.matches.size, RESULT, (1 << 20) + RESULT + 1024);
    }
    matches_forget(&account.matches);
    free(account.subscribers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_patterns), cmocka_unit_test(test_account),
                                       cmocka_unit_test(test_flood_of_types), cmocka_unit_test(test_large_results)};
    return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
