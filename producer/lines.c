#include "producer/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

bool lines_open(struct lines *lines, const char *path, size_t max, int wake_fd, struct error *error)
{
    bool standard = strcmp(path, "-") == 0;
    *lines = (struct lines){.name = standard ? "standard input" : path,
                            .fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC),
                            .wake_fd = wake_fd,
                            .max = max};
    if (lines->fd < 0)
        return error_set(error, "%s: cannot be opened: %s", lines->name, strerror(errno));
    lines->buffer = malloc(max + 1); /* plus the line feed */
    if (lines->buffer == NULL) {
        lines_close(lines);
        return error_set(error, "%s: no memory for a line of %zu bytes", path, max);
    }
    return true;
}

void lines_close(struct lines *lines)
{
    close(lines->fd);
    free(lines->buffer);
    lines->buffer = NULL;
    lines->fd = -1;
}

/* Returns the buffer's content up to `size`, and removes the line feed after it if there is one. */
static enum lines_result take(struct lines *lines, size_t size, bool whole, struct text *line)
{
    *line = (struct text){lines->buffer + lines->start, size};
    lines->start += size;
    bool pieces = lines->in_pieces;
    lines->number += pieces ? 0 : 1;
    lines->in_pieces = !whole;
    return !whole ? LINES_PIECE : pieces ? LINES_LAST : LINES_LINE;
}

static bool from_buffer(struct lines *lines, size_t *searched, struct text *line, enum lines_result *result)
{
    size_t held = lines->end - lines->start;
    const char *from = lines->buffer + lines->start;
    const char *feed = memchr(from + *searched, '\n', held - *searched);
    *searched = held;
    if (feed != NULL) {
        *result = take(lines, (size_t)(feed - from), true, line);
        lines->start++;
        return true;
    }
    if (lines->ended) {
        *result = held > 0 || lines->in_pieces ? take(lines, held, true, line) : LINES_END;
        return true;
    }
    if (held > lines->max) {
        *result = take(lines, held, false, line);
        return true;
    }
    return false;
}

/* Waits for input; returns whether there is some. */
static bool wait_for_input(const struct lines *lines, struct span wait)
{
    struct pollfd fds[] = {{.fd = lines->fd, .events = POLLIN}, {.fd = lines->wake_fd, .events = POLLIN}};
    return poll(fds, 2, (int)span_ms(wait)) > 0 && fds[0].revents != 0;
}

enum lines_result lines_next(struct lines *lines, struct span wait, struct text *line, struct error *error)
{
    size_t searched = 0;
    enum lines_result result;
    while (!from_buffer(lines, &searched, line, &result)) {
        if (!wait_for_input(lines, wait))
            return LINES_NOT_YET;
        memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
        lines->end -= lines->start;
        lines->start = 0;
        ssize_t got = read(lines->fd, lines->buffer + lines->end, lines->max + 1 - lines->end);
        if (got < 0 && errno != EINTR && errno != EAGAIN) {
            error_set(error, "%s: cannot be read after line %llu: %s", lines->name, (unsigned long long)lines->number,
                      strerror(errno));
            return LINES_FAILED;
        }
        lines->ended = got == 0;
        lines->end += got > 0 ? (size_t)got : 0;
    }
    return result;
}
