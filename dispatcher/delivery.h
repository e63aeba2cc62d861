/* Delivery: one obligation in memory, this event to this webhook; the lists and counters of all of them.
 *
 *   NEW ──> WAITING ──> NEW ──> IN_FLIGHT ──> (answered: recorded and freed)
 *              │                    └──> PARKED_IN_FLIGHT ──> (answered: recorded, its pending row settled, freed)
 *              └──> (parked or cancelled: a row is written, freed)
 *
 * It holds its passage until it ends, or is parked in flight.
 */
#pragma once
#include <curl/curl.h>

#include "answer.h"
#include "destination.h"
#include "passage.h"

enum delivery_state { DELIVERY_NEW, DELIVERY_WAITING, DELIVERY_IN_FLIGHT, DELIVERY_PARKED_IN_FLIGHT };

/* As in the rows: what made this delivery. */
enum cause { CAUSE_EVENT = 'e', CAUSE_REPLAY = 'r', CAUSE_REDELIVER = 'd', CAUSE_TEST = 't' };

#define DELIVERY_HEADERS 10
#define DELIVERY_TEXT 1536 /* room for the headers that differ by delivery */

struct delivery {
    TAILQ_ENTRY(delivery) link;         /* in the list of its state: the destination's waiting ones, or all in flight */
    TAILQ_ENTRY(delivery) passage_link; /* in its passage */
    struct sender *sender;              /* of the request under way */
    enum delivery_state state;
    enum cause cause;
    bool has_row;     /* a pending row exists (or is in a flush before any row of this delivery's outcome) */
    bool young;       /* in flight for less than 50 ms */
    bool guarded;     /* the last address tried was refused at the socket */
    bool has_tls;     /* the handle holds certificates of the last webhook's own */
    bool opened;      /* libcurl has made a connection for it; else it goes over one that was used before */
    bool requested;   /* libcurl has had a connection and sent it, or tried */
    int attempts;     /* made before this one */
    int fd;           /* the last socket opened for it … */
    uint64_t opening; /* … and which opening of it that was */
    struct passage *passage;
    struct destination *destination;
    struct webhook *webhook;   /* as it was when the request started */
    struct mono since;         /* waiting or in flight since */
    struct mono request_since; /* the request under way; a later one than `since` when libcurl repeated it */
    struct wall started;       /* the same, by the wall clock */
    unsigned window_started;   /* what window_started() said */

    CURL *easy;
    struct curl_slist headers[DELIVERY_HEADERS];
    struct addresses *addresses; /* that it goes to, in send's hands; NULL: those in the URL, or a proxy's matter */
    char text[DELIVERY_TEXT];
    size_t text_size;
    size_t charged;         /* bytes taken of the dispatcher's memory for it, in its passage's account */
    struct buffer own_body; /* when the format's body is not shared */
    struct answer answer;
    char curl_error[CURL_ERROR_SIZE];
};

struct deliveries *deliveries_new(struct dispatcher *d, struct error *error) MUST_USE;
/* There are none left. */
void deliveries_free(struct deliveries **deliveries);

/* In state NEW. Refers to passage and destination. */
struct delivery *delivery_new(struct dispatcher *d, struct passage *passage, struct destination *destination,
                              enum cause cause, int attempts);
/* It is over, one way or the other: out of its lists, back to the pool. */
void delivery_end(struct dispatcher *d, struct delivery *delivery);
/* The one function that moves a delivery from state to state and from list to list. */
void delivery_move(struct dispatcher *d, struct delivery *delivery, enum delivery_state to);

/* All in flight, the oldest first. */
struct delivery_list *deliveries_in_flight(struct dispatcher *d);
int deliveries_in_flight_count(const struct dispatcher *d);

/* Called in every turn: those that started more than 50 ms ago do not hold fresh events back. */
void deliveries_age(struct dispatcher *d);
/* Fewer than young-max requests for fresh events are younger than 50 ms: the next event may fan out. */
bool deliveries_may_start_event(const struct dispatcher *d);

/* The account has a share left of the requests in flight. */
bool deliveries_have_share(const struct dispatcher *d, int32_t account_id);
/* Set up to `most` of it aside for requests that will start soon; returns how many. */
int deliveries_reserve(struct dispatcher *d, int32_t account_id, int most);
void deliveries_unreserve(struct dispatcher *d, int32_t account_id, int count);
