/* Structured log lines on standard error: one event a line, in logfmt.
 *
 *   log_info("claimed", "topic=%s partition=%d offset=%lld", topic, partition, offset);
 *   time=2026-01-02T03:04:05.678901Z level=info program=posthorn-dispatcher event=claimed topic=orders partition=3
 * offset=17
 *
 * Fields are `name=value` with printf formats; a value that may hold spaces is written name=\"%s\". Everything is
 * sanitised: no control character and no byte above 0x7e leaves as it came. Secrets and payloads are never logged.
 * Single-threaded, but for librdkafka's own lines, which go through log_write too (one write(2) a line). */
#pragma once
#include "base/error.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* What the choice setting log-level shows. */
#define LOG_LEVELS "debug|info|warning|error"

void log_init(const char *program, enum log_level least);

void log_write(enum log_level level, const char *event, const char *fields, ...) PRINTF_LIKE(3, 4);

#define log_debug(event, ...) log_write(LOG_DEBUG, event, __VA_ARGS__)
#define log_info(event, ...) log_write(LOG_INFO, event, __VA_ARGS__)
#define log_warning(event, ...) log_write(LOG_WARNING, event, __VA_ARGS__)
#define log_error(event, ...) log_write(LOG_ERROR, event, __VA_ARGS__)
