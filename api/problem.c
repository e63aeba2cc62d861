#include "problem.h"

#include <stdio.h>

static const struct {
    unsigned status;
    const char *name, *title;
} problems[] = {
    [PROBLEM_BAD_REQUEST] = {400, "bad-request", "The request cannot be read"},
    [PROBLEM_UNAUTHENTICATED] = {401, "unauthenticated", "Credentials are missing or not valid"},
    [PROBLEM_WRONG_CODE] = {401, "wrong-code", "The code is not valid"},
    [PROBLEM_SECOND_FACTOR] = {401, "second-factor", "A second factor is needed"},
    [PROBLEM_UNVERIFIED] = {403, "second-factor", "A second factor is needed"},
    [PROBLEM_FOREIGN] = {403, "foreign-request", "The request does not come from the console"},
    [PROBLEM_MISSING_SCOPE] = {403, "missing-scope", "The credential does not permit this"},
    [PROBLEM_NOT_FOUND] = {404, "not-found", "Not found"},
    [PROBLEM_METHOD] = {405, "method-not-allowed", "The method is not allowed"},
    [PROBLEM_CONFLICT] = {409, "conflict", "Not possible in the present state"},
    [PROBLEM_TOO_LARGE] = {413, "too-large", "The body is too large"},
    [PROBLEM_MEDIA_TYPE] = {415, "media-type", "The body must be application/json"},
    [PROBLEM_INVALID] = {422, "invalid", "The body is not valid"},
    [PROBLEM_TOO_MANY] = {429, "too-many-requests", "Too many requests"},
    [PROBLEM_INTERNAL] = {500, "internal", "Internal error"},
    [PROBLEM_UNAVAILABLE] = {503, "unavailable", "Temporarily unavailable"},
};

unsigned problem_status(enum problem problem)
{
    return problems[problem].status;
}

const char *problem_name(enum problem problem)
{
    return problems[problem].name;
}

json_t *problem_json(enum problem problem, const char *pointer, const char *detail)
{
    char type[64];
    snprintf(type, sizeof type, "urn:posthorn:problem:%s", problems[problem].name);
    json_t *json = json_pack("{s:s, s:s, s:i, s:s}", "type", type, "title", problems[problem].title, "status",
                             (int)problems[problem].status, "detail", detail);
    if (json == NULL) /* the detail quotes invalid UTF-8 */
        json = json_pack("{s:s, s:s, s:i}", "type", type, "title", problems[problem].title, "status",
                         (int)problems[problem].status);
    if (pointer != NULL)
        json_object_set_new(json, "errors", json_pack("[{s:s, s:s}]", "pointer", pointer, "detail", detail));
    return json;
}
