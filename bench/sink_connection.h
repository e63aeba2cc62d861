/*
 * One connection of the sink, and how it answers.
 *
 * Third step of the sink: bytes -> request -> record -> answer. Everything here belongs to the sink's one thread; a
 * connection owns its socket. The path chooses the answer (see sink_behaviour in the source; `bench-sink --help` tells
 * users).
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

/* Takes a freshly accepted, non-blocking socket. */
void sink_accept(struct sink *sink, int fd);

/* Handles what epoll reported for the connection; it may be gone afterwards. */
void sink_handle(struct sink *sink, struct connection *connection, uint32_t events);

/* Milliseconds until sink_tick wants to be called; -1: nothing waits. */
int sink_wait_ms(const struct sink *sink);

/* Sends the answers whose time has come. */
void sink_tick(struct sink *sink);
