/* What went wrong, in words for the person who must mend it.
 *
 * A function that can fail takes a `struct error *` last and returns false (or NULL) after error_set();
 * the caller must look at the result (MUST_USE). A webhook that fails is not an error: it is an outcome. */
#pragma once
#include <stdarg.h>
#include <stdbool.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

struct error {
    char text[512];
};

/* Write the message (cut at the buffer's size). Returns false, so that `return error_set(…)` reads well. */
bool error_set(struct error *error, const char *format, ...) PRINTF_LIKE(2, 3);

/* Put "what: " before the message that is there. Returns false. */
bool error_prefix(struct error *error, const char *format, ...) PRINTF_LIKE(2, 3);
