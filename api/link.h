/* Link: one connection of a caller. Its bytes pass between the caller's socket and libmicrohttpd's and are checked by
 * framing.c. It never blocks; both sockets are edge-triggered, so link_pump() continues until neither can be read or
 * written. */
#pragma once
#include <sys/queue.h>

#include "address.h"
#include "base/loop.h"
#include "framing.h"

#define LINK_BUFFER FRAMING_HEAD_MAX

struct link {
    struct loop *loop;
    void (*open)(struct link *link); /* connects it to libmicrohttpd, or refuses it */
    void *owner;
    struct watch client, inner; /* inner: libmicrohttpd's; -1 before the first head is complete, and after its end */
    struct address address;
    struct sockaddr_storage from;
    struct framing framing;
    char in[LINK_BUFFER + 3 /* of refuse_body() */], out[LINK_BUFFER];
    size_t in_size, checked; /* of `in`: bytes present, and how many of them may be passed on */
    size_t out_at, out_size;
    unsigned refused; /* the status of the refusal */
    const char *why;
    bool begun;               /* a request has ended on this connection */
    bool opened;              /* there is, or was, an inner socket */
    bool shut;                /* the inner socket was shut down for writing */
    bool over;                /* the caller sends no more */
    bool told;                /* the refusal was written */
    bool complete, drained;   /* since the owner last looked: a request has ended; `out` was emptied */
    bool lingers;             /* all output is sent; further input is discarded until the caller closes */
    bool dead;                /* must be closed */
    bool counted, listed;     /* set by the owner: it holds a unit of its share; it is in the list `unfinished` */
    struct timer slow, stuck; /* set by the owner: time limits of a request and of output */
    TAILQ_ENTRY(link) link, unfinished;
};

/* True if a request has begun, or the first one is awaited, and is not complete. */
bool link_unfinished(const struct link *link);

/* Responds with this status, after the responses to earlier requests; then closes. */
void link_refuse(struct link *link, unsigned status, const char *why);

/* Closes the connection to libmicrohttpd. */
void link_close_inner(struct link *link);

/* Moves all bytes that can be moved. */
void link_pump(struct link *link);
