/* Routes: the handler of each method and path, with its dialects and scope. The table is in routes.c. */
#pragma once
#include "request.h"

enum route_flags {
    ROUTE_PUBLIC = 1,       /* no credential */
    ROUTE_TRANSACTION = 2,  /* in a transaction with time limits, committed before the response: slow routes, writes */
    ROUTE_BODY = 4,         /* a JSON object */
    ROUTE_MAYBE_BODY = 8,   /* a JSON object, or no body */
    ROUTE_RAW = 16,         /* JSON; the handler reads request->bytes itself */
    ROUTE_MONITOR = 32,     /* only at --monitor */
    ROUTE_CONSOLE = 64,     /* only with a session of the console */
    ROUTE_UNVERIFIED = 128, /* also before the second factor was given */
    ROUTE_CHANGE = 256      /* writes rows that are kept for long: counts in the account's share of changes */
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

/* Called when the head is complete and before the body: finds the route, authenticates the caller, and refuses a body
 * that is too large. Returns false (with a problem) if the body need not be read. */
bool route_enter(struct request *request) MUST_USE;

/* Called with the body: runs the handler. The request has a response afterwards. */
void route_run(struct request *request);
