/* Body: reads members of a JSON body. An invalid member gives a problem that says what is wrong, where, and what is
 * valid. */
#pragma once
#include "request.h"

#define POINTER_MAX 300

/* Fails if the body has other members than these (NULL at the end). */
bool body_only(struct request *request, const char *const *names) MUST_USE;

/* Reads the member as text of at most `max` bytes, in UTF-8, without control characters; NULL if absent. It is valid as
 * long as the body. */
bool body_text(struct request *request, const char *name, bool needed, size_t max, const char **text) MUST_USE;

/* As body_text(), for any value; `pointer` is its place. */
bool body_is_text(struct request *request, const char *pointer, const json_t *value, size_t max,
                  const char **text) MUST_USE;

/* As body_is_text(), with a maximum in characters, which may have four bytes each. */
bool body_is_words(struct request *request, const char *pointer, const json_t *value, size_t max,
                   const char **text) MUST_USE;

/* Reads one of the words (NULL at the end). */
bool body_is_word(struct request *request, const char *pointer, const json_t *value, const char *const *words,
                  const char **word) MUST_USE;

#define TIME_TEXT_MAX 40

/* Reads a time such as 2026-01-31T12:00:00Z and writes it in UTC: RFC 3339 allows offsets that PostgreSQL does not.
 * *given is false if it is absent. */
bool body_time(struct request *request, const char *name, char out[static TIME_TEXT_MAX], bool *given) MUST_USE;

/* Writes "/name", escaped as a JSON pointer. Returns `out`. */
const char *body_pointer(const char *name, char out[static POINTER_MAX]);
