#include "sink_connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    HEAD_MAX = 8192,     /* longest request head; a longer one closes the connection */
    WHEEL = 1 << 16,     /* slots of one millisecond: the longest delay */
    DRIP_MS = 100,       /* interval between the bytes of /drip/ */
    SCRATCH = 256 * 1024 /* bodies are read into this and dropped */
};

enum kind { OK, STATUS, HANG, DELAY, CLOSE, CUT, DRIP, BIG, CONTROL };

struct behaviour {
    enum kind kind;
    long number; /* status, milliseconds, or megabytes */
    long retry_after;
};

struct connection {
    int fd;
    bool busy; /* a request is complete and its response is not: no further request is read */
    size_t held;
    uint64_t body_left;
    struct behaviour behaviour;
    char *out; /* bytes that the socket has not accepted yet; owned */
    size_t out_length;
    size_t out_sent;
    uint64_t filler_left; /* bytes of '.' to send after `out` */
    int64_t due_ms;       /* 0: not in the wheel */
    struct connection *next, **link;
    struct connection *next_open, **link_open;
    char head[HEAD_MAX];
};

struct sink {
    int epoll;
    struct sink_record *record;
    size_t open, open_max;
    struct connection *all;
    struct connection *wheel[WHEEL];
    size_t waiting;
    int64_t ticked_ms;
    int64_t wall_offset; /* difference between wall-clock and monotonic time, ns */
    char scratch[SCRATCH];
};

static const char ANSWER_OK[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t now_ms(void)
{
    return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

struct sink *sink_new(int epoll, struct sink_record *record, size_t connections)
{
    struct sink *sink = calloc(1, sizeof *sink);
    if (sink == NULL)
        return NULL;
    sink->epoll = epoll;
    sink->record = record;
    sink->open_max = connections;
    sink->ticked_ms = now_ms();
    sink->wall_offset = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
    return sink;
}

static void wheel_remove(struct sink *sink, struct connection *connection)
{
    if (connection->due_ms == 0)
        return;
    *connection->link = connection->next;
    if (connection->next != NULL)
        connection->next->link = connection->link;
    connection->due_ms = 0;
    sink->waiting--;
}

static void wheel_add(struct sink *sink, struct connection *connection, long ms)
{
    connection->due_ms = now_ms() + (ms > 0 ? ms : 1);
    struct connection **slot = &sink->wheel[connection->due_ms % WHEEL];
    connection->next = *slot;
    connection->link = slot;
    if (*slot != NULL)
        (*slot)->link = &connection->next;
    *slot = connection;
    sink->waiting++;
}

static void connection_close(struct sink *sink, struct connection *connection)
{
    wheel_remove(sink, connection);
    *connection->link_open = connection->next_open;
    if (connection->next_open != NULL)
        connection->next_open->link_open = connection->link_open;
    sink->open--;
    close(connection->fd);
    free(connection->out);
    free(connection);
}

void sink_free(struct sink **sink)
{
    while ((*sink)->all != NULL)
        connection_close(*sink, (*sink)->all);
    free(*sink);
    *sink = NULL;
}

void sink_accept(struct sink *sink, int fd)
{
    struct connection *connection = sink->open < sink->open_max ? malloc(sizeof *connection) : NULL;
    if (connection == NULL) {
        close(fd);
        return;
    }
    memset(connection, 0, offsetof(struct connection, head));
    connection->fd = fd;
    connection->next_open = sink->all;
    connection->link_open = &sink->all;
    if (sink->all != NULL)
        sink->all->link_open = &connection->next_open;
    sink->all = connection;
    sink->open++;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(sink->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        connection_close(sink, connection);
}

/* Removes "<number>/" (or "<number>" at the end) from the front of the path. */
static bool take_number(struct sink_text *path, long low, long high, long *number)
{
    long value = 0;
    size_t i = 0;
    while (i < path->length && i < 7 && path->at[i] >= '0' && path->at[i] <= '9')
        value = value * 10 + (path->at[i++] - '0');
    *number = value;
    return i > 0 && (i == path->length || path->at[i] == '/') && value >= low && value <= high;
}

static struct behaviour sink_behaviour(const struct sink_request *request)
{
    struct sink_text path = request->path;
    struct sink_text query = request->query;
    struct behaviour result = {.kind = OK};
    if (sink_text_skip(&path, "/ok/"))
        return result;
    if (sink_text_skip(&path, "/status/") && take_number(&path, 200, 599, &result.number)) {
        result.kind = STATUS;
        if (!sink_text_skip(&query, "retry-after=") || !take_number(&query, 0, 999999, &result.retry_after))
            result.retry_after = -1;
    } else if (sink_text_skip(&path, "/delay/") && take_number(&path, 0, WHEEL - 2000, &result.number)) {
        result.kind = DELAY;
    } else if (sink_text_skip(&path, "/big/") && take_number(&path, 1, 10000, &result.number)) {
        result.kind = BIG;
    } else if (sink_text_skip(&path, "/hang")) {
        result.kind = HANG;
    } else if (sink_text_skip(&path, "/close")) {
        result.kind = CLOSE;
    } else if (sink_text_skip(&path, "/cut")) {
        result.kind = CUT;
    } else if (sink_text_skip(&path, "/drip")) {
        result.kind = DRIP;
    }
    return result;
}

/* Whether the request is for the sink itself; then its response is in connection->out. */
static bool control(struct sink *sink, struct connection *connection, const struct sink_request *request)
{
    static const char *const paths[] = {"/stats", "/spread", "/requests", "/reset"};
    size_t which = 0;
    while (which < 4 && (request->path.length != strlen(paths[which]) ||
                         memcmp(request->path.at, paths[which], request->path.length) != 0))
        which++;
    if (which == 4 || request->post != (which == 3))
        return false;
    char *body = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&body, &length);
    if (out == NULL)
        return false;
    struct sink_text id = request->query;
    if (!sink_text_skip(&id, "id="))
        id.length = 0;
    if (which == 0)
        sink_record_print_stats(sink->record, out);
    else if (which == 1)
        sink_record_print_spread(sink->record, id, out);
    else if (which == 2)
        sink_record_print_requests(sink->record, out);
    else
        sink_record_reset(sink->record);
    fclose(out);
    int made =
        asprintf(&connection->out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 length, body);
    free(body);
    connection->out_length = made > 0 ? (size_t)made : 0;
    if (made < 0)
        connection->out = NULL;
    return true;
}

/* Sends the rest of the response; bytes that the socket does not accept wait for EPOLLOUT. False: the connection is
 * closed. */
static bool flush_out(struct sink *sink, struct connection *connection)
{
    static char filler[65536];
    if (filler[0] == '\0')
        memset(filler, '.', sizeof filler);
    while (connection->out_sent < connection->out_length || connection->filler_left > 0) {
        bool text = connection->out_sent < connection->out_length;
        const char *from = text ? connection->out + connection->out_sent : filler;
        size_t length = text ? connection->out_length - connection->out_sent
                             : (connection->filler_left < sizeof filler ? connection->filler_left : sizeof filler);
        ssize_t sent = send(connection->fd, from, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            struct epoll_event event = {.events = EPOLLOUT, .data.ptr = connection};
            epoll_ctl(sink->epoll, EPOLL_CTL_MOD, connection->fd, &event);
            return true;
        }
        if (sent < 0) {
            connection_close(sink, connection);
            return false;
        }
        if (text)
            connection->out_sent += (size_t)sent;
        else
            connection->filler_left -= (uint64_t)sent;
    }
    free(connection->out);
    connection->out = NULL;
    connection->out_length = connection->out_sent = 0;
    connection->busy = false;
    return true;
}

static bool send_small(struct sink *sink, struct connection *connection, const char *text, size_t length)
{
    if (send(connection->fd, text, length, MSG_NOSIGNAL) == (ssize_t)length)
        return true;
    connection_close(sink, connection);
    return false;
}

static bool answer_status(struct sink *sink, struct connection *connection)
{
    char text[256];
    char after[64] = "";
    const struct behaviour *behaviour = &connection->behaviour;
    if (behaviour->retry_after >= 0)
        snprintf(after, sizeof after, "Retry-After: %ld\r\n", behaviour->retry_after);
    bool empty = behaviour->number == 204 || behaviour->number == 304;
    int length = snprintf(text, sizeof text, "HTTP/1.1 %ld Asked\r\n%s%s", behaviour->number, after,
                          empty ? "\r\n" : "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nasked");
    connection->busy = false;
    return send_small(sink, connection, text, (size_t)length);
}

static bool answer_cut(struct sink *sink, struct connection *connection)
{
    static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf of it";
    if (!send_small(sink, connection, half, sizeof half - 1))
        return false;
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    connection_close(sink, connection);
    return false;
}

/* Handles a complete request. False: the connection is closed. */
static bool answer(struct sink *sink, struct connection *connection)
{
    static const char drip[] = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
    const struct behaviour *behaviour = &connection->behaviour;
    connection->busy = true;
    switch (behaviour->kind) {
    case OK:
        connection->busy = false;
        return send_small(sink, connection, ANSWER_OK, sizeof ANSWER_OK - 1);
    case STATUS:
        return answer_status(sink, connection);
    case HANG:
        return true;
    case DELAY:
        wheel_add(sink, connection, behaviour->number);
        return true;
    case CLOSE:
        connection_close(sink, connection);
        return false;
    case CUT:
        return answer_cut(sink, connection);
    case DRIP:
        if (!send_small(sink, connection, drip, sizeof drip - 1))
            return false;
        wheel_add(sink, connection, DRIP_MS);
        return true;
    case BIG:
        connection->filler_left = (uint64_t)behaviour->number << 20;
        int length = asprintf(&connection->out, "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n",
                              (unsigned long long)connection->filler_left);
        connection->out_length = length > 0 ? (size_t)length : 0;
        return flush_out(sink, connection);
    case CONTROL:
        return flush_out(sink, connection);
    }
    return true;
}

/* Removes complete requests from the connection's bytes. False: the connection is closed. */
static bool take_requests(struct sink *sink, struct connection *connection)
{
    size_t at = 0;
    while (!connection->busy && at < connection->held) {
        struct sink_request request;
        enum sink_parse parsed = sink_request_parse(connection->head + at, connection->held - at, &request);
        if (parsed == SINK_INCOMPLETE && !(at == 0 && connection->held == HEAD_MAX))
            break;
        if (parsed != SINK_PARSED) {
            connection_close(sink, connection);
            return false;
        }
        if (control(sink, connection, &request)) {
            connection->behaviour.kind = CONTROL;
        } else {
            sink_record_add(sink->record, clock_ns(CLOCK_MONOTONIC) + sink->wall_offset, &request);
            connection->behaviour = sink_behaviour(&request);
        }
        at += request.head_length;
        uint64_t here = connection->held - at;
        uint64_t body = request.content_length < here ? request.content_length : here;
        at += (size_t)body;
        connection->body_left = request.content_length - body;
        if (connection->body_left == 0 && !answer(sink, connection))
            return false;
        if (connection->body_left > 0)
            break;
    }
    if (at > 0)
        memmove(connection->head, connection->head + at, connection->held - at);
    connection->held -= at;
    return true;
}

/* Drops body bytes. False: the connection is closed. */
static bool read_body(struct sink *sink, struct connection *connection)
{
    size_t want = connection->body_left < SCRATCH ? (size_t)connection->body_left : SCRATCH;
    ssize_t got = read(connection->fd, sink->scratch, want);
    if (got < 0 && errno == EAGAIN)
        return true;
    if (got <= 0) {
        connection_close(sink, connection);
        return false;
    }
    connection->body_left -= (uint64_t)got;
    return connection->body_left > 0 || answer(sink, connection);
}

void sink_handle(struct sink *sink, struct connection *connection, uint32_t events)
{
    if (events & EPOLLOUT) {
        if (flush_out(sink, connection) && !connection->busy) {
            struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
            epoll_ctl(sink->epoll, EPOLL_CTL_MOD, connection->fd, &event);
            take_requests(sink, connection);
        }
        return;
    }
    if (connection->body_left > 0) {
        read_body(sink, connection);
        return;
    }
    ssize_t got = read(connection->fd, connection->head + connection->held, HEAD_MAX - connection->held);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0 || connection->busy) { /* the caller disconnected, or sent more requests before the response */
        connection_close(sink, connection);
        return;
    }
    connection->held += (size_t)got;
    take_requests(sink, connection);
}

int sink_wait_ms(const struct sink *sink)
{
    return sink->waiting > 0 ? 1 : -1;
}

static void wheel_fire(struct sink *sink, struct connection *connection)
{
    wheel_remove(sink, connection);
    if (connection->behaviour.kind == DRIP) {
        if (send_small(sink, connection, ".", 1))
            wheel_add(sink, connection, DRIP_MS);
        return;
    }
    connection->busy = false;
    if (send_small(sink, connection, ANSWER_OK, sizeof ANSWER_OK - 1))
        take_requests(sink, connection);
}

void sink_tick(struct sink *sink)
{
    int64_t now = now_ms();
    if (sink->waiting == 0)
        sink->ticked_ms = now;
    for (; sink->ticked_ms < now; sink->ticked_ms++) {
        struct connection *next;
        for (struct connection *at = sink->wheel[(sink->ticked_ms + 1) % WHEEL]; at != NULL; at = next) {
            next = at->next;
            if (at->due_ms <= sink->ticked_ms + 1)
                wheel_fire(sink, at);
        }
    }
}
