/* Routes: which method and path is whose, in which dialects, under which scope. The table stands in routes.c. */
#pragma once
#include "request.h"

enum route_flags {
    ROUTE_PUBLIC = 1, /* no credential */
    ROUTE_TRANSACTION =
        2, /* in a transaction with time-outs, committed before the answer: what writes, and what may take long */
    ROUTE_BODY = 4,         /* a JSON object */
    ROUTE_MAYBE_BODY = 8,   /* a JSON object, or nothing */
    ROUTE_RAW = 16,         /* JSON, but the handler reads request->bytes itself */
    ROUTE_MONITOR = 32,     /* only at --monitor */
    ROUTE_CONSOLE = 64,     /* only with a session of the console */
    ROUTE_UNVERIFIED = 128, /* also before the second factor was given */
    ROUTE_CHANGE = 256      /* writes rows that are kept for long: takes from the account's share of changes */
};

#define FOR(dialect) (1u << DIALECT_##dialect)
#define FOR_ALL ((1u << DIALECT_COUNT) - 1)
#define FOR_V1 (FOR(PENNY) | FOR(MERCHANT) | FOR(DEVENGO))

struct route {
    const char *method, *path; /* "/v1/webhooks/{id}" */
    unsigned dialects, scope, flags;
    bool (*run)(struct request *request);
};

extern const struct route routes[]; /* ends with {0} */

/* When the head is there and the body is not: find the route and the caller, and refuse a body that is too large. False
 * (with a problem) when the body need not be read. */
bool route_enter(struct request *request) MUST_USE;

/* With the body: do what the request asks for; afterwards it has an answer. */
void route_run(struct request *request);
