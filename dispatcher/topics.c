#include "topics.h"

#include <regex.h>
#include <stdlib.h>

#define NAME_MAX_BYTES 249
#define BLACKLIST_MAX 8192

bool topics_is_name(struct text name)
{
    for (size_t i = 0; i < name.size; i++)
        if (!(name.data[i] >= 'a' && name.data[i] <= 'z') && !(name.data[i] >= 'A' && name.data[i] <= 'Z') &&
            !(name.data[i] >= '0' && name.data[i] <= '9') && memchr("._-", name.data[i], 3) == NULL)
            return false;
    return name.size > 0 && name.size <= NAME_MAX_BYTES && !text_equal(name, TEXT(".")) &&
           !text_equal(name, TEXT(".."));
}

static struct text trim(struct text text)
{
    while (text.size > 0 && memchr(" \t\r\n", text.data[0], 4) != NULL)
        text = (struct text){text.data + 1, text.size - 1};
    while (text.size > 0 && memchr(" \t\r\n", text.data[text.size - 1], 4) != NULL)
        text.size--;
    return text;
}

/* True if a comma separates names. Topic names contain no comma; an expression may, in {1,2} and [,]. */
static bool has_list_comma(const char *expression)
{
    char inside = 0;
    for (const char *c = expression; *c != '\0'; c++) {
        if (inside == 0 && *c == ',')
            return true;
        if (inside == 0 && (*c == '{' || *c == '['))
            inside = *c == '{' ? '}' : ']';
        else if (*c == inside)
            inside = 0;
    }
    return false;
}

static bool check_expression(const char *expression, struct error *error)
{
    regex_t compiled;
    char why[100];
    if (has_list_comma(expression))
        return error_set(error,
                         "--topics: '%.100s' is a list that contains a regular expression; an expression must be the "
                         "only entry: combine them, as in ^(a|b.*)$",
                         expression);
    int failed = regcomp(&compiled, expression, REG_EXTENDED | REG_NOSUB);
    if (failed != 0) {
        regerror(failed, &compiled, why, sizeof why);
        return error_set(error, "--topics: '%.100s' is not a regular expression: %s", expression, why);
    }
    regfree(&compiled);
    return true;
}

static bool check_name(struct text name, size_t nth, const char *dead_letter_topic, const char *system_topic,
                       struct error *error)
{
    if (name.size == 0)
        return error_set(error, "--topics: name %zu of the list is empty", nth);
    if (name.data[0] == '^')
        return error_set(error,
                         "--topics: names and a regular expression are mixed; write one expression for all, such as "
                         "^(a|b.*)$");
    if (!topics_is_name(name))
        return error_set(error,
                         "--topics: '%.*s' is not a topic's name: 1 to %d of A-Z, a-z, 0-9, '.', '_' and '-', neither "
                         "'.' nor '..'",
                         (int)(name.size > 100 ? 100 : name.size), name.data, NAME_MAX_BYTES);
    if (text_equal(name, text_of(dead_letter_topic)))
        return error_set(error,
                         "--topics: %s is the --dead-letter-topic: every record copied there would be consumed and "
                         "copied again",
                         dead_letter_topic);
    if (text_equal(name, text_of(system_topic)))
        return error_set(error, "--topics: %s is the --system-topic: --system-events consumes it", system_topic);
    return true;
}

bool topics_check(char *topics, const char *dead_letter_topic, const char *system_topic, struct error *error)
{
    struct text whole = trim(text_of(topics));
    char *to = topics;
    if (whole.size == 0)
        return error_set(error, "--topics is empty: name at least one topic");
    memmove(topics, whole.data, whole.size);
    topics[whole.size] = '\0';
    if (*topics == '^')
        return check_expression(topics, error);
    const char *at = topics;
    for (size_t nth = 1; at != NULL; nth++) { /* the output is never ahead of the input */
        const char *comma = strchr(at, ',');
        struct text name = trim((struct text){at, comma == NULL ? strlen(at) : (size_t)(comma - at)});
        if (!check_name(name, nth, dead_letter_topic, system_topic, error))
            return false;
        at = comma == NULL ? NULL : comma + 1;
        memmove(to, name.data, name.size);
        to += name.size;
        *to++ = at == NULL ? '\0' : ',';
    }
    return true;
}

rd_kafka_topic_partition_list_t *topics_list(const char *topics, const char *more)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(4);
    char name[NAME_MAX_BYTES + 1];
    for (const char *at = topics; *at != '\0' && *topics != '^';) {
        size_t size = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", (int)size, at);
        if (rd_kafka_topic_partition_list_find(list, name, RD_KAFKA_PARTITION_UA) == NULL)
            rd_kafka_topic_partition_list_add(list, name, RD_KAFKA_PARTITION_UA);
        at += size + (at[size] == ',');
    }
    if (*topics == '^')
        rd_kafka_topic_partition_list_add(list, topics, RD_KAFKA_PARTITION_UA);
    if (more != NULL)
        rd_kafka_topic_partition_list_add(list, more, RD_KAFKA_PARTITION_UA);
    return list;
}

bool topics_exclude(rd_kafka_conf_t *conf, const char *never, struct error *error)
{
    char list[BLACKLIST_MAX] = "", why[256];
    size_t size = sizeof list - 2 * NAME_MAX_BYTES - 8;
    rd_kafka_conf_res_t got = rd_kafka_conf_get(conf, "topic.blacklist", NULL, &size);
    if (got == RD_KAFKA_CONF_OK && size > sizeof list - 2 * NAME_MAX_BYTES - 8)
        return error_set(error, "--kafka-properties: topic.blacklist is longer than %d characters", BLACKLIST_MAX / 2);
    if (got == RD_KAFKA_CONF_OK && rd_kafka_conf_get(conf, "topic.blacklist", list, &size) != RD_KAFKA_CONF_OK)
        *list = '\0';
    char *to = list + strlen(list);
    if (to > list)
        *to++ = ',';
    *to++ = '^';
    for (const char *c = never; *c != '\0'; c++) {
        if (*c == '.')
            *to++ = '\\';
        *to++ = *c;
    }
    memcpy(to, "$", 2);
    return rd_kafka_conf_set(conf, "topic.blacklist", list, why, sizeof why) == RD_KAFKA_CONF_OK ||
           error_set(error, "topic.blacklist: %s", why);
}
