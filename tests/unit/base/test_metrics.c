/* The text that /metrics returns. */
#include "base/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void test_print(void **state)
{
    (void)state;
    static const struct metric metrics[] = {{"a_total", "kind=\"x\"", METRIC_COUNTER, "several"},
                                            {"a_total", "kind=\"y\"", METRIC_COUNTER, "several"},
                                            {"b", NULL, METRIC_GAUGE, "one"}};
    const struct metric_value values[] = {{.value = 1}, {.value = 9007199254740991}, {.value = 0.5}};
    struct buffer out;
    buffer_init(&out, 1 << 16);
    metrics_print(metrics, values, 3, &out);
    buffer_append_char(&out, '\0');
    assert_string_equal(out.data, "# HELP posthorn_a_total several\n# TYPE posthorn_a_total counter\n"
                                  "posthorn_a_total{kind=\"x\"} 1\nposthorn_a_total{kind=\"y\"} 9007199254740991\n"
                                  "# HELP posthorn_b one\n# TYPE posthorn_b gauge\nposthorn_b 0.5\n");
    buffer_fini(&out);
}

/* A bucket has what is at most its bound; the buckets are cumulative. */
static void test_histogram(void **state)
{
    (void)state;
    static const struct metric metric = {"s", NULL, METRIC_SECONDS, "spans"};
    struct metric_value value = {0};
    struct buffer out;
    metric_observe(&value, SPAN_MS(1));
    metric_observe(&value, SPAN_MS(2));
    metric_observe(&value, SPAN_S(30));
    metric_observe(&value, SPAN_S(31));
    buffer_init(&out, 1 << 16);
    metrics_print(&metric, &value, 1, &out);
    buffer_append_char(&out, '\0');
    static const char *const lines[] = {"posthorn_s_bucket{le=\"0.001\"} 1\n",
                                        "posthorn_s_bucket{le=\"0.0025\"} 2\n",
                                        "posthorn_s_bucket{le=\"10\"} 2\n",
                                        "posthorn_s_bucket{le=\"30\"} 3\n",
                                        "posthorn_s_bucket{le=\"+Inf\"} 4\n",
                                        "posthorn_s_sum 61.003\n",
                                        "posthorn_s_count 4\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (strstr(out.data, lines[i]) == NULL)
            fail_msg("%s is not in:\n%s", lines[i], out.data);
    buffer_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_print), cmocka_unit_test(test_histogram)};
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
