/* Records for the tests of the envelope, given by strings. */
#pragma once
#include "event/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define TRACE "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#define NOW 1700000000123 /* the record's timestamp, in milliseconds */

#define HEADERS_MAX 10

/* As strings, for short; NULL: absent. The header value "\1" represents a null value. */
struct given {
    const char *headers[2 * HEADERS_MAX]; /* name, value, … */
    const char *key, *value;
};

struct reading {
    struct record_header headers[HEADERS_MAX];
    struct record record;
    struct arena arena;
    struct event event;
    struct error why;
};

static const struct envelope_rules standard_rules = {.value_max = 65536};

static struct text text_or_null(const char *string)
{
    return string == NULL || string[0] == '\1' ? (struct text){0} : text_of(string);
}

static enum refusal read_given(struct reading *reading, const struct given *given, const struct envelope_rules *rules)
{
    size_t count = 0;
    while (count < HEADERS_MAX && given->headers[2 * count] != NULL) {
        reading->headers[count] =
            (struct record_header){text_of(given->headers[2 * count]), text_or_null(given->headers[2 * count + 1])};
        count++;
    }
    reading->record = (struct record){.topic = TEXT("payments"),
                                      .partition = 3,
                                      .offset = 1234567890123,
                                      .timestamp_ms = NOW,
                                      .key = text_or_null(given->key),
                                      .value = text_or_null(given->value),
                                      .headers = reading->headers,
                                      .header_count = count};
    reading->why = (struct error){0};
    arena_init(&reading->arena, 16384);
    return envelope_read(&reading->record, rules, &reading->arena, &reading->event, &reading->why);
}
