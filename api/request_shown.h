/* The request that a delivery makes, as the console shows it: composed again from the event and the webhook as it is
 * now. Secrets and signatures are not shown. */
#pragma once
#include "request.h"

/* {method, url, headers, body, body_dropped, body_size, body_cut}. `found` is a row of lookup_event(). The body is null
 * when it is not kept any more, and cut after 256 KiB. */
bool request_shown(struct request *request, long long webhook, const PGresult *found, json_t **shown) MUST_USE;
