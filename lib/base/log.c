#include "base/log.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_MAX_BYTES 2048

static const char *log_program = "posthorn";
static enum log_level log_least = LOG_INFO;

void log_init(const char *program, enum log_level least)
{
    log_program = program;
    log_least = least;
}

void log_write(enum log_level level, const char *event, const char *fields, ...)
{
    static const char *const levels[] = {"debug", "info", "warning", "error"};
    char line[LINE_MAX_BYTES], now[40];
    if (level < log_least)
        return;
    wall_format(wall_now(), true, now);
    int used = snprintf(line, sizeof line - 1, "time=%s level=%s program=%s event=%s ", now, levels[level], log_program,
                        event);
    size_t size = used < 0 ? 0 : (size_t)used;
    va_list args;
    va_start(args, fields);
    used = vsnprintf(line + size, sizeof line - 1 - size, fields, args);
    va_end(args);
    size += used < 0 ? 0 : (size_t)used;
    if (size > sizeof line - 2)
        size = sizeof line - 2;
    for (size_t i = 0; i < size; i++)
        if (line[i] < 0x20 || line[i] > 0x7e)
            line[i] = '?';
    line[size++] = '\n';
    if (write(STDERR_FILENO, line, size) < 0)
        return; /* there is no other place to report it */
}
