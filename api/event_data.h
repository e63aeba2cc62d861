/* The data of an event, as far as they are kept and can be opened. */
#pragma once
#include "request.h"

/* `found` is a row of lookup_event(). JSON's null when the payload was dropped, its key destroyed, or a number in it is
 * beyond what jansson keeps. */
bool event_data(struct request *request, const PGresult *found, json_t **data) MUST_USE;

/* The same as the bytes that were published: initialises `plain`, the caller's to wipe. *kept is false when there are
 * none any more. */
bool event_bytes(struct request *request, const PGresult *found, struct buffer *plain, bool *kept) MUST_USE;
