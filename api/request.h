/* Request: one request and its response. It lives on the thread of its connection.
 *
 *   server (reads) ──> route (finds, authenticates, checks, opens the transaction) ──> handler
 *          ──> route (commits) ──> server (responds)
 *
 * A handler returns true after it set the response, and false after it set a problem; in the second case its changes
 * are not committed. */
#pragma once
#include <jansson.h>
#include <microhttpd.h>

#include "address.h"
#include "auth/scope.h"
#include "base/buffer.h"
#include "event/uuid.h"
#include "net/guard.h"
#include "pool.h"
#include "problem.h"
#include "publish.h"
#include "settings.h"

#define PARAMS_MAX 2
#define HEADERS_MAX 12
#define REAL_DIGITS 15 /* of numbers in responses: 1.1 stays 1.1 and does not become 1.1000000000000001 */

enum dialect { DIALECT_PENNY, DIALECT_MERCHANT, DIALECT_PAYCONEX, DIALECT_DEVENGO, DIALECT_COUNT };

struct tokens;
struct openapi;
struct stats;
struct files;
struct shares;

/* What all requests share. Read-only after the start, except parts that have their own locks. */
struct api {
    const struct settings *settings;
    struct pool *pool;
    struct guard *guard;
    struct publisher *publisher;
    struct tokens *tokens;
    struct openapi *openapi;
    struct stats *stats;
    struct networks proxies;          /* proxies whose X-Forwarded-For is trusted */
    struct shares *requests, *bodies; /* requests at once, by address; bytes in memory, by account or address */
    struct shares *logins;            /* passwords that are being checked (argon2: much memory and time), by address */
    struct files *console;            /* the console's pages; NULL: none */
};

/* The authenticated caller: the credential determines the account, and the account its dialect. */
struct caller {
    int account_id, user_id; /* user_id 0: an API key */
    char account[256];
    struct uuid account_uuid, session, credential;
    enum dialect dialect; /* of the responses: the account's, but merchant in a session of the console */
    enum dialect account_dialect;
    bool console, verified; /* console: a session of the console; verified: the second factor was given */
    char csrf[65];          /* of a session of the console */
    char actor[300];        /* for the audit: "key:phk_…" or "user:…" */
    unsigned scopes;
};

struct request {
    struct api *api;
    struct MHD_Connection *connection;
    const char *method;
    char *path; /* as received, percent-encoded */
    struct mono began;
    bool monitored; /* received at --monitor */

    long long cost;      /* the number of requests that it counts as */
    struct buffer bytes; /* the body */
    size_t dropped;      /* bytes of it dropped because they exceed the maximum, or the caller's share of memory */
    size_t charged;      /* bytes charged to that share … */
    uint64_t payer;      /* … of this holder */
    bool crowded;        /* the share was exhausted */
    json_t *body;        /* an object, if the route takes JSON */
    char *params[PARAMS_MAX];
    const struct route *route;

    struct caller caller;
    struct address from; /* origin of the request … */
    const char *address; /* … as text */
    bool counted;        /* it holds a unit of its address's share of requests */
    struct slot *slot;
    PGconn *db; /* the slot's connection */

    unsigned status; /* of the response */
    json_t *result;
    struct text page; /* used instead of `result` */
    struct buffer spliced;
    const char *content_type;
    const char *cache; /* Cache-Control; NULL: no-store */
    struct {
        const char *name;
        char value[400];
    } headers[HEADERS_MAX];
    size_t header_count;
};

/* Set the response. `result` is owned by the request from then on. */
bool answer_json(struct request *request, unsigned status, json_t *result);
/* The object with one more member at its end, whose value is the JSON text `raw`, byte for byte. jansson's tree would
 * change numbers and reject some texts. */
bool answer_json_raw(struct request *request, unsigned status, json_t *object, const char *name, struct text raw);
bool answer_nothing(struct request *request); /* 204 */
void answer_header(struct request *request, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);

/* Set the problem and always return false. `pointer` is a JSON pointer to the member of the body that is wrong. */
bool fail(struct request *request, enum problem problem, const char *format, ...) PRINTF_LIKE(3, 4);
bool fail_at(struct request *request, const char *pointer, const char *format, ...) PRINTF_LIKE(3, 4);
/* After a store_…() call failed: 503 if PostgreSQL cannot be reached or is busy, else 500; logged. */
bool fail_database(struct request *request, const struct error *error);

/* Gets a query argument, unescaped, in the caller's buffer. *given is false if it is absent. Returns false (with a
 * problem) if it is too long or not valid UTF-8. */
bool request_argument(struct request *request, const char *name, char *out, size_t size, bool *given) MUST_USE;
/* Gets a whole number from the query; `standard` if absent. */
bool request_number(struct request *request, const char *name, long long low, long long high, long long standard,
                    long long *number) MUST_USE;
#define REQUEST_TIME_MAX 60
/* Gets a time from the query, in UTC: RFC 3339 allows offsets that PostgreSQL does not. */
bool request_time(struct request *request, const char *name, char out[static REQUEST_TIME_MAX], bool *given) MUST_USE;
const char *request_header(const struct request *request, const char *name);

/* Returns the holder of the request's shares: the account, or the address before the account is known. */
uint64_t request_holder(const struct request *request);

/* Takes a slot of the pool if the request has none. A handler gives it back early before it waits for something else.
 * Statements have a time limit, and are cancelled if the caller has disconnected. */
bool request_take_database(struct request *request) MUST_USE;
/* The account is known now: charges the slot to its share. */
bool request_move_database(struct request *request) MUST_USE;
void request_give_database(struct request *request);

/* Begin a transaction, with the actor for the audit; commit it. */
bool request_begin(struct request *request) MUST_USE;
bool request_commit(struct request *request) MUST_USE;

/* Wipes what may contain secrets. */
void request_fini(struct request *request);

/* Returns "penny" etc. */
const char *dialect_name(enum dialect dialect);
enum dialect dialect_of(const char *name); /* DIALECT_COUNT: unknown */
