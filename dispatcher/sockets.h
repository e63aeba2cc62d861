/* Sockets: libcurl's sockets in the loop's epoll.
 *
 * A descriptor stays in epoll for the life of its connection, watched for input; only a connect or a blocked write
 * changes the events. Thus a request over an existing connection needs no epoll_ctl.
 *
 * Nothing may arrive on a connection between two requests. What does arrive (bytes of any kind, the end of the
 * connection, an error) belongs to no request, and a byte of it could be taken for the next answer. Such a connection
 * is cut: it is closed at once, and its descriptor is replaced by a socket that is at its end, so that libcurl finds
 * the connection closed. */
#pragma once
#include <curl/curl.h>

#include "base/loop.h"

struct sockets;

/* Sets the socket and timer callbacks of the multi handle. `acted` is called each time libcurl did something: requests
 * may have completed. */
struct sockets *sockets_new(struct loop *loop, CURLM *multi, void (*acted)(void *owner), void *owner,
                            struct error *error) MUST_USE;
/* Must be called after curl_multi_cleanup(), which closes connections. */
void sockets_free(struct sockets **sockets);

/* Calls libcurl at once, for requests that were just added. */
void sockets_kick(struct sockets *sockets);

/* For CURLOPT_OPENSOCKETFUNCTION: registers a descriptor opened for a connection; sockets_close() ends it. Returns the
 * number of the opening, or 0 if memory is short. */
uint64_t sockets_opened(struct sockets *sockets, int fd);
/* True if the connection of that opening has not been closed. */
bool sockets_open(const struct sockets *sockets, int fd, uint64_t opening);
/* True if nothing has arrived on an idle connection, identified by its ends as CURLOPT_PREREQFUNCTION passes them. Also
 * true for a connection that was never idle. */
bool sockets_quiet(struct sockets *sockets, const char *peer, int peer_port, int own_port);
/* Cuts that connection: what libcurl sends over it fails at once and does not leave this machine. */
void sockets_cut(struct sockets *sockets, const char *peer, int peer_port, int own_port);
/* For CURLOPT_CLOSESOCKETFUNCTION. `sockets` is the struct sockets. */
int sockets_close(void *sockets, curl_socket_t fd);
