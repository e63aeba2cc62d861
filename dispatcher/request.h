/* Request: what libcurl sends for a delivery: URL, addresses, headers, signature, body. */
#pragma once
#include "delivery.h"

/* Into the delivery's handle, which exists. Headers and body stay the delivery's until it ends. Returns NULL, or why no
 * request can be made. */
const char *request_write(struct dispatcher *d, struct delivery *delivery) MUST_USE;
