/* Framing: finds where requests begin and end, strictly by RFC 9112. What another server on the way might read
 * differently is refused and does not reach the parser behind.
 *
 *   HEAD ──> HEAD (no body)                     CHUNK_SIZE ──> CHUNK_REST ──> CHUNK_DATA ──> CHUNK_END ─┐
 *     ├────> BODY ──> HEAD                          ^             └──> HEAD (the last chunk)             │
 *     └────> CHUNK_SIZE                             └────────────────────────────────────────────────────┘
 *
 * Pure: it gets the bytes of one connection, in order, and keeps only a state. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define FRAMING_HEAD_MAX (16u * 1024) /* bytes of a head, or of trailers; the reader's buffer must have this size */
#define FRAMING_LINES_MAX 100         /* lines of a head */

struct framing {
    enum {
        FRAMING_HEAD,
        FRAMING_BODY,
        FRAMING_CHUNK_SIZE,
        FRAMING_CHUNK_REST, /* of the chunk's line; and the trailers after the last chunk */
        FRAMING_CHUNK_DATA,
        FRAMING_CHUNK_END
    } state;
    uint64_t left; /* remaining bytes of the body or chunk */
};

struct framing_step {
    size_t skip;     /* bytes from the start that must not be passed on: extensions of a chunk, which nobody reads */
    size_t size;     /* bytes after them that may be passed on; 0: more input is needed, and none is skipped */
    bool ends;       /* a request ends with them */
    unsigned status; /* not 0: the request is refused with this status … */
    const char *why; /* … for this reason */
};

/* Examines the available bytes; `full` means that no more would fit. The caller calls it again for the bytes after
 * those of the step. After a refusal, no further bytes of the connection can be interpreted. */
struct framing_step framing_next(struct framing *framing, const char *data, size_t size, bool full);
