/* Times and durations, read and written. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

static void test_spans(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {
        {"0s", 0},
        {"1us", 1000},
        {"250ms", 250000000},
        {"10s", 10000000000},
        {"5m", 300000000000},
        {"2h", 7200000000000},
        {"3d", 259200000000000},
        {"3650d", 315360000000000000},
        {"007s", 7000000000},
        {"315360000s", 315360000000000000},
    };
    static const char *const bad[] = {"",
                                      "10",
                                      "s",
                                      "10 s",
                                      " 10s",
                                      "10s ",
                                      "-1s",
                                      "+1s",
                                      "1.5s",
                                      "1S",
                                      "10sec",
                                      "1w",
                                      "1ss",
                                      "3651d",
                                      "315360001s",
                                      "99999999999999999999s",
                                      "1000000000000000us",
                                      "0x1s"};
    struct span span;
    struct error error;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(span_parse(text_of(good[i].text), &span, &error));
        assert_int_equal(span.ns, good[i].ns);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        error.text[0] = '\0';
        if (span_parse(text_of(bad[i]), &span, &error))
            fail_msg("accepted '%s' as %lld ns", bad[i], (long long)span.ns);
        assert_non_null(strstr(error.text, bad[i]));
    }
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00.000001Z", 1},
        {"2023-08-17T14:27:05Z", 1692282425000000},
        {"2023-08-17t14:27:05z", 1692282425000000},
        {"2023-08-17 14:27:05Z", 1692282425000000},
        {"2023-08-17T16:27:05+02:00", 1692282425000000},
        {"2023-08-17T08:57:05-05:30", 1692282425000000},
        {"2023-08-17T14:27:05.5Z", 1692282425500000},
        {"2023-08-17T14:27:05.123456789Z", 1692282425123456},
        {"2023-08-17T14:27:05.12345678901234567890123456789Z", 1692282425123456},
        {"2023-08-17T14:27:05.00000000000000000000000000001+02:00", 1692275225000000},
        {"2024-02-29T00:00:00Z", 1709164800000000},
        {"2000-02-29T00:00:00Z", 951782400000000},
        {"2016-12-31T23:59:60Z", 1483228800000000},
        {"9999-12-31T23:59:59.999999Z", 253402300799999999},
    };
    static const char *const bad[] = {
        "",
        "now",
        "2023-08-17",
        "2023-08-17T14:27Z",
        "2023-08-17T14:27:05",
        "2023-08-17T14:27:05Zx",
        "2023-08-17T14:27:05.Z",
        "2023-08-17T14:27:05+2:00",
        "2023-08-17T14:27:05+0200",
        "2023-08-17T14:27:05+24:00",
        "2023-08-17T14:27:05+00:60",
        "2023-8-17T14:27:05Z",
        "23-08-17T14:27:05Z",
        "2023-00-17T14:27:05Z",
        "2023-13-17T14:27:05Z",
        "2023-08-00T14:27:05Z",
        "2023-08-32T14:27:05Z",
        "2023-04-31T14:27:05Z",
        "2023-02-29T14:27:05Z",
        "2100-02-29T14:27:05Z",
        "2023-08-17T24:00:00Z",
        "2023-08-17T14:60:05Z",
        "2023-08-17T14:27:61Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "+2023-08-17T14:27:05Z",
        " 2023-08-17T14:27:05Z",
    };
    struct wall wall;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!wall_parse(text_of(good[i].text), &wall))
            fail_msg("refused '%s'", good[i].text);
        assert_int_equal(wall.us, good[i].us);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (wall_parse(text_of(bad[i]), &wall))
            fail_msg("accepted '%s'", bad[i]);
    assert_false(wall_parse(TEXT("2023-08-17T14:27:05\0Z"), &wall));
    assert_false(wall_parse(TEXT("2023-08-17\0T14:27:05Z"), &wall));
}

static void test_format(void **state)
{
    (void)state;
    char out[40];
    assert_int_equal(wall_format((struct wall){1692282425123456}, false, out), 20);
    assert_string_equal(out, "2023-08-17T14:27:05Z");
    assert_int_equal(wall_format((struct wall){1692282425000456}, true, out), 27);
    assert_string_equal(out, "2023-08-17T14:27:05.000456Z");
    wall_format((struct wall){0}, true, out);
    assert_string_equal(out, "1970-01-01T00:00:00.000000Z");
}

static void test_round_trip(void **state)
{
    (void)state;
    for (int64_t us = 0; us < 253402300799000000; us += 86399999999 * 13) { /* over all years, through all hours */
        char out[40];
        struct wall back;
        wall_format((struct wall){us}, true, out);
        assert_true(wall_parse(text_of(out), &back));
        assert_int_equal(back.us, us);
    }
}

static void test_arithmetic(void **state)
{
    (void)state;
    struct mono t = {1000};
    assert_int_equal(mono_add(t, SPAN_US(2)).ns, 3000);
    assert_int_equal(mono_since(mono_add(t, SPAN_S(3)), t).ns, 3000000000);
    assert_true(mono_before(t, mono_add(t, SPAN_MS(1))));
    assert_false(mono_before(t, t));
    assert_int_equal(span_ms(SPAN_S(2)), 2000);
    assert_int_equal(wall_add((struct wall){5}, SPAN_MS(1)).us, 1005);
    struct mono first = mono_now(), second = mono_now();
    assert_false(mono_before(second, first));
    assert_true(wall_now().us > 1577836800000000); /* after 2020 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spans),      cmocka_unit_test(test_times),      cmocka_unit_test(test_format),
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_arithmetic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
