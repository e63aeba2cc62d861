#include "server.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "net/listen.h"
#include "route.h"
#include "stats.h"

#define DROPPED_MAX (16u * 1024 * 1024) /* bytes of a too large body that are read to be able to say so */
#define STACK_SIZE (512u * 1024)

struct listener {
    struct api *api;
    struct MHD_Daemon *daemon;
    bool monitor;
};

struct server {
    struct listener api, monitor;
};

/* The path and the query stay as they came; what is needed of them is unescaped by who needs it. */
static size_t keep_escaped(void *owner, struct MHD_Connection *connection, char *text)
{
    (void)owner;
    (void)connection;
    return strlen(text);
}

static void read_address(struct request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info != NULL ? info->client_addr : NULL;
    if (address != NULL && address->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, request->address,
                  sizeof request->address);
    else if (address != NULL && address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, request->address,
                  sizeof request->address);
}

/* The last address of X-Forwarded-For, which the balancer itself has added; what stands before it, the caller may have
 * written. */
static void read_forwarded(struct request *request)
{
    unsigned char ignored[16];
    char copy[INET6_ADDRSTRLEN];
    const char *header = request_header(request, "X-Forwarded-For");
    if (header == NULL)
        return;
    const char *comma = strrchr(header, ','), *last = comma != NULL ? comma + 1 : header;
    last += strspn(last, " ");
    size_t size = strcspn(last, " ");
    if (size >= sizeof copy)
        return;
    memcpy(copy, last, size);
    copy[size] = '\0';
    if (inet_pton(AF_INET, copy, ignored) == 1 || inet_pton(AF_INET6, copy, ignored) == 1)
        snprintf(request->address, sizeof request->address, "%s", copy);
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
    buffer_init(&request->bytes, route_body_max(listener->api, method, url));
    read_address(request);
    if (listener->api->settings->forwarded_for)
        read_forwarded(request);
    return request;
}

static enum MHD_Result take_bytes(struct request *request, const char *upload, size_t *size)
{
    if (request->dropped > 0 || request->bytes.size + *size > request->bytes.max)
        request->dropped += *size;
    else
        buffer_append(&request->bytes, upload, *size);
    *size = 0;
    return request->dropped > DROPPED_MAX || request->bytes.failed ? MHD_NO : MHD_YES;
}

static struct MHD_Response *response_of(struct request *request)
{
    if (request->page.data != NULL)
        return MHD_create_response_from_buffer(request->page.size, (void *)(uintptr_t)request->page.data,
                                               MHD_RESPMEM_MUST_COPY);
    if (request->result == NULL)
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    char *text = json_dumps(request->result, JSON_COMPACT);
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

static enum MHD_Result handle(void *owner, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **state)
{
    struct listener *listener = owner;
    struct request *request = *state;
    (void)version;
    if (request == NULL) {
        *state = begin(listener, connection, url, method);
        return *state == NULL ? MHD_NO : MHD_YES;
    }
    if (*upload_size > 0)
        return take_bytes(request, upload, upload_size);
    stats_begin(listener->api->stats);
    request->began = mono_now();
    route_run(request);
    enum MHD_Result result = answer(request);
    struct span took = mono_since(mono_now(), request->began);
    stats_end(listener->api->stats, request->status, took);
    tell(request, took);
    return result;
}

static void ended(void *owner, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code)
{
    struct request *request = *state;
    (void)owner;
    (void)connection;
    (void)code;
    if (request != NULL) {
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
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC |
                     (address.ss_family == AF_INET6 ? (unsigned)MHD_USE_IPv6 : 0);
    listener->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, handle, listener, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)settings->connections_max, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)(span_ms(settings->request_timeout) / 1000), MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_SIZE,
        MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_NOTIFY_COMPLETED, ended, NULL, MHD_OPTION_UNESCAPE_CALLBACK,
        keep_escaped, NULL, MHD_OPTION_END);
    return listener->daemon != NULL || error_set(error, "--%s %s: cannot listen there", name, where);
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
    MHD_socket listening = MHD_quiesce_daemon(server->api.daemon);
    if (listening != MHD_INVALID_SOCKET)
        close(listening);
    while (stats_in_flight(server->api.api->stats) > 0 && mono_before(mono_now(), until))
        nanosleep(&pause, NULL);
}

void server_free(struct server **server)
{
    struct server *old = *server;
    if (old == NULL)
        return;
    if (old->api.daemon != NULL)
        MHD_stop_daemon(old->api.daemon);
    if (old->monitor.daemon != NULL)
        MHD_stop_daemon(old->monitor.daemon);
    free(old);
    *server = NULL;
}
