/* One run of posthorn-producer: lines in, events out, and for each line that was not published a message and a copy.
 *
 * lines ──> check ──> posthorn_publish ──> in flight ──> acknowledged
 *             │ refused                        │ not acknowledged
 *             └──────────> message, --rejected <┘
 *
 * Memory is bounded by the producer's queue and the lines kept beside it. Everything runs on one thread but the
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
    struct span timeout;                               /* the longest that an event waits for its acknowledgement */
    size_t value_max;                                  /* bytes of an event */
    bool dry_run;                                      /* check only */
};

struct session_counts {
    uint64_t read, acknowledged, refused, failed; /* events; failed: not acknowledged */
};

struct session;

/* Blocks SIGINT and SIGTERM and takes them over: the first stops reading, the second gives up what is not acknowledged.
 * NULL with an error. */
struct session *session_new(const struct session_settings *settings, struct error *error) MUST_USE;

/* Gives up what is in flight, closes everything and says what became of all events; false when the file of rejected
 * lines could not be written. */
bool session_free(struct session **session, struct session_counts *counts);

/* Publish every line of a file; "-" is standard input. Stops early when a signal came. False with an error when the
 * file cannot be read. */
bool session_publish_file(struct session *session, const char *path, struct error *error) MUST_USE;

/* Publish one event in its JSON form. `name` says in messages where it is from. */
void session_publish_line(struct session *session, const char *name, uint64_t number, struct text line);

/* Wait until all is acknowledged or has failed; ends early at the second signal. */
void session_flush(struct session *session);

/* The signal that came, or 0. */
int session_signal(const struct session *session);
