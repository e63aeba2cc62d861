#include "resolve.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "net/guard.h"
#include "net/url.h"

#define SOCKETS_MAX 16
#define QUERIES_MAX 256 /* under way at once; more wait for the next look */
#define TTL_LEAST 5
#define TTL_MOST 60

struct resolver {
    struct dispatcher *d;
    ares_channel channel;
    struct watch watches[SOCKETS_MAX];
    struct timer timer;
    int under_way;
};

struct query {
    struct resolver *resolver;
    struct destination *destination; /* one reference */
    struct webhook *webhook;         /* as it was when asked; one reference */
};

static void set_timer(struct resolver *resolver)
{
    struct timeval longest = {.tv_sec = 1}, left;
    struct timeval *next = ares_timeout(resolver->channel, &longest, &left);
    timer_set(resolver->d->loop, &resolver->timer,
              mono_add(mono_now(), SPAN_MS(next->tv_sec * 1000 + next->tv_usec / 1000 + 1)));
}

static void timer_fired(void *owner)
{
    struct resolver *resolver = owner;
    ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    if (resolver->under_way > 0)
        set_timer(resolver);
}

static void socket_ready(void *owner, uint32_t events)
{
    struct resolver *resolver = owner;
    (void)events;
    for (int i = 0; i < SOCKETS_MAX; i++) /* a handful: look at all of ours */
        if (resolver->watches[i].fd >= 0)
            ares_process_fd(resolver->channel, resolver->watches[i].fd, resolver->watches[i].fd);
}

static void on_socket(void *owner, ares_socket_t fd, int readable, int writable)
{
    struct resolver *resolver = owner;
    uint32_t events = (readable ? (uint32_t)EPOLLIN : 0) | (writable ? (uint32_t)EPOLLOUT : 0);
    struct watch *of_fd = NULL, *unused = NULL;
    for (int i = 0; i < SOCKETS_MAX; i++) {
        if (resolver->watches[i].fd == fd)
            of_fd = &resolver->watches[i];
        else if (resolver->watches[i].fd < 0)
            unused = &resolver->watches[i];
    }
    if (of_fd != NULL && events == 0)
        loop_unwatch(resolver->d->loop, of_fd);
    else if (of_fd != NULL)
        loop_change(resolver->d->loop, of_fd, events);
    else if (events != 0 && (unused == NULL || !loop_watch(resolver->d->loop, unused, fd, events)))
        log_warning("resolve", "error=\"too many sockets\""); /* the query ends by its time-out */
}

struct resolver *resolver_new(struct dispatcher *d, struct error *error)
{
    struct resolver *resolver = calloc(1, sizeof *resolver);
    struct ares_options options = {
        .timeout = 2000, .tries = 2, .sock_state_cb = on_socket, .sock_state_cb_data = resolver};
    if (resolver == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    resolver->d = d;
    resolver->timer = (struct timer){.fire = timer_fired, .owner = resolver};
    for (int i = 0; i < SOCKETS_MAX; i++)
        resolver->watches[i] = (struct watch){.ready = socket_ready, .owner = resolver, .fd = -1};
    int failed = ares_library_init(ARES_LIB_INIT_ALL);
    if (failed == ARES_SUCCESS)
        failed = ares_init_options(&resolver->channel, &options,
                                   ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (failed != ARES_SUCCESS) {
        error_set(error, "c-ares: %s", ares_strerror(failed));
        free(resolver);
        return NULL;
    }
    if (*d->settings->name_servers != '\0' &&
        (failed = ares_set_servers_ports_csv(resolver->channel, d->settings->name_servers)) != ARES_SUCCESS) {
        error_set(error, "--name-servers: '%.80s': %s (write 192.0.2.1,[2001:db8::1]:53)", d->settings->name_servers,
                  ares_strerror(failed));
        resolver_free(&resolver);
    }
    return resolver;
}

void resolver_free(struct resolver **resolver)
{
    struct resolver *old = *resolver;
    if (old == NULL)
        return;
    ares_destroy(old->channel); /* calls back for whatever is under way */
    timer_cancel(old->d->loop, &old->timer);
    free(old);
    *resolver = NULL;
}

static void set_answer(struct query *query, const char *address, const char *why, int ttl)
{
    struct destination *destination = query->destination;
    snprintf(destination->address, sizeof destination->address, "%s", address);
    snprintf(destination->address_error, sizeof destination->address_error, "%s", why);
    destination->address_until = mono_add(mono_now(), SPAN_S(ttl < TTL_LEAST  ? TTL_LEAST
                                                             : ttl > TTL_MOST ? TTL_MOST
                                                                              : ttl));
}

static void print_address(const struct sockaddr *address, char *out, size_t size)
{
    if (address->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, out, (socklen_t)size);
    else
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, out, (socklen_t)size);
}

/* The first address, if the guard allows all of them. A name that has a public and a private one is a mistake or an
 * attack, and which of the two would be called should not hang on their order. Only localhost may have one that is not
 * allowed: no stranger answers for that name, and Debian gives it ::1 beside 127.0.0.1. */
static void take_addresses(struct query *query, const struct ares_addrinfo *info)
{
    char first[64] = "", refused[64] = "", why[120] = "the host name has no address";
    bool may_differ = url_is_localhost(query->webhook->host);
    int ttl = TTL_MOST;
    for (const struct ares_addrinfo_node *node = info->nodes; node != NULL; node = node->ai_next) {
        bool allowed = guard_allows(query->resolver->d->guard, node->ai_addr);
        char *out = allowed ? first : refused;
        ttl = node->ai_ttl < ttl ? node->ai_ttl : ttl;
        if (*out == '\0')
            print_address(node->ai_addr, out, sizeof first);
    }
    if (*refused != '\0')
        snprintf(why, sizeof why, "the host name's address %s is not allowed: it is not public", refused);
    if (*first != '\0' && (*refused == '\0' || may_differ))
        set_answer(query, first, "", ttl);
    else
        set_answer(query, "", why, TTL_LEAST);
}

static void answered(void *owner, int status, int timeouts, struct ares_addrinfo *info)
{
    struct query *query = owner;
    struct destination *destination = query->destination;
    char why[120];
    (void)timeouts;
    query->resolver->under_way--;
    destination->resolving = false;
    if (destination->webhook == query->webhook) { /* else it has another URL by now, and asks again */
        if (status == ARES_SUCCESS && info != NULL) {
            take_addresses(query, info);
        } else {
            snprintf(why, sizeof why, "the host name could not be resolved: %s", ares_strerror(status));
            set_answer(query, "", why, TTL_LEAST);
        }
    }
    if (info != NULL)
        ares_freeaddrinfo(info);
    if (status != ARES_EDESTRUCTION)
        destination_pump(query->resolver->d, destination);
    webhook_release(&query->webhook);
    destination_release(query->resolver->d, &query->destination);
    free(query);
}

void resolve_ask(struct dispatcher *d, struct destination *destination)
{
    struct resolver *resolver = d->resolver;
    const char *source = d->settings->source_address; /* the other family could not be reached from it */
    const struct ares_addrinfo_hints hints = {.ai_family = *source == '\0'       ? AF_UNSPEC
                                                           : strchr(source, ':') ? AF_INET6
                                                                                 : AF_INET,
                                              .ai_socktype = SOCK_STREAM};
    struct query *query;
    if (destination->resolving || resolver->under_way == QUERIES_MAX || (query = calloc(1, sizeof *query)) == NULL)
        return;
    *query = (struct query){resolver, destination, destination->webhook};
    destination->references++;
    destination->webhook->references++;
    destination->resolving = true;
    resolver->under_way++;
    ares_getaddrinfo(resolver->channel, destination->webhook->host, NULL, &hints, answered, query);
    if (resolver->under_way > 0)
        set_timer(resolver);
}
