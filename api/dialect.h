/* The dialects' webhooks as tables: what a member is called, what it means, and when it may be given or is shown. */
#pragma once
#include "request.h"

enum member {
    MEMBER_ID,
    MEMBER_URL,
    MEMBER_EVENTS,         /* an array of event types and patterns */
    MEMBER_EVENT,          /* one event type */
    MEMBER_LABEL,          /* a text for people */
    MEMBER_STATUS,         /* enabled, disabled */
    MEMBER_TOKEN,          /* for Authorization: Bearer; null: none. Never shown */
    MEMBER_AUTHENTICATION, /* {type, username, password} */
    MEMBER_SIGNATURE,      /* {type, source_key} */
    MEMBER_SECRET,         /* shown once */
    MEMBER_TLS,            /* {client_certificate, client_key, ca}; shown without the key, where there is something */
    MEMBER_DISABLED_REASON,
    MEMBER_HEALTH, /* how its deliveries fare */
    MEMBER_CREATED_AT,
    MEMBER_UPDATED_AT
};

enum shape_flags {
    SHAPE_SHOWN = 1,
    SHAPE_ONCE = 2,   /* shown in the answer to its creation, and never again */
    SHAPE_GIVEN = 4,  /* may be given */
    SHAPE_NEEDED = 8, /* must be given at creation */
    SHAPE_MANY = 16   /* of events: at least one */
};

struct shape {
    const char *name; /* NULL: the end */
    enum member member;
    unsigned flags;
};

struct dialect_shapes {
    const struct shape *webhook;
    const char *wrapper;   /* {"webhook": {…}}; NULL: none */
    const char *list;      /* {"webhooks": [… a page …], "next_cursor": …}; NULL: an array of all */
    bool all_events;       /* without events given: all of the catalogue */
    bool patterns;         /* "*" and "prefix.*" may be subscribed to */
    const char *signature; /* of a new webhook, when nothing says otherwise */
    bool long_secret;      /* whsec_…, not 40 hexadecimal digits */
};

extern const struct dialect_shapes dialect_shapes[DIALECT_COUNT];
