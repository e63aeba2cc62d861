/* One connection of a caller: its bytes pass between the caller's socket and libmicrohttpd's, and are read along by
 * framing.c. It never blocks; both sockets are watched for edges, so link_pump() goes on until neither takes or gives
 * any more. */
#pragma once
#include <sys/queue.h>

#include "address.h"
#include "base/loop.h"
#include "framing.h"

#define LINK_BUFFER FRAMING_HEAD_MAX

struct link {
    struct loop *loop;
    void (*open)(struct link *link); /* gives it its inner socket, or refuses */
    void *owner;
    struct watch client, inner; /* inner: libmicrohttpd's; -1 before the first head is complete, and after its end */
    struct address address;
    struct sockaddr_storage from;
    struct framing framing;
    char in[LINK_BUFFER + 3 /* of refuse_body() */], out[LINK_BUFFER];
    size_t in_size, checked; /* of `in`: bytes that are there, and those of them that may pass */
    size_t out_at, out_size;
    unsigned refused; /* the status of the refusal */
    const char *why;
    bool begun;               /* a request has ended on this connection */
    bool opened;              /* there is, or was, an inner socket */
    bool shut;                /* the inner one knows that nothing more comes */
    bool over;                /* the caller sends no more */
    bool told;                /* the refusal was written */
    bool complete, drained;   /* since the owner looked: a request has ended; `out` was emptied */
    bool lingers;             /* all is said: what the caller still sends is thrown away until it closes */
    bool dead;                /* to be closed */
    bool counted, listed;     /* the owner's: it holds a unit of its share; it stands in the list of the unfinished */
    struct timer slow, stuck; /* the owner's: for a request to be complete, for output to be taken */
    TAILQ_ENTRY(link) link, unfinished;
};

/* Whether a request has begun, or the first is waited for, and is not complete. */
bool link_unfinished(const struct link *link);

/* Answer with this status instead of what was asked, after what was asked before; then close. */
void link_refuse(struct link *link, unsigned status, const char *why);

/* Nobody is behind it any more. */
void link_close_inner(struct link *link);

/* Move what can be moved. */
void link_pump(struct link *link);
