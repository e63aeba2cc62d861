/* One obligation in memory: this event to this webhook.
 *
 *   WAITING ──> IN_FLIGHT ──> (answered: recorded and freed)
 *      │            └──> PARKED_IN_FLIGHT ──> (answered: recorded, its pending row settled, freed)
 *      └──> (parked or cancelled: a row is written, freed)
 */
#pragma once
#include <curl/curl.h>
#include <sys/queue.h>

#include "answer.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "event/signature.h"

struct addresses;
struct passage;
struct destination;
struct webhook;
struct sender;

enum delivery_state { DELIVERY_NEW, DELIVERY_WAITING, DELIVERY_IN_FLIGHT, DELIVERY_PARKED_IN_FLIGHT };

/* As in the rows: what made this delivery. */
enum cause { CAUSE_EVENT = 'e', CAUSE_REPLAY = 'r', CAUSE_REDELIVER = 'd', CAUSE_TEST = 't' };

#define DELIVERY_HEADERS 10
#define DELIVERY_TEXT 1536 /* room for the headers that differ by delivery */

struct delivery {
    TAILQ_ENTRY(delivery) link;         /* in the list of its state: the destination's waiting ones, or all in flight */
    TAILQ_ENTRY(delivery) passage_link; /* in its passage */
    struct sender *sender;
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
TAILQ_HEAD(delivery_list, delivery);
