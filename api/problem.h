/* Problem: the error responses: application/problem+json (RFC 9457). One table: name, status, title. */
#pragma once
#include <jansson.h>

enum problem {
    PROBLEM_BAD_REQUEST,
    PROBLEM_UNAUTHENTICATED,
    PROBLEM_WRONG_CODE,
    PROBLEM_SECOND_FACTOR,
    PROBLEM_UNVERIFIED, /* same type as PROBLEM_SECOND_FACTOR: the session has not given the second factor yet */
    PROBLEM_FOREIGN,
    PROBLEM_MISSING_SCOPE,
    PROBLEM_NOT_FOUND,
    PROBLEM_METHOD,
    PROBLEM_CONFLICT,
    PROBLEM_TOO_LARGE,
    PROBLEM_MEDIA_TYPE,
    PROBLEM_INVALID,
    PROBLEM_TOO_MANY,
    PROBLEM_INTERNAL,
    PROBLEM_UNAVAILABLE
};

unsigned problem_status(enum problem problem);
const char *problem_name(enum problem problem); /* last part of the problem's type */

/* Returns {type, title, status, detail, errors: [{pointer, detail}]}. `pointer` is a JSON pointer into the body, or
 * NULL. Returns NULL if memory is short. */
json_t *problem_json(enum problem problem, const char *pointer, const char *detail);
