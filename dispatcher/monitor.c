#include "monitor.h"

#include <microhttpd.h>
#include <stdlib.h>

#include "background.h"
#include "claim.h"
#include "delivery.h"
#include "flush.h"
#include "intake.h"
#include "net/listen.h"

#define PAGE_MAX (1u << 20)
#define CONNECTIONS_MAX 32

struct monitor {
    struct dispatcher *d;
    struct MHD_Daemon *daemon;
    struct watch watch;
    struct timer timer;
};

static void run(struct monitor *monitor)
{
    MHD_UNSIGNED_LONG_LONG wait;
    MHD_run(monitor->daemon);
    if (MHD_get_timeout(monitor->daemon, &wait) == MHD_YES)
        timer_set(monitor->d->loop, &monitor->timer,
                  mono_add(loop_now(monitor->d->loop), SPAN_MS(wait > 1000 ? 1000 : wait)));
}

static void ready(void *owner, uint32_t events)
{
    (void)events;
    run(owner);
}

static void timer_fired(void *owner)
{
    run(owner);
}

/* Returns NULL if the process is ready, else what is missing. */
static const char *not_ready(const struct dispatcher *d)
{
    if (d->draining)
        return "draining\n";
    if (d->id == 0 || !flush_connected(d) || !intake_connected(d) || !background_connected(d))
        return "not connected to PostgreSQL\n";
    if (!claims_ready(d))
        return "joining the group, or claiming partitions\n";
    return NULL;
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, struct text page)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(page.size, (void *)(uintptr_t)page.data, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static void measure(struct dispatcher *d)
{
    int running, stopped;
    claims_count(d, &running, &stopped);
    d->metrics[METRIC_PARTITIONS].value = running;
    d->metrics[METRIC_PARTITIONS_STOPPED].value = stopped;
    d->metrics[METRIC_IN_FLIGHT].value = deliveries_in_flight_count(d);
    d->metrics[METRIC_MEMORY].value = (double)budget_used(d->memory);
    d->metrics[METRIC_UNFLUSHED].value = (double)flush_unflushed(d);
}

static enum MHD_Result answer_metrics(struct dispatcher *d, struct MHD_Connection *connection)
{
    struct buffer page;
    measure(d);
    buffer_init(&page, PAGE_MAX);
    metrics_print(metric_table, d->metrics, METRIC_COUNT, &page);
    enum MHD_Result result = answer(connection, page.failed ? 500 : 200, buffer_text(&page));
    buffer_fini(&page);
    return result;
}

static enum MHD_Result handle(void *owner, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **state)
{
    struct monitor *monitor = owner;
    (void)version;
    (void)upload;
    (void)state;
    *upload_size = 0;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return answer(connection, 405, TEXT("only GET\n"));
    if (strcmp(url, "/metrics") == 0)
        return answer_metrics(monitor->d, connection);
    if (strcmp(url, "/healthz") == 0)
        return answer(connection, 200, TEXT("ok\n"));
    const char *missing = not_ready(monitor->d);
    if (strcmp(url, "/readyz") == 0)
        return missing == NULL ? answer(connection, 200, TEXT("ready\n")) : answer(connection, 503, text_of(missing));
    return answer(connection, 404, TEXT("the paths are /metrics, /healthz and /readyz\n"));
}

struct monitor *monitor_new(struct dispatcher *d, struct error *error)
{
    struct monitor *monitor = calloc(1, sizeof *monitor);
    struct sockaddr_storage address;
    if (monitor == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    *monitor = (struct monitor){.d = d,
                                .watch = {.ready = ready, .owner = monitor, .fd = -1},
                                .timer = {.fire = timer_fired, .owner = monitor}};
    if (*d->settings->listen == '\0')
        return monitor;
    if (!listen_parse("listen", d->settings->listen, &address, error))
        goto bad;
    unsigned flags = MHD_USE_EPOLL | (address.ss_family == AF_INET6 ? (unsigned)MHD_USE_IPv6 : 0);
    monitor->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, monitor, MHD_OPTION_SOCK_ADDR, &address,
                                       MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, 10u,
                                       MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        monitor->daemon == NULL ? NULL : MHD_get_daemon_info(monitor->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL || !loop_watch(d->loop, &monitor->watch, info->epoll_fd, EPOLLIN)) {
        error_set(error, "--listen %s: cannot listen on this address", d->settings->listen);
        goto bad;
    }
    return monitor;
bad:
    monitor_free(&monitor);
    return NULL;
}

void monitor_free(struct monitor **monitor)
{
    struct monitor *old = *monitor;
    if (old == NULL)
        return;
    loop_unwatch(old->d->loop, &old->watch);
    timer_cancel(old->d->loop, &old->timer);
    if (old->daemon != NULL)
        MHD_stop_daemon(old->daemon);
    free(old);
    *monitor = NULL;
}
