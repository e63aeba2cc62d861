#include "sockets.h"

#include <stdlib.h>
#include <unistd.h>

struct socket {
    struct watch watch;
    struct sockets *sockets;
    uint32_t events;
    bool ours;   /* opened for a connection, so sockets_close() tells when it ends */
    bool wanted; /* libcurl waits for it; else it is an idle connection */
};

struct sockets {
    struct loop *loop;
    CURLM *multi;
    void (*acted)(void *owner);
    void *owner;
    struct timer timeout;  /* libcurl's */
    struct socket **table; /* by descriptor */
    size_t size;
};

static void socket_ready(void *owner, uint32_t events)
{
    struct socket *socket = owner;
    struct sockets *sockets = socket->sockets;
    int running, flags = 0;
    if (!socket->wanted) { /* an idle connection was closed by its peer: libcurl notices when it wants to use it */
        loop_unwatch(sockets->loop, &socket->watch);
        return;
    }
    flags |= (events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0;
    flags |= (events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0;
    flags |= (events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0;
    curl_multi_socket_action(sockets->multi, socket->watch.fd, flags, &running);
    sockets->acted(sockets->owner);
}

static struct socket *socket_of(struct sockets *sockets, curl_socket_t fd)
{
    size_t index = (size_t)fd;
    if (index >= sockets->size) {
        size_t size = index + 256;
        struct socket **table = realloc(sockets->table, size * sizeof(struct socket *));
        if (table == NULL)
            return NULL;
        memset(table + sockets->size, 0, (size - sockets->size) * sizeof(struct socket *));
        sockets->table = table;
        sockets->size = size;
    }
    if (sockets->table[index] == NULL && (sockets->table[index] = calloc(1, sizeof(struct socket))) != NULL)
        *sockets->table[index] = (struct socket){
            .sockets = sockets, .watch = {.ready = socket_ready, .owner = sockets->table[index], .fd = -1}};
    return sockets->table[index];
}

static void forget_socket(struct sockets *sockets, curl_socket_t fd)
{
    struct socket *socket = (size_t)fd < sockets->size ? sockets->table[fd] : NULL;
    if (socket == NULL)
        return;
    loop_unwatch(sockets->loop, &socket->watch);
    free(socket);
    sockets->table[fd] = NULL;
}

/* libcurl's wishes. With CURL_POLL_REMOVE the descriptor stays in epoll, for input: the next request over this
 * connection finds it there. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *owner, void *unused)
{
    struct sockets *sockets = owner;
    struct socket *socket = socket_of(sockets, fd);
    uint32_t events = EPOLLIN | (what == CURL_POLL_OUT || what == CURL_POLL_INOUT ? (uint32_t)EPOLLOUT : 0);
    (void)easy;
    (void)unused;
    if (socket == NULL)
        return -1;
    socket->wanted = what != CURL_POLL_REMOVE;
    if (!socket->wanted) {
        if (!socket->ours)
            forget_socket(sockets, fd);
    } else if (socket->watch.fd < 0) {
        socket->events = events;
        if (!loop_watch(sockets->loop, &socket->watch, fd, events))
            return -1;
    } else if (socket->events != events) {
        loop_change(sockets->loop, &socket->watch, events);
        socket->events = events;
    }
    return 0;
}

void sockets_opened(struct sockets *sockets, int fd)
{
    struct socket *socket = socket_of(sockets, fd);
    if (socket != NULL)
        socket->ours = true;
}

int sockets_close(void *sockets, curl_socket_t fd)
{
    forget_socket(sockets, fd);
    return close(fd);
}

void sockets_kick(struct sockets *sockets)
{
    int running;
    curl_multi_socket_action(sockets->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    sockets->acted(sockets->owner);
}

static void timeout_fired(void *owner)
{
    sockets_kick(owner);
}

static int on_timeout(CURLM *multi, long ms, void *owner)
{
    struct sockets *sockets = owner;
    (void)multi;
    if (ms < 0)
        timer_cancel(sockets->loop, &sockets->timeout);
    else
        timer_set(sockets->loop, &sockets->timeout, mono_add(mono_now(), SPAN_MS(ms)));
    return 0;
}

struct sockets *sockets_new(struct loop *loop, CURLM *multi, void (*acted)(void *owner), void *owner,
                            struct error *error)
{
    struct sockets *sockets = calloc(1, sizeof *sockets);
    if (sockets == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    *sockets = (struct sockets){.loop = loop,
                                .multi = multi,
                                .acted = acted,
                                .owner = owner,
                                .timeout = {.fire = timeout_fired, .owner = sockets}};
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, sockets);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, sockets);
    return sockets;
}

void sockets_free(struct sockets **sockets)
{
    struct sockets *old = *sockets;
    if (old == NULL)
        return;
    timer_cancel(old->loop, &old->timeout);
    for (size_t i = 0; i < old->size; i++)
        forget_socket(old, (curl_socket_t)i);
    free(old->table);
    free(old);
    *sockets = NULL;
}
