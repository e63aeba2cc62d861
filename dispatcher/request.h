/* Request: what libcurl sends for a delivery: URL, addresses, headers, signature, body. */
#pragma once
#include "delivery.h"

/* Sets up the request in the delivery's easy handle. The delivery owns headers and body until it ends. Returns NULL on
 * success, else why no request can be made. */
const char *request_write(struct dispatcher *d, struct delivery *delivery) MUST_USE;
