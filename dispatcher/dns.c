#include "dns.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "base/log.h"

#define SOCKETS_MAX 16

struct dns {
    struct loop *loop;
    ares_channel channel;
    struct watch watches[SOCKETS_MAX];
    struct timer timer;
};

/* Sets the timer to the next query's time-out, at most one second ahead; no timer without a query. */
static void set_timer(struct dns *dns)
{
    struct timeval left;
    const struct timeval *next = ares_timeout(dns->channel, NULL, &left);
    if (next != NULL)
        timer_set(dns->loop, &dns->timer,
                  mono_add(mono_now(), SPAN_MS(next->tv_sec * 1000 + next->tv_usec / 1000 + 1)));
}

static void timer_fired(void *owner)
{
    struct dns *dns = owner;
    ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(dns);
}

static void socket_ready(void *owner, uint32_t events)
{
    struct dns *dns = owner;
    (void)events;
    for (int i = 0; i < SOCKETS_MAX; i++) /* only a few: check all of ours */
        if (dns->watches[i].fd >= 0)
            ares_process_fd(dns->channel, dns->watches[i].fd, dns->watches[i].fd);
}

static void on_socket(void *owner, ares_socket_t fd, int readable, int writable)
{
    struct dns *dns = owner;
    uint32_t events = (readable ? (uint32_t)EPOLLIN : 0) | (writable ? (uint32_t)EPOLLOUT : 0);
    struct watch *of_fd = NULL, *unused = NULL;
    for (int i = 0; i < SOCKETS_MAX; i++) {
        if (dns->watches[i].fd == fd)
            of_fd = &dns->watches[i];
        else if (dns->watches[i].fd < 0)
            unused = &dns->watches[i];
    }
    if (of_fd != NULL && events == 0)
        loop_unwatch(dns->loop, of_fd);
    else if (of_fd != NULL)
        loop_change(dns->loop, of_fd, events);
    else if (events != 0 && (unused == NULL || !loop_watch(dns->loop, unused, fd, events)))
        log_warning("dns", "error=\"too many sockets\""); /* the query ends by its time-out */
}

struct dns *dns_new(struct loop *loop, const char *servers, struct error *error)
{
    struct dns *dns = calloc(1, sizeof *dns);
    struct ares_options options = {.timeout = 2000, .tries = 2, .sock_state_cb = on_socket, .sock_state_cb_data = dns};
    if (dns == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    dns->loop = loop;
    dns->timer = (struct timer){.fire = timer_fired, .owner = dns};
    for (int i = 0; i < SOCKETS_MAX; i++)
        dns->watches[i] = (struct watch){.ready = socket_ready, .owner = dns, .fd = -1};
    int failed = ares_library_init(ARES_LIB_INIT_ALL);
    if (failed == ARES_SUCCESS)
        failed =
            ares_init_options(&dns->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (failed != ARES_SUCCESS) {
        error_set(error, "c-ares: %s", ares_strerror(failed));
        free(dns);
        return NULL;
    }
    if (*servers != '\0' && (failed = ares_set_servers_ports_csv(dns->channel, servers)) != ARES_SUCCESS) {
        error_set(error, "--name-servers: '%.80s': %s (write 192.0.2.1,[2001:db8::1]:53)", servers,
                  ares_strerror(failed));
        dns_free(&dns);
    }
    return dns;
}

void dns_free(struct dns **dns)
{
    struct dns *old = *dns;
    if (old == NULL)
        return;
    ares_destroy(old->channel);
    timer_cancel(old->loop, &old->timer);
    free(old);
    *dns = NULL;
}

void dns_ask(struct dns *dns, const char *name, int family, ares_addrinfo_callback answered, void *owner)
{
    const struct ares_addrinfo_hints hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    ares_getaddrinfo(dns->channel, name, NULL, &hints, answered, owner);
    set_timer(dns);
}
