/* Gate: callers' connections, before libmicrohttpd sees them. One thread serves all of them:
 *
 *   accept ──> a share per address ──> framing.c checks the bytes ──> libmicrohttpd, over a pair of sockets
 *
 * libmicrohttpd gets a connection, and a thread for it, only when the head of its first request is complete and
 * well-formed; a malformed head is answered here, and the connection ends. There is a time limit for a request, from
 * its first byte (or the connection's start) to its last, and for the caller to accept each piece of an answer. If
 * there is no room, a new connection replaces the one whose request has been incomplete for the longest. Trusted
 * proxies have no share; the addresses that they forward for have one (server.c). */
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

/* Starts to listen and to serve. Fails if the address cannot be listened on. */
struct gate *gate_new(const struct gate_settings *settings, struct error *error) MUST_USE;

/* Stops accepting connections. */
void gate_quiesce(struct gate *gate);

/* Stops passing connections to the daemon. Called before the daemon stops. */
void gate_close(struct gate *gate);

/* Called after the daemon has stopped: sends the remaining output to callers, for a few seconds at most, and ends. */
void gate_free(struct gate **gate);
