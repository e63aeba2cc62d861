/* Monitor: /metrics, /healthz and /readyz over libmicrohttpd, served on the loop. */
#pragma once
#include "dispatcher.h"

/* Does nothing if settings->listen is empty. */
struct monitor *monitor_new(struct dispatcher *d, struct error *error) MUST_USE;
void monitor_free(struct monitor **monitor);
