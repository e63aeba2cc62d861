/* Delivery: one obligation in memory, "this event to this webhook"; and the lists and counters of all deliveries.
 *
 *   NEW ──> WAITING ──> NEW ──> IN_FLIGHT ──> (answered: recorded and freed)
 *              │                    └──> PARKED_IN_FLIGHT ──> (answered: recorded, its pending row settled, freed)
 *              └──> (parked or cancelled: a row is written, freed)
 *
 * A delivery holds its passage until it ends or is parked in flight. */
#pragma once
#include <curl/curl.h>

#include "answer.h"
#include "destination.h"
#include "passage.h"

enum delivery_state { DELIVERY_NEW, DELIVERY_WAITING, DELIVERY_IN_FLIGHT, DELIVERY_PARKED_IN_FLIGHT };

/* What made the delivery. The values are those of the database rows. */
enum cause { CAUSE_EVENT = 'e', CAUSE_REPLAY = 'r', CAUSE_REDELIVER = 'd', CAUSE_TEST = 't' };

#define DELIVERY_HEADERS 10
#define DELIVERY_TEXT 1536 /* bytes for the headers that differ by delivery */

struct delivery {
    TAILQ_ENTRY(delivery) link; /* in the list of its state: the destination's waiting deliveries, or all in flight */
    TAILQ_ENTRY(delivery) passage_link; /* in its passage's list */
    struct sender *sender;              /* that runs the request */
    enum delivery_state state;
    enum cause cause;
    bool has_row;     /* a pending row exists, or is in a flush no later than the delivery's outcome */
    bool guarded;     /* the guard refused the last address that was tried */
    bool has_tls;     /* the handle is set to TLS settings of the last webhook */
    bool opened;      /* libcurl has opened a connection for it; false: the request goes over an existing connection */
    bool requested;   /* libcurl had a connection and sent the request, or tried to */
    int attempts;     /* number of attempts before this one */
    int fd;           /* the socket opened last for it … */
    uint64_t opening; /* … and the number of that opening */
    struct budget *young; /* in flight for less than 20 ms: the budget that counts it; NULL: it is older */
    struct passage *passage;
    struct destination *destination;
    struct webhook *webhook;   /* as it was when the request started */
    struct mono since;         /* when it began to wait, or went in flight */
    struct mono request_since; /* start of the current request; later than `since` if libcurl repeated it */
    struct wall started;       /* the same in wall time */
    unsigned window_started;   /* result of window_started() */

    CURL *easy;
    struct curl_slist headers[DELIVERY_HEADERS];
    struct addresses *addresses; /* to connect to; NULL: the URL has an address, or a proxy resolves the name */
    char text[DELIVERY_TEXT];
    size_t text_size;
    size_t charged;         /* bytes charged to the dispatcher's memory, to its passage's account */
    struct buffer own_body; /* for a format whose body is not shared */
    struct answer answer;
    char curl_error[CURL_ERROR_SIZE];
};

struct deliveries *deliveries_new(struct dispatcher *d, struct error *error) MUST_USE;
/* No delivery may be left. */
void deliveries_free(struct deliveries **deliveries);

/* Makes a delivery in state NEW, with references to passage and destination. */
struct delivery *delivery_new(struct dispatcher *d, struct passage *passage, struct destination *destination,
                              enum cause cause, int attempts);
/* Ends the delivery: removes it from its lists and returns it to the pool. */
void delivery_end(struct dispatcher *d, struct delivery *delivery);
/* The only function that moves a delivery between states and lists. */
void delivery_move(struct dispatcher *d, struct delivery *delivery, enum delivery_state to);

/* All deliveries in flight, oldest first. */
struct delivery_list *deliveries_in_flight(struct dispatcher *d);
int deliveries_in_flight_count(const struct dispatcher *d);

/* Called in every turn: requests that started more than 20 ms ago no longer count against young-max. */
void deliveries_age(struct dispatcher *d);
/* False if the next event must not be fanned out yet, because half of young-max requests for new events are younger
 * than 20 ms, where each account counts for at most a quarter of young-max. So an account that sends as much as it can
 * does not keep others' events waiting, and the events of several such accounts wait in Kafka, not in PostgreSQL. */
bool deliveries_may_start_event(const struct dispatcher *d);
/* True if the account has a share of young-max left. New events and backlogs are counted separately. */
bool deliveries_may_start(const struct dispatcher *d, int32_t account_id, bool from_backlog);
/* Returns when the oldest of the requests younger than 20 ms will be 20 ms old, or now if there is none. */
struct mono deliveries_age_at(const struct dispatcher *d);
/* Returns how many requests have been counted against young-max and no longer are. */
uint64_t deliveries_aged(const struct dispatcher *d);

/* True if the account has a share of the requests in flight left. */
bool deliveries_have_share(const struct dispatcher *d, int32_t account_id);
/* Sets up to `most` of that share aside for requests that will start soon. Returns how many. */
int deliveries_reserve(struct dispatcher *d, int32_t account_id, int most);
void deliveries_unreserve(struct dispatcher *d, int32_t account_id, int count);
