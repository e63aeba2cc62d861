#include "route.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "caller.h"
#include "user.h"

#define BODY_MAX (64 * 1024)
#define PUBLIC_BODY_MAX (16 * 1024) /* of a caller who is not authenticated yet */
#define SIZE_UNIT 4096              /* bytes of a body that count as one more request, and as one more change */
#define CHANGE_BURST 10             /* a burst may use the changes of this many minutes */

/* True if the path matches the template; `params` are the parameters as they are in the path. "*" at the template's end
 * matches the rest. */
static bool matches(const char *template, const char *path, struct text params[static PARAMS_MAX])
{
    size_t count = 0;
    while (*template != '\0') {
        if (*template == '*') {
            params[count] = text_of(path);
            return true;
        }
        if (*template == '{') {
            size_t size = strcspn(path, "/");
            if (size == 0)
                return false;
            params[count++] = (struct text){path, size};
            path += size;
            template = strchr(template, '}') + 1;
        } else if (*template ++ != *path++) {
            return false;
        }
    }
    return *path == '\0';
}

static bool is_method(const struct route *route, const char *method)
{
    return strcmp(route->method, strcmp(method, "HEAD") == 0 ? "GET" : method) == 0;
}

static bool take_params(struct request *request, const struct text params[static PARAMS_MAX])
{
    for (size_t i = 0; i < PARAMS_MAX && params[i].data != NULL; i++) {
        char *param = text_copy(params[i]);
        if (param == NULL)
            return fail(request, PROBLEM_INTERNAL, "no memory");
        request->params[i] = param;
        bool nul = strstr(param, "%00") != NULL;
        MHD_http_unescape(param);
        if (nul || !text_is_utf8(text_of(param)))
            return fail(request, PROBLEM_BAD_REQUEST, "the path contains a NUL, or is not valid UTF-8");
    }
    return true;
}

/* Finds the route; fails with 404, or with 405 and the allowed methods. */
static bool find(struct request *request)
{
    char allowed[100] = "";
    for (const struct route *route = routes; route->path != NULL; route++) {
        struct text params[PARAMS_MAX] = {{0}};
        if (!matches(route->path, request->path, params) ||
            ((route->flags & ROUTE_MONITOR) != 0 && !request->monitored))
            continue;
        if (is_method(route, request->method)) {
            request->route = route;
            return take_params(request, params);
        }
        if (strlen(allowed) + strlen(route->method) + 3 < sizeof allowed) {
            strcat(allowed, *allowed == '\0' ? "" : ", ");
            strcat(allowed, route->method);
        }
    }
    if (*allowed == '\0')
        return fail(request, PROBLEM_NOT_FOUND, "there is no such path; /openapi.json lists all");
    answer_header(request, "Allow", "%s", allowed);
    return fail(request, PROBLEM_METHOD, "this path accepts %s", allowed);
}

static bool check_caller(struct request *request)
{
    const struct route *route = request->route;
    const struct caller *caller = &request->caller;
    if ((route->flags & ROUTE_CONSOLE) != 0 && !caller->console)
        return fail(request, PROBLEM_UNAUTHENTICATED, "this requires a console session");
    if (caller->console && !caller->verified && (route->flags & ROUTE_UNVERIFIED) == 0)
        return fail(request, PROBLEM_UNVERIFIED, "the session has not completed the second factor yet");
    if ((route->dialects & (1u << caller->dialect)) == 0)
        return fail(request, PROBLEM_NOT_FOUND,
                    "this path is not for %s accounts; /openapi.json?dialect=%s lists those that are",
                    dialect_name(caller->dialect), dialect_name(caller->dialect));
    if ((caller->scopes & route->scope) != route->scope)
        return fail(request, PROBLEM_MISSING_SCOPE, "this requires the scope %s",
                    scope_name((enum scope)route->scope, caller->dialect == DIALECT_PAYCONEX));
    return true;
}

static bool is_json(const char *type)
{
    size_t size = strcspn(type, "; \t");
    return size == strlen("application/json") && strncasecmp(type, "application/json", size) == 0;
}

static bool parse_body(struct request *request)
{
    json_error_t error;
    request->body = json_loadb(request->bytes.data, request->bytes.size, JSON_REJECT_DUPLICATES, &error);
    if (request->body == NULL)
        return fail(request, PROBLEM_BAD_REQUEST, "the body is not JSON: line %d, column %d: %s", error.line,
                    error.column, error.text);
    return json_is_object(request->body) || fail_at(request, "", "the body must be a JSON object");
}

static bool has_body(const struct request *request)
{
    return (request->route->flags & (ROUTE_BODY | ROUTE_MAYBE_BODY | ROUTE_RAW)) != 0;
}

static size_t body_max(const struct request *request)
{
    unsigned flags = request->route->flags;
    if (!has_body(request))
        return 0; /* the body is discarded */
    if ((flags & ROUTE_RAW) != 0)
        return (size_t)request->api->settings->event_max + BODY_MAX;
    return (flags & ROUTE_PUBLIC) != 0 ? PUBLIC_BODY_MAX : BODY_MAX;
}

static bool fail_too_large(struct request *request)
{
    return fail(request, PROBLEM_TOO_LARGE, "the body may have at most %zu bytes", request->bytes.max);
}

static bool read_body(struct request *request)
{
    unsigned flags = request->route->flags;
    const char *type = request_header(request, "Content-Type");
    if (!has_body(request))
        return true;
    if (request->crowded)
        return fail(request, PROBLEM_UNAVAILABLE, "too many large requests are being read; try again");
    if (request->dropped > 0)
        return fail_too_large(request);
    if (request->bytes.size == 0)
        return (flags & ROUTE_MAYBE_BODY) != 0 || fail(request, PROBLEM_BAD_REQUEST, "the body is missing");
    if (type == NULL || !is_json(type))
        return fail(request, PROBLEM_MEDIA_TYPE, "Content-Type is %.60s", type != NULL ? type : "missing");
    if (!text_is_utf8(buffer_text(&request->bytes)))
        return fail(request, PROBLEM_BAD_REQUEST, "the body is not valid UTF-8");
    return (flags & ROUTE_RAW) != 0 || parse_body(request);
}

/* Returns the number of requests as which a request with a body of this size counts. */
static long long cost_of(unsigned long long size)
{
    return 1 + (long long)(size / SIZE_UNIT);
}

bool route_enter(struct request *request)
{
    const char *length = request_header(request, "Content-Length");
    if (!find(request))
        return false;
    buffer_init(&request->bytes, body_max(request));
    unsigned long long size = length != NULL && has_body(request) ? strtoull(length, NULL, 10) : 0;
    /* count_body() counts the rest if the size is not known yet */
    request->cost = cost_of(size < request->bytes.max ? size : request->bytes.max);
    if ((request->route->flags & ROUTE_PUBLIC) == 0 && !(caller_enter(request) && check_caller(request)))
        return false;
    if (size > request->bytes.max)
        return fail_too_large(request);
    return true;
}

/* A body that came without Content-Length is counted now, against the requests that follow. */
static bool count_body(struct request *request)
{
    struct error error;
    long long rest = cost_of(request->bytes.size) - request->cost;
    if (rest <= 0 || (request->route->flags & ROUTE_PUBLIC) != 0)
        return true;
    return request_take_database(request) &&
           (store_run(request->db, "select posthorn.api_count($1, $2)",
                      VALUES(store_text(request->caller.credential.text), store_number(rest)), &error) ||
            fail_database(request, &error));
}

/* A change is recorded with the values before and after, so a large body counts as several changes. */
static bool take_share(struct request *request)
{
    const struct settings *settings = request->api->settings;
    struct error error;
    if ((request->route->flags & ROUTE_CHANGE) == 0)
        return true;
    PGresult *wait =
        store_query(request->db, "select posthorn.api_change($1, $2, $3, $4) as seconds",
                    VALUES(store_text(request->caller.account_uuid.text), store_number(cost_of(request->bytes.size)),
                           store_number(settings->change_limit), store_number(settings->change_limit * CHANGE_BURST)),
                    &error);
    return wait == NULL ? fail_database(request, &error)
                        : user_may_try(request, wait, "changes of this account, or tests");
}

void route_run(struct request *request)
{
    unsigned flags = request->route->flags;
    bool transaction = (flags & ROUTE_TRANSACTION) != 0,
         database = (flags & (ROUTE_PUBLIC | ROUTE_RAW)) == 0; /* it was given back while the body was read */
    bool ok = read_body(request) && count_body(request) && (!database || request_take_database(request)) &&
              take_share(request) && (!transaction || request_begin(request)) && request->route->run(request);
    if (ok && transaction)
        ok = request_commit(request);
}
