/* HTTP, by libmicrohttpd: a thread for each connection, so that a request may wait for PostgreSQL and Kafka without
 * holding up another. */
#pragma once
#include "request.h"

struct server;

struct server *server_new(struct api *api, struct error *error) MUST_USE;

/* Take no new connections, answer what is being asked, for at most so long; then close. */
void server_drain(struct server *server, struct span most);
void server_free(struct server **server);
