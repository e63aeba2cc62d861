#include "server.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "framing.h"
#include "gate.h"
#include "net/listen.h"
#include "route.h"
#include "shares.h"
#include "stats.h"

#define DROPPED_MAX (16u * 1024 * 1024) /* bytes of a too large body that are read so that the response can be sent */
#define STACK_SIZE (512u * 1024)

struct listener {
    struct api *api;
    struct MHD_Daemon *daemon;
    struct gate *gate;
    bool monitor;
};

struct server {
    struct listener api, monitor;
};

/* Leaves path and query escaped; the code that uses a part unescapes it. */
static size_t keep_escaped(void *owner, struct MHD_Connection *connection, char *text)
{
    (void)owner;
    (void)connection;
    return strlen(text);
}

struct lines {
    const char *values[FRAMING_LINES_MAX];
    size_t count;
};

static enum MHD_Result add_line(void *owner, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct lines *lines = owner;
    (void)kind;
    if (strcasecmp(name, "X-Forwarded-For") == 0 && value != NULL && lines->count < FRAMING_LINES_MAX)
        lines->values[lines->count++] = value;
    return MHD_YES;
}

static void read_address(struct request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct lines lines = {.count = 0};
    request->address = request->from.text;
    if (info == NULL || !address_set(&request->from, info->client_addr))
        return;
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, add_line, &lines);
    address_forwarded(&request->from, &request->api->proxies, lines.values, lines.count);
}

static struct request *begin(struct listener *listener, struct MHD_Connection *connection, const char *url,
                             const char *method)
{
    struct request *request = calloc(1, sizeof *request);
    if (request == NULL || (request->path = strdup(url)) == NULL) {
        free(request);
        return NULL;
    }
    request->api = listener->api;
    request->connection = connection;
    request->method = method;
    request->monitored = listener->monitor;
    request->began = mono_now();
    read_address(request);
    return request;
}

/* Limits the requests at once of an address; for connections of a trusted proxy, of the address behind it. */
static bool enter(struct request *request)
{
    request->counted = !request->monitored && shares_take(request->api->requests, address_holder(&request->from), 1);
    if (!request->counted && !request->monitored)
        return fail(request, PROBLEM_UNAVAILABLE, "this address makes too many requests at once; try again");
    return route_enter(request);
}

/* Charges bytes of a body to the memory share of the account, or of the address. */
static bool charge(struct request *request, size_t size)
{
    if (request->charged == 0)
        request->payer = request_holder(request);
    if (!request->monitored && !shares_take(request->api->bodies, request->payer, (int64_t)size)) {
        request->crowded = true;
        return false;
    }
    request->charged += request->monitored ? 0 : size;
    return true;
}

static enum MHD_Result take_bytes(struct request *request, const char *upload, size_t *size)
{
    bool fits = request->dropped == 0 && request->bytes.size + *size <= request->bytes.max;
    if (fits && charge(request, *size))
        buffer_append(&request->bytes, upload, *size);
    else
        request->dropped += *size;
    *size = 0;
    return request->dropped > DROPPED_MAX || request->bytes.failed ? MHD_NO : MHD_YES;
}

static bool expects_body(const struct request *request)
{
    const char *length = request_header(request, "Content-Length");
    return request_header(request, "Transfer-Encoding") != NULL ||
           (length != NULL && length[strspn(length, "0")] != '\0');
}

static struct MHD_Response *response_of(struct request *request)
{
    if (request->page.data != NULL)
        return MHD_create_response_from_buffer(request->page.size, (void *)(uintptr_t)request->page.data,
                                               MHD_RESPMEM_MUST_COPY);
    if (request->result == NULL)
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    char *text = json_dumps(request->result, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
    return text == NULL ? NULL : MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result answer(struct request *request)
{
    struct MHD_Response *response = response_of(request);
    if (response == NULL)
        return MHD_NO;
    if (request->content_type != NULL)
        MHD_add_response_header(response, "Content-Type", request->content_type);
    MHD_add_response_header(response, "Cache-Control", request->cache != NULL ? request->cache : "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    for (size_t i = 0; i < request->header_count; i++)
        MHD_add_response_header(response, request->headers[i].name, request->headers[i].value);
    enum MHD_Result result = MHD_queue_response(request->connection, request->status, response);
    MHD_destroy_response(response);
    return result;
}

static void tell(const struct request *request, struct span took)
{
    const char *path = request->route != NULL ? request->route->path : "-";
    log_write(request->status >= 500 ? LOG_WARNING
              : request->monitored   ? LOG_DEBUG
                                     : LOG_INFO,
              "request", "method=%.10s route=%s status=%u us=%lld actor=%.80s address=%s", request->method, path,
              request->status, (long long)took.ns / 1000, *request->caller.actor ? request->caller.actor : "-",
              request->address);
}

static enum MHD_Result finish(struct request *request)
{
    enum MHD_Result result = answer(request);
    struct span took = mono_since(mono_now(), request->began);
    request_give_database(request); /* rolls back what was not committed */
    stats_end(request->api->stats, request->status, took);
    tell(request, took);
    return result;
}

/* Called when the head is complete. The caller's connection to PostgreSQL is not held while the body arrives. */
static enum MHD_Result handle_head(struct request *request)
{
    bool body = expects_body(request);
    stats_begin(request->api->stats);
    bool ok = enter(request);
    if (body || !ok)
        request_give_database(request);
    if (body && !ok)
        return finish(request);
    stats_pause(request->api->stats);
    return MHD_YES;
}

static enum MHD_Result handle(void *owner, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **state)
{
    struct request *request = *state;
    (void)version;
    if (request == NULL) {
        *state = request = begin(owner, connection, url, method);
        return request == NULL ? MHD_NO : handle_head(request);
    }
    if (*upload_size > 0)
        return take_bytes(request, upload, upload_size);
    stats_begin(request->api->stats);
    request->began = mono_now();
    if (request->status == 0)
        route_run(request);
    return finish(request);
}

static void ended(void *owner, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code)
{
    struct request *request = *state;
    (void)owner;
    (void)connection;
    (void)code;
    if (request != NULL) {
        if (request->counted)
            shares_give(request->api->requests, address_holder(&request->from), 1);
        if (request->charged > 0)
            shares_give(request->api->bodies, request->payer, (int64_t)request->charged);
        request_fini(request);
        free(request);
    }
    *state = NULL;
}

static bool listen_at(struct listener *listener, const char *name, const char *where, struct error *error)
{
    const struct settings *settings = listener->api->settings;
    struct sockaddr_storage address;
    if (!listen_parse(name, where, &address, error))
        return false;
    listener->daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
                                            MHD_USE_ITC | MHD_USE_NO_LISTEN_SOCKET,
                                        0, NULL, NULL, handle, listener, MHD_OPTION_CONNECTION_LIMIT,
                                        (unsigned)settings->connections_max, MHD_OPTION_CONNECTION_TIMEOUT,
                                        (unsigned)(span_ms(settings->request_timeout) / 1000),
                                        MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_SIZE, MHD_OPTION_NOTIFY_COMPLETED,
                                        ended, NULL, MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, NULL, MHD_OPTION_END);
    if (listener->daemon == NULL)
        return error_set(error, "libmicrohttpd cannot be started");
    const struct gate_settings gate = {.where = &address,
                                       .daemon = listener->daemon,
                                       .connections_max = settings->connections_max,
                                       .request_time = settings->request_timeout,
                                       .proxies = &listener->api->proxies,
                                       .stats = listener->api->stats};
    listener->gate = gate_new(&gate, error);
    return listener->gate != NULL || error_prefix(error, "--%s %s: cannot listen on this address", name, where);
}

static void listener_fini(struct listener *listener)
{
    if (listener->gate != NULL)
        gate_close(listener->gate);
    if (listener->daemon != NULL)
        MHD_stop_daemon(listener->daemon);
    gate_free(&listener->gate);
}

struct server *server_new(struct api *api, struct error *error)
{
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    server->api = (struct listener){.api = api};
    server->monitor = (struct listener){.api = api, .monitor = true};
    const struct settings *settings = api->settings;
    if (!listen_at(&server->api, "listen", settings->listen, error) ||
        (*settings->monitor != '\0' && !listen_at(&server->monitor, "monitor", settings->monitor, error)))
        server_free(&server);
    return server;
}

void server_drain(struct server *server, struct span most)
{
    struct mono until = mono_add(mono_now(), most);
    const struct timespec pause = {.tv_nsec = 10000000};
    gate_quiesce(server->api.gate);
    while (stats_in_flight(server->api.api->stats) > 0 && mono_before(mono_now(), until))
        nanosleep(&pause, NULL);
}

void server_free(struct server **server)
{
    struct server *old = *server;
    if (old == NULL)
        return;
    listener_fini(&old->api);
    listener_fini(&old->monitor);
    free(old);
    *server = NULL;
}
