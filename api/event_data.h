/* The payload of an event, as far as it is kept and can be opened. */
#pragma once
#include "request.h"

struct event_payload {
    bool kept;                /* false: dropped, or its key destroyed */
    struct buffer data;       /* the bytes that were published */
    struct buffer extensions; /* JSON object (event/extension.h); empty: none */
};

/* `found` is a row of lookup_event(). Initialises *payload, which the caller ends. */
bool event_payload_read(struct request *request, const PGresult *found, struct event_payload *payload) MUST_USE;
void event_payload_fini(struct event_payload *payload);
