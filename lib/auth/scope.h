/* Scopes: what an API key may do. Each has a long name ("webhooks:read"); "webhooks:*" and "*" stand for several. The
 * payconex dialect calls them "pcx:webhooks:read". */
#pragma once
#include "base/error.h"

enum scope {
    SCOPE_READ = 1,     /* webhooks:read, and events with their deliveries and attempts */
    SCOPE_CREATE = 2,   /* webhooks:create */
    SCOPE_UPDATE = 4,   /* webhooks:update, including secrets, enable and disable */
    SCOPE_DELETE = 8,   /* webhooks:delete */
    SCOPE_TRIGGER = 16, /* webhooks:trigger: tests, redeliveries, replays */
    SCOPE_PUBLISH = 32, /* events:publish */
    SCOPE_ALL = 63
};

/* Parses "webhooks:read,events:publish" into a set of bits; an unknown scope is an error. */
bool scope_parse(const char *list, unsigned *scopes, struct error *error) MUST_USE;

/* Returns "webhooks:read" for SCOPE_READ; with payconex "pcx:webhooks:read". */
const char *scope_name(enum scope scope, bool payconex);
