/* --topics: names, or one regular expression. */
#include "topics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define DEAD "posthorn.dead-letter"
#define SYSTEM "posthorn.system-events"

static void test_names(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "A.b_c-9", "...", ".a", "_", "-"};
    static const char *const bad[] = {"", ".", "..", "a b", "a/b", "a,b", "^a", "\xc3\xa4", "a\n", "a:b"};
    char longest[251];
    memset(longest, 'x', sizeof longest);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(topics_is_name(text_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(topics_is_name(text_of(bad[i])));
    assert_true(topics_is_name((struct text){longest, 249}));
    assert_false(topics_is_name((struct text){longest, 250}));
}

static void test_check(void **state)
{
    (void)state;
    static const struct {
        const char *given, *becomes, *error; /* one of the two */
    } table[] = {
        {"a", "a", NULL},
        {" a, b\t,c ", "a,b,c", NULL},
        {"posthorn.events", "posthorn.events", NULL},
        {" ^a.* ", "^a.*", NULL},
        {"^a{1,2}[,]$", "^a{1,2}[,]$", NULL},
        {"^posthorn\\..*", "^posthorn\\..*", NULL},
        {"", NULL, "is empty: name at least one topic"},
        {" \t ", NULL, "is empty: name at least one topic"},
        {",", NULL, "name 1 of the list is empty"},
        {"a,,b", NULL, "name 2 of the list is empty"},
        {"a, ", NULL, "name 2 of the list is empty"},
        {"a,^b", NULL, "names and a regular expression are mixed"},
        {"^a,^b", NULL, "an expression must be the only entry"},
        {"^a,b", NULL, "an expression must be the only entry"},
        {"a b", NULL, "'a b' is not a topic's name"},
        {"a,..", NULL, "'..' is not a topic's name"},
        {"^(a", NULL, "is not a regular expression"},
        {"^a[", NULL, "is not a regular expression"},
        {"a, " DEAD, NULL, DEAD " is the --dead-letter-topic"},
        {SYSTEM " ,a", NULL, SYSTEM " is the --system-topic: --system-events consumes it"},
        {"^" SYSTEM, "^" SYSTEM, NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char topics[80];
        struct error error = {""};
        snprintf(topics, sizeof topics, "%s", table[i].given);
        bool ok = topics_check(topics, DEAD, SYSTEM, &error);
        if (ok != (table[i].error == NULL) || (ok && strcmp(topics, table[i].becomes) != 0) ||
            (!ok && (strstr(error.text, table[i].error) == NULL || strstr(error.text, "--topics") != error.text)))
            fail_msg("'%s': '%s' '%s'", table[i].given, topics, error.text);
    }
}

static void assert_list(const char *topics, const char *more, const char *first, const char *second)
{
    rd_kafka_topic_partition_list_t *list = topics_list(topics, more);
    assert_int_equal(list->cnt, second == NULL ? 1 : 2);
    assert_string_equal(list->elems[0].topic, first);
    if (second != NULL)
        assert_string_equal(list->elems[1].topic, second);
    rd_kafka_topic_partition_list_destroy(list);
}

static void test_list(void **state)
{
    (void)state;
    assert_list("a,b,a", NULL, "a", "b");
    assert_list("^a{1,2}", NULL, "^a{1,2}", NULL);
    assert_list("a,a", SYSTEM, "a", SYSTEM);
    assert_list("^.*", SYSTEM, "^.*", SYSTEM);
}

static void blacklist(rd_kafka_conf_t *conf, char *out, size_t size)
{
    assert_int_equal(rd_kafka_conf_get(conf, "topic.blacklist", out, &size), RD_KAFKA_CONF_OK);
}

static void test_exclude(void **state)
{
    (void)state;
    char list[200], why[200], *many = calloc(1, 9000);
    struct error error;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_true(topics_exclude(conf, "posthorn.dead-letter", &error));
    blacklist(conf, list, sizeof list);
    assert_string_equal(list, "^posthorn\\.dead-letter$");
    assert_true(topics_exclude(conf, SYSTEM, &error));
    blacklist(conf, list, sizeof list);
    assert_string_equal(list, "^posthorn\\.dead-letter$,^posthorn\\.system-events$");
    assert_int_equal(rd_kafka_conf_set(conf, "topic.blacklist", "^theirs", why, sizeof why), RD_KAFKA_CONF_OK);
    assert_true(topics_exclude(conf, "d", &error));
    blacklist(conf, list, sizeof list);
    assert_string_equal(list, "^theirs,^d$");
    memset(many, 'x', 8999);
    *many = '^';
    assert_int_equal(rd_kafka_conf_set(conf, "topic.blacklist", many, why, sizeof why), RD_KAFKA_CONF_OK);
    assert_false(topics_exclude(conf, "d", &error));
    rd_kafka_conf_destroy(conf);
    free(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_check),
                                       cmocka_unit_test(test_list), cmocka_unit_test(test_exclude)};
    return cmocka_run_group_tests_name("topics", tests, NULL, NULL);
}
