/* The patterns of a subscription: which are accepted. What they match is in dispatcher/test_match.c. */
#include "event/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        bool good;
    } table[] = {
        {"*", true},     {"a", true},    {"a.b", true},    {"a.*", true},       {"a.b.*", true},  {"", false},
        {"a*", false},   {"ab*", false}, {".*", false},    {"*.a", false},      {"a.*.b", false}, {"**", false},
        {"a.**", false}, {"a b", false}, {"a\x7f", false}, {"\xc3\xa4", false},
    };
    struct error error;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (pattern_check(table[i].pattern, &error) != table[i].good)
            fail_msg("%s", table[i].pattern);
}

static void test_length(void **state)
{
    (void)state;
    char pattern[257];
    struct error error;
    memset(pattern, 'a', sizeof pattern);
    pattern[255] = '\0';
    assert_true(pattern_check(pattern, &error));
    pattern[255] = 'a';
    pattern[256] = '\0';
    assert_false(pattern_check(pattern, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_patterns), cmocka_unit_test(test_length)};
    return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
