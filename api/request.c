#include "request.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/statement.h"

static const char *const dialects[] = {[DIALECT_PENNY] = "penny",
                                       [DIALECT_MERCHANT] = "merchant",
                                       [DIALECT_PAYCONEX] = "payconex",
                                       [DIALECT_DEVENGO] = "devengo"};

const char *dialect_name(enum dialect dialect)
{
    return dialects[dialect];
}

enum dialect dialect_of(const char *name)
{
    enum dialect dialect = 0;
    while (dialect < DIALECT_COUNT && strcmp(dialects[dialect], name) != 0)
        dialect++;
    return dialect;
}

bool answer_json(struct request *request, unsigned status, json_t *result)
{
    json_decref(request->result);
    request->result = result;
    request->status = status;
    request->content_type = "application/json";
    if (result == NULL)
        return fail(request, PROBLEM_INTERNAL, "no memory");
    return true;
}

bool answer_json_raw(struct request *request, unsigned status, json_t *object, const char *name, struct text raw)
{
    char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
    bool ok = text != NULL;
    json_decref(object);
    buffer_init(&request->spliced, (ok ? strlen(text) : 0) + strlen(name) + raw.size + 16);
    if (ok) {
        buffer_append(&request->spliced, text, strlen(text) - 1); /* of an object, without its closing brace */
        buffer_append_text(&request->spliced, TEXT(",\""));
        buffer_append_text(&request->spliced, text_of(name));
        buffer_append_text(&request->spliced, TEXT("\":"));
        buffer_append_text(&request->spliced, raw);
        buffer_append_char(&request->spliced, '}');
        ok = !request->spliced.failed;
    }
    free(text);
    request->status = status;
    request->content_type = "application/json";
    request->page = buffer_text(&request->spliced);
    return ok || fail(request, PROBLEM_INTERNAL, "no memory");
}

bool answer_nothing(struct request *request)
{
    request->status = 204;
    return true;
}

void answer_header(struct request *request, const char *name, const char *format, ...)
{
    va_list args;
    if (request->header_count == HEADERS_MAX)
        return;
    va_start(args, format);
    vsnprintf(request->headers[request->header_count].value, sizeof request->headers[0].value, format, args);
    va_end(args);
    request->headers[request->header_count++].name = name;
}

static bool fail_with(struct request *request, enum problem problem, const char *pointer, const char *detail)
{
    json_decref(request->result);
    request->result = problem_json(problem, pointer, detail);
    request->page = (struct text){0};
    request->status = problem_status(problem);
    request->content_type = "application/problem+json";
    if (request->status == 401)
        answer_header(request, "WWW-Authenticate", "Bearer realm=\"posthorn\"");
    if (request->status == 503)
        answer_header(request, "Retry-After", "1");
    return false;
}

bool fail(struct request *request, enum problem problem, const char *format, ...)
{
    char detail[700];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    return fail_with(request, problem, NULL, detail);
}

bool fail_at(struct request *request, const char *pointer, const char *format, ...)
{
    char detail[700];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    return fail_with(request, PROBLEM_INVALID, pointer, detail);
}

/* True if another attempt may succeed: the server is gone or stopping, or there was a conflict with another statement.
 */
static bool is_passing(const struct request *request)
{
    static const char *const classes[] = {"08", "25006", "40", "53", "55P03", "57"};
    const char *state = store_state();
    if (request->db == NULL || PQstatus(request->db) != CONNECTION_OK || *state == '\0')
        return true;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strncmp(state, classes[i], strlen(classes[i])) == 0)
            return true;
    return false;
}

bool fail_database(struct request *request, const struct error *error)
{
    if (request->db != NULL && strcmp(store_state(), "PH004") == 0) /* the account would exceed a limit of the schema */
        return fail(request, PROBLEM_CONFLICT, "%s", error->text + strlen(STORE_ORIGIN ": "));
    bool passing = is_passing(request);
    if (strcmp(store_state(), "57014") == 0) { /* query_canceled */
        log_warning("database", "state=57014 text=\"%s\"", error->text);
        return fail(request, PROBLEM_UNAVAILABLE,
                    "the database takes too long for this request; request less, or try again later");
    }
    log_write(passing ? LOG_WARNING : LOG_ERROR, "database", "state=%s text=\"%s\"", store_state(), error->text);
    return passing ? fail(request, PROBLEM_UNAVAILABLE, "the database does not respond at present; try again")
                   : fail(request, PROBLEM_INTERNAL, "the database refused a statement; the log contains the reason");
}

bool request_argument(struct request *request, const char *name, char *out, size_t size, bool *given)
{
    const char *raw = MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
    *given = raw != NULL && *raw != '\0';
    if (!*given)
        return true;
    if (strlen(raw) >= size || strstr(raw, "%00") != NULL)
        return fail(request, PROBLEM_BAD_REQUEST, "the query's %s is too long, or contains a NUL", name);
    strcpy(out, raw);
    MHD_http_unescape(out);
    return text_is_utf8(text_of(out)) || fail(request, PROBLEM_BAD_REQUEST, "the query's %s is not valid UTF-8", name);
}

bool request_number(struct request *request, const char *name, long long low, long long high, long long standard,
                    long long *number)
{
    char text[40], *end;
    bool given;
    *number = standard;
    if (!request_argument(request, name, text, sizeof text, &given) || !given)
        return !given && request->status == 0;
    errno = 0;
    *number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || *number < low || *number > high)
        return fail(request, PROBLEM_BAD_REQUEST, "the query's %s must be a whole number from %lld to %lld", name, low,
                    high);
    return true;
}

bool request_time(struct request *request, const char *name, char out[static REQUEST_TIME_MAX], bool *given)
{
    struct wall time;
    if (!request_argument(request, name, out, REQUEST_TIME_MAX, given) || !*given)
        return request->status == 0;
    if (!wall_parse(text_of(out), &time))
        return fail(request, PROBLEM_BAD_REQUEST, "the query's %s must be a time such as 2026-01-31T12:00:00Z", name);
    wall_format(time, true, out);
    return true;
}

const char *request_header(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

uint64_t request_holder(const struct request *request)
{
    if (request->monitored)
        return POOL_PROBE;
    return request->caller.account_id > 0 ? (uint64_t)request->caller.account_id : address_holder(&request->from);
}

static bool has_slot(struct request *request, const struct error *error)
{
    if (request->slot == NULL) {
        log_warning("database", "text=\"%s\"", error->text);
        request->db = NULL;
        return fail(request, PROBLEM_UNAVAILABLE, "the database does not respond at present; try again");
    }
    request->db = request->slot->db;
    return true;
}

bool request_take_database(struct request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct error error;
    if (request->slot != NULL)
        return true;
    request->slot = pool_take(request->api->pool, request_holder(request), &error);
    statement_limit(request->api->settings->database_timeout, info != NULL ? info->connect_fd : -1);
    return has_slot(request, &error);
}

bool request_move_database(struct request *request)
{
    struct error error;
    bool moved = pool_move(request->api->pool, &request->slot, request_holder(request), &error);
    return has_slot(request, &error) && moved;
}

void request_give_database(struct request *request)
{
    request->db = NULL;
    pool_give(request->api->pool, &request->slot);
    statement_limit((struct span){0}, -1);
}

bool request_begin(struct request *request)
{
    struct error error;
    if (store_run(request->db, "begin", NO_VALUES, &error) &&
        store_run(request->db,
                  "select set_config('posthorn.actor', $1, true), set_config('posthorn.address', $2, true)",
                  VALUES(store_text(request->caller.actor), store_text(request->address)), &error))
        return true;
    return fail_database(request, &error);
}

bool request_commit(struct request *request)
{
    struct error error;
    return store_run(request->db, "commit", NO_VALUES, &error) || fail_database(request, &error);
}

void request_fini(struct request *request)
{
    request_give_database(request);
    for (size_t i = 0; i < PARAMS_MAX; i++)
        free(request->params[i]);
    json_decref(request->body);
    json_decref(request->result);
    secret_wipe(&request->spliced);
    buffer_fini(&request->spliced);
    secret_wipe(&request->bytes);
    buffer_fini(&request->bytes);
    free(request->path);
}
