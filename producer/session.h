/* Session: one run of posthorn-producer: reads lines and publishes events. For each line that was not published it
 * prints a message and keeps a copy.
 *
 *   lines ──> check ──> posthorn_publish ──> in flight ──> acknowledged
 *               │ refused                        │ not acknowledged
 *               └──────────> message, --rejected <┘
 *
 * Memory is bounded by the producer's queue and by the lines kept for it. Everything runs on one thread, except the
 * client's log lines. */
#pragma once
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

struct session_settings {
    const char *brokers, *properties, *topic, *source; /* properties: "name=value;name=value" */
    const char *rejected;                              /* a file for the lines that were not published, or NULL */
    struct span timeout;                               /* the longest wait of an event for its acknowledgement */
    size_t value_max;                                  /* bytes of an event */
    bool dry_run;                                      /* only check */
};

struct session_counts {
    uint64_t read, acknowledged, refused, failed; /* events; failed: not acknowledged */
};

struct session;

/* Blocks SIGINT and SIGTERM and handles them: the first one stops reading, the second gives up events that are not
 * acknowledged. Returns NULL on an error. */
struct session *session_new(const struct session_settings *settings, struct error *error) MUST_USE;

/* Gives up events in flight, closes everything and returns the counts. Returns false if the file of rejected lines
 * could not be written. */
bool session_free(struct session **session, struct session_counts *counts);

/* Publishes every line of a file ("-": standard input). Stops early after a signal. Returns false if the file cannot be
 * read. */
bool session_publish_file(struct session *session, const char *path, struct error *error) MUST_USE;

/* Publishes one event in its JSON form. `name` and `number` are its origin, for messages. */
void session_publish_line(struct session *session, const char *name, uint64_t number, struct text line);

/* Waits until all events are acknowledged or have failed; ends early at the second signal. */
void session_flush(struct session *session);

/* Returns the signal that was received, or 0. */
int session_signal(const struct session *session);
