/* Dialect: tables of a webhook's members in each dialect: their names, meaning, and when they are accepted or shown. */
#pragma once
#include "request.h"

enum member {
    MEMBER_ID,
    MEMBER_URL,
    MEMBER_EVENTS,         /* an array of event types and patterns */
    MEMBER_EVENT,          /* one event type */
    MEMBER_LABEL,          /* free text for users */
    MEMBER_STATUS,         /* enabled, disabled */
    MEMBER_TOKEN,          /* for Authorization: Bearer; null: none. Never shown */
    MEMBER_AUTHENTICATION, /* {type, username, password} */
    MEMBER_SIGNATURE,      /* {type, source_key} */
    MEMBER_SECRET,         /* shown once */
    MEMBER_TLS,            /* {client_certificate, client_key, ca}; shown without the key, if set */
    MEMBER_DISABLED_REASON,
    MEMBER_HEALTH, /* a summary of its deliveries */
    MEMBER_CREATED_AT,
    MEMBER_UPDATED_AT
};

enum shape_flags {
    SHAPE_SHOWN = 1,
    SHAPE_ONCE = 2,   /* shown only in the response to the creation */
    SHAPE_GIVEN = 4,  /* accepted in a request */
    SHAPE_NEEDED = 8, /* required at creation */
    SHAPE_MANY = 16   /* an array of events with at least one element */
};

struct shape {
    const char *name; /* NULL: end of the table */
    enum member member;
    unsigned flags;
};

struct dialect_shapes {
    const struct shape *webhook;
    const char *wrapper;   /* {"webhook": {…}}; NULL: none */
    const char *list;      /* {"webhooks": [… a page …], "next_cursor": …}; NULL: an array of all webhooks */
    bool all_events;       /* if no events are given: all types of the catalogue */
    bool patterns;         /* "*" and "prefix.*" are accepted */
    const char *signature; /* default of a new webhook */
    bool long_secret;      /* whsec_…; false: 40 hexadecimal digits */
};

extern const struct dialect_shapes dialect_shapes[DIALECT_COUNT];
