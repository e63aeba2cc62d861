/* The payload of an event, if it is kept and can be opened. */
#pragma once
#include "request.h"

struct event_payload {
    bool kept;                /* false: dropped, or its key was destroyed */
    struct buffer data;       /* the bytes as published */
    struct buffer extensions; /* JSON object (event/extension.h); empty: none */
};

/* `found` is a row of lookup_event(). Initializes *payload; the caller calls event_payload_fini(). */
bool event_payload_read(struct request *request, const PGresult *found, struct event_payload *payload) MUST_USE;
void event_payload_fini(struct event_payload *payload);
