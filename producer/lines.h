/* Lines of a file or of standard input, in bounded memory: a line longer than the buffer comes in pieces. */
#pragma once
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

enum lines_result {
    LINES_LINE,    /* a whole line, without its line feed */
    LINES_PIECE,   /* a part of a line that is too long; more of it follows */
    LINES_LAST,    /* the last part of such a line */
    LINES_NOT_YET, /* nothing came in time */
    LINES_END,     /* there is no more */
    LINES_FAILED   /* the error says why */
};

struct lines {
    const char *name; /* for messages; the caller's */
    uint64_t number;  /* of the line that was returned last; the first is 1 */
    int fd, wake_fd;
    char *buffer;
    size_t max, start, end;
    bool ended, in_pieces;
};

/* Opens `path` ("-": standard input). `max` bounds a line in bytes; when `wake_fd` becomes readable lines_next() stops
 * waiting. */
bool lines_open(struct lines *lines, const char *path, size_t max, int wake_fd, struct error *error) MUST_USE;
void lines_close(struct lines *lines);

/* The next line; *line points into the buffer until the next call. Waits for at most `wait`. */
enum lines_result lines_next(struct lines *lines, struct span wait, struct text *line, struct error *error) MUST_USE;
