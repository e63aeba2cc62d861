#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "output.h"

/* The output of output_print() for a JSON text. */
static void assert_printed(const char *json, bool as_json, const char *expected)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    json_t *value = json_loads(json, JSON_ALLOW_NUL, NULL);
    assert_non_null(out);
    assert_non_null(value);
    output_print(value, as_json, out);
    fclose(out);
    assert_string_equal(text, expected);
    json_decref(value);
    free(text);
}

static void tables_are_aligned_by_characters(void **state)
{
    (void)state;
    assert_printed("[{\"name\": \"grüße\", \"n\": 7}, {\"name\": \"a\", \"n\": 1234}]", false,
                   "name   n\n"
                   "grüße     7\n"
                   "a      1234\n");
    assert_printed("[]", false, "(none)\n");
}

static void cells_of_all_kinds(void **state)
{
    (void)state;
    assert_printed(
        "[{\"a\": null, \"b\": true, \"c\": false, \"d\": [\"x\", \"y\"], \"e\": [], \"f\": {\"k\": 1}, \"g\": [1]}]",
        false,
        "a  b    c   d     e       f        g\n"
        "   yes  no  x, y  (none)  {\"k\":1}  [1]\n");
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    (void)state;
    assert_printed("{\"name\": \"a\\u001b[2J\\nb\\u007f\"}", false, "name: a?[2J?b?\n");
}

static void nothing_is_cut_at_a_nul(void **state)
{
    (void)state;
    assert_printed("{\"value\": \"a\\u0000b\"}", false, "value: a?b\n");
    assert_printed("{\"value\": \"a\\u0000b\"}", true, "{\n  \"value\": \"a\\u0000b\"\n}\n");
}

static void numbers_keep_their_digits(void **state)
{
    (void)state;
    assert_printed("[1.1, 9007199254740993, 0.001]", true, "[\n  1.1,\n  9007199254740993,\n  0.001\n]\n");
}

static void objects_with_tables_in_them(void **state)
{
    (void)state;
    assert_printed("{\"id\": \"x\", \"longer\": 1, \"rows\": [{\"a\": 1}], \"none\": []}", false,
                   "id:     x\n"
                   "longer: 1\n"
                   "\nrows:\na\n1\n"
                   "none:   (none)\n");
}

static void json_keeps_order_and_types(void **state)
{
    (void)state;
    assert_printed("{\"b\": 1, \"a\": null}", true, "{\n  \"b\": 1,\n  \"a\": null\n}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_aligned_by_characters),
        cmocka_unit_test(cells_of_all_kinds),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(nothing_is_cut_at_a_nul),
        cmocka_unit_test(numbers_keep_their_digits),
        cmocka_unit_test(objects_with_tables_in_them),
        cmocka_unit_test(json_keeps_order_and_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
