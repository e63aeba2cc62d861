#include "send.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "base/fault.h"
#include "net/guard.h"
#include "request.h"
#include "sockets.h"
#include "tls.h"

#define NEXT_ADDRESS SPAN_MS(10)
#define LOOKS_OF_ALL 25 /* every 250 ms also those whose last socket is still open */
#define CONNECTIONS_MAX 16384

struct sender {
    struct dispatcher *d;
    CURLM *multi;
    struct sockets *sockets;
    struct send_events events;
    bool started; /* a request was added since the last turn */
    struct timer next_address;
    unsigned looks;
};

static void finish_done(void *owner)
{
    struct sender *sender = owner;
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(sender->multi, &left)) != NULL) {
        struct delivery *delivery;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &delivery);
        curl_multi_remove_handle(sender->multi, delivery->easy);
        fault_point("after-answer");
        sender->events.finished(sender->d, delivery, code);
    }
}

/* When a connection to one address fails, libcurl 7.88 proceeds to the next address of the family, but opens the socket
 * only when it is called again, and it does not ask to be called (fixed in 8.4, commit 01d8473b25). It also does not
 * always ask to be called when the time for an address has passed. Pausing and unpausing a transfer makes libcurl
 * process it. */
static void try_next_addresses(void *owner)
{
    struct sender *sender = owner;
    struct delivery *delivery;
    bool connecting = false, woken = false, all = ++sender->looks % LOOKS_OF_ALL == 0;
    TAILQ_FOREACH(delivery, deliveries_in_flight(sender->d), link)
    {
        if (delivery->requested || !delivery->opened)
            continue;
        connecting = true;
        if (!all && sockets_open(sender->sockets, delivery->fd, delivery->opening))
            continue;
        woken = true;
        curl_easy_pause(delivery->easy, CURLPAUSE_SEND);
        curl_easy_pause(delivery->easy, CURLPAUSE_CONT);
    }
    if (connecting)
        timer_set(sender->d->loop, &sender->next_address, mono_add(mono_now(), NEXT_ADDRESS));
    if (woken)
        sockets_kick(sender->sockets);
}

/* The guard checks the address that is about to be connected to, whatever name or literal it came from. */
static curl_socket_t on_open(void *owner, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct delivery *delivery = owner;
    struct sender *sender = delivery->sender;
    (void)purpose;
    if (!sender->next_address.armed)
        timer_set(sender->d->loop, &sender->next_address, mono_add(mono_now(), NEXT_ADDRESS));
    if (*sender->d->settings->proxy == '\0' && !guard_allows(sender->d->guard, &address->addr)) {
        delivery->guarded = true;
        return CURL_SOCKET_BAD;
    }
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
    if (fd >= 0) {
        delivery->opening = sockets_opened(sender->sockets, fd);
        delivery->fd = fd;
        delivery->opened = true;
        delivery->guarded = false;
    }
    return fd;
}

/* True if nothing has arrived on a reused connection since its last answer. What has arrived cannot be an answer to the
 * request that is about to be sent. In TLS it may also be a session ticket, which a server may send at any time (RFC
 * 8446, section 4.6.1). A ticket can be told from an answer only by reading it, so a ticket costs a new connection.
 * Servers send their tickets before their first answer, and libcurl reads them with it. */
static bool is_clean(const struct delivery *delivery, const char *peer, int peer_port, int own_port)
{
    return sockets_quiet(delivery->sender->sockets, peer, peer_port, own_port) && !tls_has_input(delivery->easy);
}

/* libcurl has a connection and is about to send. If the connection is cut here, no byte of the request is sent: libcurl
 * notices its end and takes a new connection, and no attempt is counted. If a request was sent over a reused connection
 * that broke before any answer, libcurl repeats it by itself; the request may have arrived, so that counts as an
 * attempt. In both cases the next connection is a new one. */
static int on_request(void *owner, char *peer, char *own, int peer_port, int own_port)
{
    struct delivery *delivery = owner;
    (void)own;
    if (!delivery->opened) {
        curl_easy_setopt(delivery->easy, CURLOPT_FRESH_CONNECT, 1L);
        if (!is_clean(delivery, peer, peer_port, own_port)) {
            sockets_cut(delivery->sender->sockets, peer, peer_port, own_port);
            return CURL_PREREQFUNC_OK;
        }
    }
    if (delivery->requested)
        delivery->sender->events.repeated(delivery->sender->d, delivery);
    delivery->requested = true;
    return CURL_PREREQFUNC_OK;
}

struct sender *sender_new(struct dispatcher *d, const struct send_events *events, struct error *error)
{
    struct sender *sender = calloc(1, sizeof *sender);
    if (sender == NULL || (sender->multi = curl_multi_init()) == NULL) {
        error_set(error, "no memory");
        free(sender);
        return NULL;
    }
    sender->d = d;
    sender->events = *events;
    sender->next_address = (struct timer){.fire = try_next_addresses, .owner = sender};
    sender->sockets = sockets_new(d->loop, sender->multi, finish_done, sender, error);
    if (sender->sockets == NULL) {
        curl_multi_cleanup(sender->multi);
        free(sender);
        return NULL;
    }
    curl_multi_setopt(sender->multi, CURLMOPT_MAXCONNECTS,
                      (long)CONNECTIONS_MAX);                            /* the default closes warm connections */
    curl_multi_setopt(sender->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 0L); /* no queues inside, across accounts */
    curl_multi_setopt(sender->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 0L);
    curl_multi_setopt(sender->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    return sender;
}

void sender_free(struct sender **sender)
{
    struct sender *old = *sender;
    struct delivery *delivery;
    if (old == NULL)
        return;
    while ((delivery = TAILQ_FIRST(deliveries_in_flight(old->d))) != NULL) {
        curl_multi_remove_handle(old->multi, delivery->easy);
        delivery_end(old->d, delivery);
    }
    timer_cancel(old->d->loop, &old->next_address);
    curl_multi_cleanup(old->multi);
    sockets_free(&old->sockets);
    free(old);
    *sender = NULL;
}

/* Sets the options that are the same for every request, once in the life of a handle. */
static void prepare_easy(struct delivery *delivery)
{
    const struct settings *s = delivery->sender->d->settings;
    CURL *easy = delivery->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, delivery);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, s->proxy); /* "" also disables the environment's http_proxy */
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, s->user_agent);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)span_ms(s->request_timeout));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)span_ms(s->connect_timeout));
    /* entries of CURLOPT_RESOLVE must outlive the request that they came with */
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)(span_ms(s->request_timeout) / 1000 + 10));
    curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, 300L);
    /* libcurl compares whole seconds, rounded down; minus 1, so that no connection idle for the full time is used */
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)(span_ms(s->connection_idle_max) / 1000 - 1));
    tls_prepare(easy, s->ca_file);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, delivery->curl_error);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, delivery);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, delivery);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, sockets_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, delivery->sender->sockets);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, delivery->headers);
    if (*s->source_address != '\0') {
        char line[80];
        snprintf(line, sizeof line, "host!%s", s->source_address);
        curl_easy_setopt(easy, CURLOPT_INTERFACE, line);
    }
    answer_attach(&delivery->answer, easy);
}

/* Requests ------------------------------------------------------------------ */

static const char *prepare(struct dispatcher *d, struct delivery *delivery)
{
    if (delivery->easy == NULL) {
        if ((delivery->easy = curl_easy_init()) == NULL)
            return "no memory";
        prepare_easy(delivery);
    }
    return request_write(d, delivery);
}

void send_start(struct dispatcher *d, struct delivery *delivery)
{
    struct sender *sender = d->sender;
    invariant(delivery->webhook == NULL && destination_is_enabled(delivery->destination));
    delivery->sender = sender;
    delivery->webhook = delivery->destination->webhook;
    delivery->webhook->references++;
    if (delivery->state == DELIVERY_WAITING)
        delivery_move(d, delivery, DELIVERY_NEW);
    delivery_move(d, delivery, DELIVERY_IN_FLIGHT);
    invariant(TAILQ_NEXT(delivery, link) == NULL); /* the newest */
    delivery->started = clock_wall(d);
    delivery->request_since = delivery->since;
    delivery->guarded = delivery->opened = delivery->requested = false;
    delivery->curl_error[0] = '\0';
    answer_begin(&delivery->answer);
    const char *why = prepare(d, delivery);
    if (why == NULL && curl_multi_add_handle(sender->multi, delivery->easy) != CURLM_OK)
        why = "libcurl accepted no more requests";
    sender->started = true;
    if (why != NULL)
        sender->events.not_made(d, delivery, why);
}

void send_turn(struct dispatcher *d)
{
    struct sender *sender = d->sender;
    if (!sender->started)
        return;
    sender->started = false;
    sockets_kick(sender->sockets);
    fault_point("after-send");
}
