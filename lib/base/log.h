/* Log: structured lines on standard error, one event per line, in logfmt.
 *
 *   log_info("claimed", "topic=%s partition=%d offset=%lld", topic, partition, offset);
 *
 *   time=2026-01-02T03:04:05.678901Z level=info program=posthorn-dispatcher event=claimed topic=orders partition=3 …
 *
 * Fields are `name=value` with printf formats; a value that may contain spaces is written name=\"%s\". Control
 * characters and bytes above 0x7e are replaced. Secrets and payloads are never logged. Single-threaded, except for
 * librdkafka's own lines, which also go through log_write() (one write(2) per line). */
#pragma once
#include "base/error.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* The values of the setting log-level. */
#define LOG_LEVELS "debug|info|warning|error"

void log_init(const char *program, enum log_level least);

void log_write(enum log_level level, const char *event, const char *fields, ...) PRINTF_LIKE(3, 4);

#define log_debug(event, ...) log_write(LOG_DEBUG, event, __VA_ARGS__)
#define log_info(event, ...) log_write(LOG_INFO, event, __VA_ARGS__)
#define log_warning(event, ...) log_write(LOG_WARNING, event, __VA_ARGS__)
#define log_error(event, ...) log_write(LOG_ERROR, event, __VA_ARGS__)
