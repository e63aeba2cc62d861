#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

static void choices_are_whole_words(void **state)
{
    static const char choices[] = "none|basic|bearer";
    struct error error;
    (void)state;
    assert_true(check_among("auth", NULL, choices, &error));
    assert_true(check_among("auth", "none", choices, &error));
    assert_true(check_among("auth", "basic", choices, &error));
    assert_true(check_among("auth", "bearer", choices, &error));
    static const char *const wrong[] = {"", "non", "nonee", "none|basic", "|", "bearer|", "Basic"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(check_among("auth", wrong[i], choices, &error));
    assert_string_equal(error.text, "--auth: 'Basic' is not one of none|basic|bearer");
}

static void numbers_are_bounded_and_whole(void **state)
{
    struct error error;
    long long number;
    (void)state;
    assert_true(check_number("N", "0", 0, 10, &number, &error) && number == 0);
    assert_true(check_number("N", "10", 0, 10, &number, &error) && number == 10);
    assert_true(check_number("N", "9223372036854775807", 0, INT64_MAX, &number, &error) && number == INT64_MAX);
    static const char *const wrong[] = {
        "", "x", "1x", "1 ", "-1", "11", "0x5", "1.0", "9223372036854775808", "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(check_number("N", wrong[i], 0, 10, &number, &error));
}

static void names_are_trimmed_and_unique(void **state)
{
    struct names names;
    struct error error;
    (void)state;
    assert_true(names_split("  a.b ,c,,a.b,\tc\n, *", &names, &error));
    assert_int_equal(names.count, 3);
    assert_string_equal(names.items[0], "a.b");
    assert_string_equal(names.items[1], "c");
    assert_string_equal(names.items[2], "*");
    names_free(&names);
    assert_false(names_split(" , ,", &names, &error));
    names_free(&names);
    assert_false(names_split("", &names, &error));
    names_free(&names);
    names_free(&names); /* twice is harmless */
}

static void names_are_bounded(void **state)
{
    struct names names;
    struct error error;
    char *list = calloc(PATTERNS_MAX + 1, 8), *at = list;
    (void)state;
    assert_non_null(list);
    for (int i = 0; i < PATTERNS_MAX; i++)
        at += sprintf(at, "e%d,", i);
    assert_true(names_split(list, &names, &error));
    assert_int_equal(names.count, PATTERNS_MAX);
    names_free(&names);
    sprintf(at, "more");
    assert_false(names_split(list, &names, &error));
    names_free(&names);
    free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choices_are_whole_words),
        cmocka_unit_test(numbers_are_bounded_and_whole),
        cmocka_unit_test(names_are_trimmed_and_unique),
        cmocka_unit_test(names_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
