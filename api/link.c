#include "link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool link_unfinished(const struct link *link)
{
    return !link->begun || link->framing.state != FRAMING_HEAD || link->in_size > link->checked;
}

void link_refuse(struct link *link, unsigned status, const char *why)
{
    if (link->refused != 0)
        return;
    link->refused = status;
    link->why = why;
    link->in_size = link->checked;
}

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

void link_close_inner(struct link *link)
{
    int fd = link->inner.fd;
    if (fd < 0)
        return;
    loop_unwatch(link->loop, &link->inner);
    close(fd);
}

/* Each of these returns whether it moved anything -------------------------------------------------------------------
 */

/* Reads from the caller. */
static bool take(struct link *link)
{
    char waste[4096];
    bool waits = link->lingers;
    size_t room = waits ? sizeof waste : LINK_BUFFER - link->in_size;
    if (link->over || room == 0 || (link->refused != 0 && !waits))
        return false;
    ssize_t got = recv(link->client.fd, waits ? waste : link->in + link->in_size, room, MSG_DONTWAIT);
    if (got < 0) {
        link->dead = !would_block();
        return false;
    }
    link->over = got == 0;
    if (!waits)
        link->in_size += (size_t)got;
    return true;
}

static void drop(struct link *link, size_t at, size_t size)
{
    memmove(link->in + at, link->in + at + size, link->in_size - at - size);
    link->in_size -= size;
}

/* libmicrohttpd has the head and may already be responding. It is given bytes that it rejects itself (they are invalid
 * in a chunk's line and as its end), so that a request never has two responses. */
static void refuse_body(struct link *link, unsigned status, const char *why)
{
    static const char refused[] = "?\r\n";
    link_refuse(link, status, why);
    link->told = true;
    memcpy(link->in + link->checked, refused, sizeof refused - 1);
    link->checked += sizeof refused - 1;
    link->in_size = link->checked;
}

static bool check(struct link *link)
{
    size_t before = link->checked;
    while (link->refused == 0 && link->in_size > link->checked) {
        char *next = link->in + link->checked;
        size_t size = link->in_size - link->checked;
        if (link->framing.state == FRAMING_HEAD && size >= 2 && memcmp(next, "\r\n", 2) == 0) {
            drop(link, link->checked, 2); /* an empty line before a request: RFC 9112, 2.2 */
            continue;
        }
        bool head = link->framing.state == FRAMING_HEAD;
        struct framing_step step = framing_next(&link->framing, next, size, size == LINK_BUFFER);
        if (step.status != 0)
            (head ? link_refuse : refuse_body)(link, step.status, step.why);
        if (step.size == 0)
            break;
        if (step.skip > 0)
            drop(link, link->checked, step.skip);
        link->checked += step.size;
        link->begun = link->begun || step.ends;
        link->complete = link->complete || step.ends;
    }
    return link->checked > before;
}

/* Writes to libmicrohttpd. */
static bool pass(struct link *link)
{
    size_t before = link->checked;
    if (link->inner.fd >= 0 && link->checked > 0) {
        ssize_t sent = send(link->inner.fd, link->in, link->checked, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && !would_block())
            sent = (ssize_t)link->checked; /* it reads no more: its response is on the way */
        if (sent > 0) {
            drop(link, 0, (size_t)sent);
            link->checked -= (size_t)sent;
        }
    }
    if (link->inner.fd >= 0 && link->checked == 0 && !link->shut && (link->over || link->refused != 0)) {
        shutdown(link->inner.fd, SHUT_WR);
        link->shut = true;
    }
    return link->checked < before;
}

/* Reads from libmicrohttpd; at its end, closes the inner socket. */
static bool fetch(struct link *link)
{
    if (link->inner.fd < 0 || link->out_size > 0)
        return false;
    ssize_t got = recv(link->inner.fd, link->out, LINK_BUFFER, MSG_DONTWAIT);
    if (got < 0 && would_block())
        return false;
    if (got > 0) {
        link->out_size = (size_t)got;
        return true;
    }
    link_close_inner(link);
    link->in_size = link->checked = 0;
    return true;
}

/* Writes to the caller. */
static bool give(struct link *link)
{
    if (link->out_size == 0)
        return false;
    ssize_t sent = send(link->client.fd, link->out + link->out_at, link->out_size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
        link->dead = !would_block();
        return false;
    }
    link->out_at += (size_t)sent;
    link->out_size -= (size_t)sent;
    if (link->out_size == 0) {
        link->out_at = 0;
        link->drained = true;
    }
    return sent > 0;
}

/* The end ---------------------------------------------------------------------------------------------------------- */

static const char *problem_of(unsigned status)
{
    return status == 503 ? "unavailable" : status == 413 ? "too-large" : "bad-request";
}

static void write_refusal(struct link *link)
{
    char body[400];
    int size = snprintf(body, sizeof body,
                        "{\"type\":\"urn:posthorn:problem:%s\",\"title\":\"The request cannot be read\",\"status\":%u,"
                        "\"detail\":\"%s\"}",
                        problem_of(link->refused), link->refused, link->why);
    link->out_size = (size_t)snprintf(link->out, LINK_BUFFER,
                                      "HTTP/1.1 %u Refused\r\nContent-Type: application/problem+json\r\n%s"
                                      "Cache-Control: no-store\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
                                      link->refused, link->refused == 503 ? "Retry-After: 1\r\n" : "", size, body);
    link->told = true;
}

/* When the inner socket is closed and all output is sent: writes the refusal, if there is one, then shuts down. The
 * caller may still be sending; if the connection was closed before the caller has read the response, the response would
 * be lost. */
static bool end(struct link *link)
{
    bool alone = link->inner.fd < 0 && link->checked == 0;
    if (!alone || link->out_size > 0 || link->lingers || (!link->opened && link->refused == 0 && !link->over))
        return false;
    if (link->refused != 0 && !link->told) {
        write_refusal(link);
        return true;
    }
    link->dead = link->over;
    link->lingers = true;
    shutdown(link->client.fd, SHUT_WR);
    return true;
}

/* True if the caller's connection is broken, not only at its end. */
static bool is_broken(const struct link *link)
{
    struct pollfd polled = {.fd = link->client.fd};
    return poll(&polled, 1, 0) == 1 && (polled.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
}

void link_pump(struct link *link)
{
    bool moved = true;
    while (moved && !link->dead) {
        moved = take(link);
        moved = check(link) || moved;
        if (link->checked > 0 && !link->opened)
            link->open(link);
        moved = pass(link) || moved;
        moved = fetch(link) || moved;
        moved = give(link) || moved;
        moved = end(link) || moved;
    }
    link->dead = link->dead || (link->over && link->lingers) || is_broken(link);
}
