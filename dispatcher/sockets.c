#include "sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "net/ended.h"

/* The key of a connection of this machine. The own address is left out, because the peer's address determines it. */
struct ends {
    struct in6_addr peer; /* IPv4 as ::ffff:a.b.c.d */
    uint16_t peer_port, own_port;
};

struct socket {
    struct watch watch;
    struct sockets *sockets;
    uint32_t events;
    uint64_t opening; /* number of the opening if it was opened for a connection, until sockets_close(); else 0 */
    bool wanted;      /* libcurl waits for it; false: the connection is idle */
    bool named;       /* in sockets->by_ends; set when it is first idle */
    struct ends ends;
    UT_hash_handle hh;
};

struct sockets {
    struct loop *loop;
    CURLM *multi;
    void (*acted)(void *owner);
    void *owner;
    struct timer timeout;  /* set by libcurl */
    struct socket **table; /* by descriptor */
    size_t size;
    struct socket *by_ends;
    uint64_t openings;
    int ended; /* a socket that is at its end; replaces the descriptors of connections that are cut */
};

static void set_peer(struct ends *ends, const struct in_addr *four)
{
    ends->peer = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
    memcpy(ends->peer.s6_addr + 12, four, sizeof *four);
}

static bool read_ends(const char *peer, int peer_port, int own_port, struct ends *ends)
{
    struct in_addr four;
    memset(ends, 0, sizeof *ends);
    ends->peer_port = (uint16_t)peer_port;
    ends->own_port = (uint16_t)own_port;
    if (inet_pton(AF_INET, peer, &four) == 1)
        set_peer(ends, &four);
    else if (inet_pton(AF_INET6, peer, &ends->peer) != 1)
        return false;
    return true;
}

static uint16_t set_end(const struct sockaddr_storage *address, struct ends *ends)
{
    const struct sockaddr_in *four = (const void *)address;
    const struct sockaddr_in6 *six = (const void *)address;
    if (address->ss_family == AF_INET) {
        set_peer(ends, &four->sin_addr);
        return ntohs(four->sin_port);
    }
    ends->peer = six->sin6_addr;
    return ntohs(six->sin6_port);
}

/* Adds the socket to by_ends. Returns false if it is not connected any more, or memory is short. */
static bool name_socket(struct sockets *sockets, struct socket *socket, int fd)
{
    struct sockaddr_storage own, peer;
    socklen_t own_size = sizeof own, peer_size = sizeof peer;
    memset(&socket->ends, 0, sizeof socket->ends);
    if (getsockname(fd, (struct sockaddr *)&own, &own_size) != 0 ||
        getpeername(fd, (struct sockaddr *)&peer, &peer_size) != 0)
        return false;
    socket->ends.own_port = set_end(&own, &socket->ends);
    socket->ends.peer_port = set_end(&peer, &socket->ends);
    HASH_ADD(hh, sockets->by_ends, ends, sizeof socket->ends, socket);
    socket->named = socket->hh.tbl != NULL;
    return socket->named;
}

static void forget_name(struct sockets *sockets, struct socket *socket)
{
    if (socket->named)
        HASH_DEL(sockets->by_ends, socket);
    socket->named = false;
}

/* libcurl keeps the descriptor and closes it when it notices that the connection has ended. */
static void cut(struct sockets *sockets, struct socket *socket, int fd)
{
    loop_unwatch(sockets->loop, &socket->watch);
    forget_name(sockets, socket);
    ended_replace(sockets->ended, fd);
}

static struct socket *find_socket(struct sockets *sockets, const char *peer, int peer_port, int own_port)
{
    struct ends ends;
    struct socket *socket = NULL;
    if (read_ends(peer, peer_port, own_port, &ends))
        HASH_FIND(hh, sockets->by_ends, &ends, sizeof ends, socket);
    return socket;
}

/* True if nothing has arrived, neither bytes nor an end or an error. */
static bool is_quiet(const struct socket *socket)
{
    char byte;
    return recv(socket->watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* An event may be out of date: libcurl has read the end of the response in the same turn, before this call. */
static void socket_ready(void *owner, uint32_t events)
{
    struct socket *socket = owner;
    struct sockets *sockets = socket->sockets;
    int running, flags = 0;
    if (!socket->wanted) {
        if (!is_quiet(socket))
            cut(sockets, socket, socket->watch.fd);
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
    forget_name(sockets, socket);
    free(socket);
    sockets->table[fd] = NULL;
}

/* Watches the socket for these events. */
static bool watch_for(struct socket *socket, curl_socket_t fd, uint32_t events)
{
    struct loop *loop = socket->sockets->loop;
    bool new = socket->watch.fd < 0;
    if (new && !loop_watch(loop, &socket->watch, fd, events))
        return false;
    if (!new && socket->events != events)
        loop_change(loop, &socket->watch, events);
    socket->events = events;
    return true;
}

/* Sets the events that libcurl asks for. After CURL_POLL_REMOVE the descriptor stays in epoll, watched for input only,
 * for the next request over this connection. */
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
    if (socket->wanted)
        return watch_for(socket, fd, events) ? 0 : -1;
    if (socket->opening == 0)
        forget_socket(sockets, fd);
    else if (!socket->named && !name_socket(sockets, socket, fd))
        cut(sockets, socket, fd);
    else if (socket->watch.fd >= 0)
        watch_for(socket, fd, EPOLLIN);
    return 0;
}

uint64_t sockets_opened(struct sockets *sockets, int fd)
{
    struct socket *socket = socket_of(sockets, fd);
    if (socket != NULL)
        socket->opening = ++sockets->openings;
    return socket == NULL ? 0 : socket->opening;
}

bool sockets_open(const struct sockets *sockets, int fd, uint64_t opening)
{
    return (size_t)fd < sockets->size && sockets->table[fd] != NULL && sockets->table[fd]->opening == opening;
}

bool sockets_quiet(struct sockets *sockets, const char *peer, int peer_port, int own_port)
{
    const struct socket *socket = find_socket(sockets, peer, peer_port, own_port);
    return socket == NULL || is_quiet(socket);
}

void sockets_cut(struct sockets *sockets, const char *peer, int peer_port, int own_port)
{
    struct socket *socket = find_socket(sockets, peer, peer_port, own_port);
    if (socket != NULL)
        cut(sockets, socket, socket->watch.fd);
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
    int ended = sockets != NULL ? ended_open() : -1;
    if (ended < 0) {
        error_set(error, "no memory or no descriptor");
        free(sockets);
        return NULL;
    }
    *sockets = (struct sockets){.loop = loop,
                                .multi = multi,
                                .acted = acted,
                                .owner = owner,
                                .ended = ended,
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
    close(old->ended);
    free(old->table);
    free(old);
    *sockets = NULL;
}
