/*
 * One connection of the sink, and its responses.
 *
 * Third step of the sink: bytes -> request -> record -> response. Everything here belongs to the sink's one thread; a
 * connection owns its socket. The path chooses the response (see sink_behaviour in the source, and
 * `bench-sink --help`).
 */
#pragma once

#include "sink_record.h"

struct sink;
struct connection;

/* `connections` bounds how many are open at once (more are closed as they arrive). NULL with errno on failure.
 * The record is borrowed. */
struct sink *sink_new(int epoll, struct sink_record *record, size_t connections);

/* Closes all connections. */
void sink_free(struct sink **sink);

/* Takes over an accepted, non-blocking socket. */
void sink_accept(struct sink *sink, int fd);

/* Handles what epoll reported for the connection; it may be freed. */
void sink_handle(struct sink *sink, struct connection *connection, uint32_t events);

/* Milliseconds until sink_tick must be called; -1: nothing is waiting. */
int sink_wait_ms(const struct sink *sink);

/* Sends the responses that are due. */
void sink_tick(struct sink *sink);
