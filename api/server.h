/* Server: HTTP, with libmicrohttpd: one thread per connection, so that a request may wait for PostgreSQL and Kafka
 * without delaying others. */
#pragma once
#include "request.h"

struct server;

struct server *server_new(struct api *api, struct error *error) MUST_USE;

/* Accepts no new connections, completes requests in flight for at most this time, then closes. */
void server_drain(struct server *server, struct span most);
void server_free(struct server **server);
