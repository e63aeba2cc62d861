#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "suggest.h"

static void distances(void **state)
{
    static const struct {
        const char *a, *b;
        size_t distance;
    } table[] = {
        {"", "", 0},         {"a", "", 1},
        {"", "abc", 3},      {"same", "same", 0},
        {"same", "SAME", 0}, {"kitten", "sitting", 3},
        {"ab", "ba", 1},     {"webhok", "webhook", 1},
        {"list", "lsit", 1}, {"abc", "xyz", 3},
        {"ca", "abc", 3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(suggest_distance(table[i].a, table[i].b), table[i].distance);
        assert_int_equal(suggest_distance(table[i].b, table[i].a), table[i].distance);
    }
}

static void long_names_stay_in_bounds(void **state)
{
    char a[1000], b[1000];
    (void)state;
    memset(a, 'a', sizeof a - 1);
    memset(b, 'b', sizeof b - 1);
    a[sizeof a - 1] = b[sizeof b - 1] = '\0';
    assert_int_equal(suggest_distance(a, b), SUGGEST_MAX);
    assert_int_equal(suggest_distance(a, "a"), SUGGEST_MAX - 1);
}

static void near_is_near(void **state)
{
    (void)state;
    assert_true(suggest_near("transaction.authorised", "transaction.authorized"));
    assert_true(suggest_near("acount", "account"));
    assert_true(suggest_near("transaction.sale", "transaction.sale.success")); /* a beginning */
    assert_false(suggest_near("ach.settled", "transaction.authorized"));
    assert_false(suggest_near("xyz", "account"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances),
        cmocka_unit_test(long_names_stay_in_bounds),
        cmocka_unit_test(near_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
