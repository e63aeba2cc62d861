/* Messages: cut at the end of their buffer, never written beyond it. */
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_messages(void **state)
{
    (void)state;
    struct error error;
    assert_false(error_set(&error, "line %d: %s", 3, "no name"));
    assert_string_equal(error.text, "line 3: no name");
    assert_false(error_prefix(&error, "file %s", "x.conf"));
    assert_string_equal(error.text, "file x.conf: line 3: no name");
}

/* At every length around the size of the buffer. */
static void test_long_messages(void **state)
{
    (void)state;
    char text[700];
    for (size_t size = 490; size < 600; size++) {
        struct error error;
        memset(text, 'x', size);
        text[size] = '\0';
        error_set(&error, "%s", text);
        assert_int_equal(strlen(error.text), size < sizeof error.text ? size : sizeof error.text - 1);
        error_prefix(&error, "%s", "what");
        assert_int_equal(strlen(error.text), sizeof error.text - 1 < size + 6 ? sizeof error.text - 1 : size + 6);
        assert_memory_equal(error.text, "what: xxx", 9);
        error_prefix(&error, "%s", text);
        assert_true(strlen(error.text) < sizeof error.text);
        assert_memory_equal(error.text, "xxxx", 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_messages), cmocka_unit_test(test_long_messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
