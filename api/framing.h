/* Where a request begins and ends, by the letter of RFC 9112: what another server on the way might read differently is
 * refused, and never reaches the parser behind.
 *
 *   HEAD ──> HEAD (no body)                                       CHUNK_LINE ──> CHUNK_DATA ──> CHUNK_END ─┐
 *     ├────> BODY ──> HEAD                                          ^   └──> TRAILER ──> HEAD              │
 *     └────> CHUNK_LINE                                             └──────────────────────────────────────┘
 *
 * Pure: it sees the bytes of one connection, in order, and keeps nothing but a state. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define FRAMING_HEAD_MAX (16u * 1024) /* bytes of a head, or of trailers; the reader's buffer must hold as many */
#define FRAMING_LINES_MAX 100         /* of a head */

struct framing {
    enum {
        FRAMING_HEAD,
        FRAMING_BODY,
        FRAMING_CHUNK_LINE,
        FRAMING_CHUNK_DATA,
        FRAMING_CHUNK_END,
        FRAMING_TRAILER
    } state;
    uint64_t left; /* bytes of the body, or of the chunk */
};

struct framing_step {
    size_t size;     /* bytes from the start that belong to the request as it should be; 0: more are needed */
    bool ends;       /* a request ends with them */
    unsigned status; /* not 0: the request is refused with this status, */
    const char *why; /* for this reason */
};

/* Look at the bytes that are there; `full` says that no more would fit. Call it again for what is behind the bytes of
 * the step. After a refusal, nothing on the connection can be trusted. */
struct framing_step framing_next(struct framing *framing, const char *data, size_t size, bool full);
