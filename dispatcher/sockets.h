/* libcurl's sockets in the loop's epoll.
 *
 * A descriptor stays in epoll for the life of its connection, watched for input; only a connect or a blocked write
 * changes that. So a request over a warm connection costs no epoll_ctl. */
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
 * end. */
void sockets_opened(struct sockets *sockets, int fd);
/* CURLOPT_CLOSESOCKETFUNCTION, with the sockets as its data. */
int sockets_close(void *sockets, curl_socket_t fd);
