/* Lines: reads lines of a file or of standard input in bounded memory; a line longer than the buffer comes in pieces.
 */
#pragma once
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

enum lines_result {
    LINES_LINE,    /* a whole line, without its line feed */
    LINES_PIECE,   /* a part of a line that is too long; more follow */
    LINES_LAST,    /* the last part of such a line */
    LINES_NOT_YET, /* no input within the time */
    LINES_END,     /* end of the input */
    LINES_FAILED   /* the error says why */
};

struct lines {
    const char *name; /* for messages; owned by the caller */
    uint64_t number;  /* of the line returned last; the first is 1 */
    int fd, wake_fd;
    char *buffer;
    size_t max, start, end;
    bool ended, in_pieces;
};

/* Opens `path` ("-": standard input). `max` limits a line in bytes. lines_next() stops waiting when `wake_fd` becomes
 * readable. */
bool lines_open(struct lines *lines, const char *path, size_t max, int wake_fd, struct error *error) MUST_USE;
void lines_close(struct lines *lines);

/* Returns the next line; *line points into the buffer until the next call. Waits for at most `wait`. */
enum lines_result lines_next(struct lines *lines, struct span wait, struct text *line, struct error *error) MUST_USE;
