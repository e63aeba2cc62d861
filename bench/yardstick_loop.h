/*
 * The two ways of driving libcurl's multi interface that the yardstick compares. One thread each.
 */
#pragma once

#include <curl/curl.h>

struct loop;

/* `socket_action`: curl_multi_socket_action over epoll; else curl_multi_poll and curl_multi_perform. It must
 * be made before the multi's first request. NULL with errno on failure. */
struct loop *loop_new(CURLM *multi, int socket_action);

/* Only after curl_multi_cleanup of its multi, which still closes sockets through it. */
void loop_free(struct loop **loop);

/* Call this once for each new easy handle, before its first request. */
void loop_prepare(struct loop *loop, CURL *easy);

/* Lets libcurl start the added requests, and read and write what it can. */
void loop_perform(struct loop *loop);

/* Waits for an event, at most 1 s. */
void loop_wait(struct loop *loop);
