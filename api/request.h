/* One request and its answer, from the first byte to the last; lives on the caller's thread.
 *
 *   server (reads) ──> route (finds, authenticates, checks, opens the transaction) ──> handler ──> route (commits) ──>
 * server (answers)
 *
 * A handler returns true after it gave the answer, and false after it named a problem: then nothing that it did is
 * committed. */
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
#define REAL_DIGITS 15 /* of numbers in answers: 1.1 stays 1.1, and is not 1.1000000000000001 */

enum dialect { DIALECT_PENNY, DIALECT_MERCHANT, DIALECT_PAYCONEX, DIALECT_DEVENGO, DIALECT_COUNT };

struct tokens;
struct openapi;
struct stats;
struct logins;
struct files;
struct shares;

/* What all requests share; nothing in it changes after the start but what has its own locks. */
struct api {
    const struct settings *settings;
    struct pool *pool;
    struct guard *guard;
    struct publisher *publisher;
    struct tokens *tokens;
    struct openapi *openapi;
    struct stats *stats;
    struct logins *logins;
    struct networks proxies;          /* whose X-Forwarded-For is believed */
    struct shares *requests, *bodies; /* by address: requests at once; by account or address: bytes in memory */
    struct files *console;            /* the console's pages; NULL: none */
};

/* Who calls: his credential decides the account, and the account its dialect. */
struct caller {
    int account_id, user_id; /* user_id 0: an API key */
    char account[256];
    struct uuid account_uuid, session;
    enum dialect dialect; /* that he speaks: the account's, but with the console's session merchant */
    enum dialect account_dialect;
    bool console, verified; /* console: a session of the console; verified: it has given the second factor */
    char csrf[65];          /* of such a session */
    char actor[300];        /* for the audit: "key:phk_…" or "user:…" */
    unsigned scopes;
};

struct request {
    struct api *api;
    struct MHD_Connection *connection;
    const char *method;
    char *path; /* as it came, percent-encoded */
    struct mono began;
    bool monitored; /* came in at --monitor */

    struct buffer bytes; /* the body */
    size_t dropped;      /* bytes of it beyond the maximum, or beyond the caller's share of memory */
    size_t charged;      /* bytes that were taken from that share, */
    uint64_t payer;      /* by this holder */
    bool crowded;        /* the share was used up */
    json_t *body;        /* an object, where the route wants JSON */
    char *params[PARAMS_MAX];
    const struct route *route;

    struct caller caller;
    struct address from; /* where the request comes from, */
    const char *address; /* as text */
    bool counted;        /* it holds a unit of its address's share of requests */
    struct slot *slot;
    PGconn *db; /* of the slot */

    unsigned status; /* of the answer */
    json_t *result;
    struct text page; /* instead of result */
    struct buffer spliced;
    const char *content_type;
    const char *cache; /* Cache-Control; NULL: no-store */
    struct {
        const char *name;
        char value[400];
    } headers[HEADERS_MAX];
    size_t header_count;
};

/* The answer. `result` becomes the request's. */
bool answer_json(struct request *request, unsigned status, json_t *result);
/* The object with one more member at its end, whose value is the JSON text `raw`, byte for byte: a tree of jansson's
 * would change numbers, and not take all texts. */
bool answer_json_raw(struct request *request, unsigned status, json_t *object, const char *name, struct text raw);
bool answer_nothing(struct request *request); /* 204 */
void answer_header(struct request *request, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);

/* Always false. `pointer` is a JSON pointer to the member of the body that is wrong. */
bool fail(struct request *request, enum problem problem, const char *format, ...) PRINTF_LIKE(3, 4);
bool fail_at(struct request *request, const char *pointer, const char *format, ...) PRINTF_LIKE(3, 4);
/* After a store_…() failed: 503 when PostgreSQL is away or busy, else 500; logged. */
bool fail_database(struct request *request, const struct error *error);

/* A query argument, unescaped into the caller's buffer; NULL when absent. False (with a problem) when it is too long,
 * or no UTF-8. */
bool request_argument(struct request *request, const char *name, char *out, size_t size, bool *given) MUST_USE;
/* A whole number of the query; `standard` when absent. */
bool request_number(struct request *request, const char *name, long long low, long long high, long long standard,
                    long long *number) MUST_USE;
#define REQUEST_TIME_MAX 60
/* A time of the query, written anew in UTC: RFC 3339 allows offsets that PostgreSQL does not. */
bool request_time(struct request *request, const char *name, char out[static REQUEST_TIME_MAX], bool *given) MUST_USE;
const char *request_header(const struct request *request, const char *name);

/* Whose shares it takes from: the account's, or the address's before the account is known. */
uint64_t request_holder(const struct request *request);

/* A slot of the pool, taken when the request has none; and given back before its end, by who waits for something else.
 * Statements have a time limit meanwhile, and are cancelled when the caller has gone. */
bool request_take_database(struct request *request) MUST_USE;
/* The account is known now: the slot counts for its share. */
bool request_move_database(struct request *request) MUST_USE;
void request_give_database(struct request *request);

/* Begin a transaction of which the audit knows the actor; commit it. */
bool request_begin(struct request *request) MUST_USE;
bool request_commit(struct request *request) MUST_USE;

/* Wipes what may hold secrets. */
void request_fini(struct request *request);

/* "penny" and so on. */
const char *dialect_name(enum dialect dialect);
enum dialect dialect_of(const char *name); /* DIALECT_COUNT: unknown */
