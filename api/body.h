/* Members of a JSON body, each with its own complaint: what, where, and what would be right. */
#pragma once
#include "request.h"

#define POINTER_MAX 300

/* No other members than these (NULL at the end). */
bool body_only(struct request *request, const char *const *names) MUST_USE;

/* The member as text of at most `max` bytes, in UTF-8, without a control character; NULL when absent. It lives as long
 * as the body. */
bool body_text(struct request *request, const char *name, bool needed, size_t max, const char **text) MUST_USE;

/* The same of any value; `pointer` says where it stands. */
bool body_is_text(struct request *request, const char *pointer, const json_t *value, size_t max,
                  const char **text) MUST_USE;

/* As body_is_text(), with a maximum of characters, which may have four bytes each. */
bool body_is_words(struct request *request, const char *pointer, const json_t *value, size_t max,
                   const char **text) MUST_USE;

/* One of the words (NULL at the end). */
bool body_is_word(struct request *request, const char *pointer, const json_t *value, const char *const *words,
                  const char **word) MUST_USE;

#define TIME_TEXT_MAX 40

/* A time such as 2026-01-31T12:00:00Z, written anew in UTC: RFC 3339 allows offsets that PostgreSQL does not. *given
 * tells whether it was there. */
bool body_time(struct request *request, const char *name, char out[static TIME_TEXT_MAX], bool *given) MUST_USE;

/* "/name" with what JSON pointers escape. Returns `out`. */
const char *body_pointer(const char *name, char out[static POINTER_MAX]);
