#include "gate.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/budget.h"
#include "base/log.h"
#include "link.h"

#define BACKLOG 511
#define LINGER SPAN_S(2)   /* time for a caller to close after the response */
#define FAREWELL SPAN_S(5) /* the same for all callers, at the end */
#define PAUSE SPAN_MS(100) /* if no descriptor is free */
#define EDGES (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

TAILQ_HEAD(links, link);

struct gate {
    struct gate_settings settings;
    struct loop *loop;
    struct watch listening, woken;
    struct timer pause;
    int socket, wake;
    struct budget *budget;
    struct links links, unfinished; /* unfinished: the longest first */
    int64_t count;
    pthread_t thread;
    pthread_mutex_t lock; /* protects `quiet` while the daemon is given a connection */
    bool quiet, running;
    atomic_bool ends;
};

static void unlist(struct gate *gate, struct link *link)
{
    if (link->listed)
        TAILQ_REMOVE(&gate->unfinished, link, unfinished);
    link->listed = false;
    timer_cancel(gate->loop, &link->slow);
}

static void link_end(struct gate *gate, struct link *link)
{
    int client = link->client.fd;
    link_close_inner(link);
    loop_unwatch(gate->loop, &link->client);
    close(client);
    unlist(gate, link);
    timer_cancel(gate->loop, &link->stuck);
    if (link->counted)
        budget_give(gate->budget, address_holder(&link->address), 1);
    TAILQ_REMOVE(&gate->links, link, link);
    gate->count--;
    stats_connections(gate->settings.stats, -1);
    free(link);
}

/* Passes the second socket of the pair to the daemon, which closes it also on failure. */
static bool add(struct gate *gate, struct link *link, const int pair[static 2])
{
    pthread_mutex_lock(&gate->lock);
    bool watched = !gate->quiet && loop_watch(gate->loop, &link->inner, pair[0], EDGES);
    bool added = watched && MHD_add_connection(gate->settings.daemon, pair[1], (struct sockaddr *)&link->from,
                                               sizeof link->from) == MHD_YES;
    pthread_mutex_unlock(&gate->lock);
    if (!watched) {
        close(pair[0]);
        close(pair[1]);
    }
    if (!added)
        link_close_inner(link);
    return added;
}

static void open_inner(struct link *link)
{
    int pair[2];
    link->opened = true;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0 && add(link->owner, link, pair))
        return;
    link->checked = 0;
    link_refuse(link, 503, "the connection cannot be served at present; try again");
}

/* Sets the time limit of an incomplete request, its place in the list of connections that are replaced, and the time
 * limit of output. */
static void set_timers(struct gate *gate, struct link *link)
{
    struct mono due = mono_add(loop_now(gate->loop), gate->settings.request_time);
    bool unfinished = link_unfinished(link) && link->refused == 0 && !link->lingers;
    if (!unfinished || link->complete)
        unlist(gate, link);
    link->complete = false;
    if (unfinished && !link->listed) {
        link->listed = true;
        timer_set(gate->loop, &link->slow, due);
        TAILQ_INSERT_TAIL(&gate->unfinished, link, unfinished);
    }
    if (link->drained)
        timer_cancel(gate->loop, &link->stuck);
    link->drained = false;
    if (!link->stuck.armed && link->lingers)
        timer_set(gate->loop, &link->stuck, mono_add(loop_now(gate->loop), LINGER));
    else if (!link->stuck.armed && link->out_size > 0)
        timer_set(gate->loop, &link->stuck, due);
}

static void pump(struct gate *gate, struct link *link)
{
    bool was_refused = link->refused != 0 && link->told;
    link_pump(link);
    if (link->told && !was_refused) {
        log_info("refused", "status=%u why=\"%s\" address=%s", link->refused, link->why, link->address.text);
        stats_refused(gate->settings.stats, link->refused == 408   ? REFUSED_SLOW
                                            : link->refused == 503 ? REFUSED_FULL
                                                                   : REFUSED_MALFORMED);
    }
    if (link->dead || (gate->ends && (link->lingers || !link->opened)))
        link_end(gate, link);
    else
        set_timers(gate, link);
}

static void ready(void *owner, uint32_t events)
{
    struct link *link = owner;
    (void)events; /* the events only mean that something can be tried */
    pump(link->owner, link);
}

static void too_slow(void *owner)
{
    struct link *link = owner;
    unlist(link->owner, link);
    if (!link->begun && !link->opened && link->in_size == 0) { /* nothing was asked: send no response */
        link_end(link->owner, link);
        return;
    }
    link_refuse(link, 408, "the request was not complete in time");
    pump(link->owner, link);
}

static void not_taken(void *owner)
{
    struct link *link = owner;
    link_end(link->owner, link);
}

/* New connections ------------------------------------------------------------------------------------------------- */

static bool make_room(struct gate *gate)
{
    struct link *oldest = TAILQ_FIRST(&gate->unfinished);
    if (gate->count < gate->settings.connections_max)
        return true;
    if (oldest == NULL)
        return false;
    link_end(gate, oldest);
    stats_refused(gate->settings.stats, REFUSED_FULL);
    return true;
}

static bool may_enter(struct gate *gate, struct link *link)
{
    bool proxy = networks_contain(gate->settings.proxies, link->address.bytes);
    uint64_t holder = address_holder(&link->address);
    if (!proxy && budget_held(gate->budget, holder) > 0 && !budget_may_take(gate->budget, holder, 1))
        return false; /* it exceeds its share: no other connection is closed for it */
    if (!make_room(gate))
        return false;
    link->counted = !proxy && budget_take(gate->budget, holder, 1);
    return proxy || link->counted;
}

static void turn_away(struct gate *gate, int client)
{
    static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
                               "Content-Length: 0\r\n\r\n";
    ssize_t ignored = send(client, busy, sizeof busy - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)ignored;
    close(client);
    stats_refused(gate->settings.stats, REFUSED_FULL);
}

static void enter(struct gate *gate, int client, const struct sockaddr_storage *from)
{
    struct link *link = calloc(1, sizeof *link);
    const int on = 1;
    if (link == NULL || !address_set(&link->address, (const struct sockaddr *)from) || !may_enter(gate, link)) {
        free(link);
        turn_away(gate, client);
        return;
    }
    link->loop = gate->loop;
    link->open = open_inner;
    link->owner = gate;
    link->from = *from;
    link->client = (struct watch){.ready = ready, .owner = link, .fd = -1};
    link->inner = (struct watch){.ready = ready, .owner = link, .fd = -1};
    link->slow = (struct timer){.fire = too_slow, .owner = link};
    link->stuck = (struct timer){.fire = not_taken, .owner = link};
    TAILQ_INSERT_TAIL(&gate->links, link, link);
    gate->count++;
    stats_connections(gate->settings.stats, 1);
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (loop_watch(gate->loop, &link->client, client, EDGES)) {
        pump(gate, link);
    } else {
        close(client);
        link_end(gate, link);
    }
}

static void accept_some(void *owner, uint32_t events)
{
    struct gate *gate = owner;
    struct sockaddr_storage from;
    (void)events;
    for (int i = 0; i < 64; i++) {
        socklen_t size = sizeof from;
        int client = accept4(gate->socket, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client >= 0) {
            enter(gate, client, &from);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_warning("accept", "text=\"%s\"", strerror(errno));
            loop_unwatch(gate->loop, &gate->listening);
            timer_set(gate->loop, &gate->pause, mono_add(loop_now(gate->loop), PAUSE));
            return;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        }
    }
}

static void accept_again(void *owner)
{
    struct gate *gate = owner;
    if (!loop_watch(gate->loop, &gate->listening, gate->socket, EPOLLIN))
        timer_set(gate->loop, &gate->pause, mono_add(loop_now(gate->loop), PAUSE));
}

/* The thread ------------------------------------------------------------------------------------------------------ */

static void close_listening(struct gate *gate)
{
    timer_cancel(gate->loop, &gate->pause);
    loop_unwatch(gate->loop, &gate->listening);
    if (gate->socket >= 0)
        close(gate->socket);
    gate->socket = -1;
}

/* gate_quiesce() or gate_free() was called. */
static void wake_up(void *owner, uint32_t events)
{
    struct gate *gate = owner;
    struct link *next;
    uint64_t ignored;
    (void)events;
    if (read(gate->wake, &ignored, sizeof ignored) < 0)
        return;
    close_listening(gate);
    for (struct link *link = TAILQ_FIRST(&gate->links); gate->ends && link != NULL; link = next) {
        next = TAILQ_NEXT(link, link);
        pump(gate, link);
    }
}

static void *run(void *owner)
{
    struct gate *gate = owner;
    struct mono until = {INT64_MAX};
    while (!gate->ends || (gate->count > 0 && mono_before(mono_now(), until))) {
        loop_turn(gate->loop, SPAN_S(1));
        if (gate->ends && until.ns == INT64_MAX)
            until = mono_add(mono_now(), FAREWELL);
    }
    return NULL;
}

static void wake(struct gate *gate)
{
    const uint64_t one = 1;
    ssize_t ignored = write(gate->wake, &one, sizeof one);
    (void)ignored;
}

/* Returns a listening socket; -1: errno says why. */
static int listen_at(const struct sockaddr_storage *where)
{
    const int on = 1;
    int fd = socket(where->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (where->ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)where, sizeof *where) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static bool start(struct gate *gate, struct error *error)
{
    if ((gate->socket = listen_at(gate->settings.where)) < 0 ||
        (gate->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0)
        return error_set(error, "%s", strerror(errno));
    return ((loop_watch(gate->loop, &gate->woken, gate->wake, EPOLLIN) &&
             loop_watch(gate->loop, &gate->listening, gate->socket, EPOLLIN)) ||
            error_set(error, "no memory")) &&
           ((gate->running = pthread_create(&gate->thread, NULL, run, gate) == 0) || error_set(error, "no thread"));
}

struct gate *gate_new(const struct gate_settings *settings, struct error *error)
{
    struct gate *gate = calloc(1, sizeof *gate);
    if (gate == NULL || (gate->budget = budget_new(settings->connections_max)) == NULL ||
        (gate->loop = loop_new(error)) == NULL) {
        if (gate != NULL)
            budget_free(&gate->budget);
        free(gate);
        error_set(error, "no memory");
        return NULL;
    }
    gate->settings = *settings;
    gate->socket = gate->wake = -1;
    gate->listening = (struct watch){.ready = accept_some, .owner = gate, .fd = -1};
    gate->woken = (struct watch){.ready = wake_up, .owner = gate, .fd = -1};
    gate->pause = (struct timer){.fire = accept_again, .owner = gate};
    TAILQ_INIT(&gate->links);
    TAILQ_INIT(&gate->unfinished);
    pthread_mutex_init(&gate->lock, NULL);
    if (!start(gate, error))
        gate_free(&gate);
    return gate;
}

void gate_quiesce(struct gate *gate)
{
    wake(gate);
}

void gate_close(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->quiet = true;
    pthread_mutex_unlock(&gate->lock);
}

void gate_free(struct gate **gate)
{
    struct gate *old = *gate;
    if (old == NULL)
        return;
    gate_close(old);
    old->ends = true;
    if (old->running) {
        wake(old);
        pthread_join(old->thread, NULL);
    }
    while (!TAILQ_EMPTY(&old->links))
        link_end(old, TAILQ_FIRST(&old->links));
    close_listening(old);
    loop_unwatch(old->loop, &old->woken);
    if (old->wake >= 0)
        close(old->wake);
    pthread_mutex_destroy(&old->lock);
    loop_free(&old->loop);
    budget_free(&old->budget);
    free(old);
    *gate = NULL;
}
