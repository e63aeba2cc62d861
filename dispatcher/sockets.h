/* libcurl's sockets in the loop's epoll.
 *
 * A descriptor stays in epoll for the life of its connection, watched for input; only a connect or a blocked write
 * changes that. So a request over a warm connection costs no epoll_ctl.
 *
 * Nothing may arrive on a connection between two requests: what does (bytes of any kind, the end of the connection, an
 * error) belongs to no request, and a byte of it could be taken for the next answer. Such a connection is cut: closed
 * at once, with an empty one that has ended in the place of its descriptor, so that libcurl finds it dead. */
#pragma once
#include <curl/curl.h>

#include "base/loop.h"

struct sockets;

/* Takes the multi handle's socket and timer callbacks. `acted` is called after libcurl did something: requests may be
 * done. */
struct sockets *sockets_new(struct loop *loop, CURLM *multi, void (*acted)(void *owner), void *owner,
                            struct error *error) MUST_USE;
/* After curl_multi_cleanup(), which closes connections. */
void sockets_free(struct sockets **sockets);

/* Give libcurl its turn at once: for requests that were just added. */
void sockets_kick(struct sockets *sockets);

/* For CURLOPT_OPENSOCKETFUNCTION: this descriptor was opened for a connection, and sockets_close() will tell of its
 * end. Returns the number of the opening; 0: no memory. */
uint64_t sockets_opened(struct sockets *sockets, int fd);
/* That one is not closed yet. */
bool sockets_open(const struct sockets *sockets, int fd, uint64_t opening);
/* Whether nothing has arrived on an idle connection, named by its ends as CURLOPT_PREREQFUNCTION has them. True also of
 * a connection that was never idle. */
bool sockets_quiet(struct sockets *sockets, const char *peer, int peer_port, int own_port);
/* Cut that connection: what libcurl sends over it fails at once and does not leave this machine. */
void sockets_cut(struct sockets *sockets, const char *peer, int peer_port, int own_port);
/* CURLOPT_CLOSESOCKETFUNCTION, with the sockets as its data. */
int sockets_close(void *sockets, curl_socket_t fd);
