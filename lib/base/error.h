/* Error: what went wrong, as text for the person who has to fix it.
 *
 * A function that can fail takes a `struct error *` as its last parameter and returns false (or NULL) after
 * error_set(); the caller must check the result (MUST_USE). A failing webhook is not an error: it is an outcome. */
#pragma once
#include <stdarg.h>
#include <stdbool.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

struct error {
    char text[512];
};

/* Writes the message, truncated to the buffer's size. Always returns false, for `return error_set(…)`. */
bool error_set(struct error *error, const char *format, ...) PRINTF_LIKE(2, 3);

/* Inserts "what: " before the existing message. Always returns false. */
bool error_prefix(struct error *error, const char *format, ...) PRINTF_LIKE(2, 3);
