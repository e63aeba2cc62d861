/* The request of a delivery, as the console shows it: composed again from the event and the current webhook. Secrets
 * and signatures are not shown. */
#pragma once
#include "request.h"

/* Returns {method, url, headers, body, body_dropped, body_size, body_cut}. `found` is a row of lookup_event(). The body
 * is null if it is not kept any more, and truncated after 256 KiB. */
bool request_shown(struct request *request, long long webhook, const PGresult *found, json_t **shown) MUST_USE;
