/* Connections of callers, before libmicrohttpd sees them. One thread for all of them:
 *
 *   accept ──> a share per address ──> framing.c reads along ──> libmicrohttpd, over a pair of sockets
 *
 * A connection gets a thread only when its first request's head is complete and well-formed; what is malformed is
 * answered here, and the connection ends. A request must be complete within a time, from its first byte (or the
 * connection's) to its last; so must be taken each piece of an answer. When there is no room, the connection whose
 * request has been incomplete for the longest makes room for a new one. Proxies that the operator trusts have no share:
 * theirs is that of the addresses that they speak for (server.c). */
#pragma once
#include <microhttpd.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "net/network.h"
#include "stats.h"

struct gate;

struct gate_settings {
    const struct sockaddr_storage *where;
    struct MHD_Daemon *daemon; /* started without a socket of its own */
    int64_t connections_max;
    struct span request_time;
    const struct networks *proxies;
    struct stats *stats;
};

/* Listens, and begins to serve. An error when nobody can listen there. */
struct gate *gate_new(const struct gate_settings *settings, struct error *error) MUST_USE;

/* Take no new connections from now on. */
void gate_quiesce(struct gate *gate);

/* The daemon is given no connection any more: before it stops. */
void gate_close(struct gate *gate);

/* After the daemon has stopped: sends what callers are still owed, for a few seconds at most, and ends. */
void gate_free(struct gate **gate);
