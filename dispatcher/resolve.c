#include "resolve.h"

#include <netdb.h>
#include <stdlib.h>

#include "base/memory.h"
#include "dns.h"
#include "net/guard.h"

#define LOOKUPS_MAX 256 /* under way at once */
#define TTL_LEAST 5
#define TTL_MOST 60
#define STALE_MOST SPAN_S(3600) /* after the time to live, while look-ups fail */

/* The look-ups of one account that wait to be started. A line exists only while it has hosts. */
struct line {
    UT_hash_handle hh;
    TAILQ_ENTRY(line) link;
    int32_t account_id;
    struct host_list hosts;
};
TAILQ_HEAD(line_list, line);

struct resolver {
    struct dispatcher *d;
    struct dns *dns;
    struct budget *budget; /* look-ups under way, by account */
    struct host *hosts;    /* by key */
    struct line *by_account;
    struct line_list lines; /* the next in turn first */
    struct timer start; /* due at once if a look-up may start; a timer, so that callers of resolve_ask() are not called
                           back from inside */
    void (*resolved)(struct dispatcher *d, struct destination *destination);
};

/* Hosts --------------------------------------------------------------------- */

static void stop_waiting(struct dispatcher *d, struct destination *destination)
{
    invariant(destination->resolving);
    TAILQ_REMOVE(&destination->host->waiting, destination, host_link);
    destination->resolving = false;
    destination_release(d, &destination);
}

/* Returns the host of the webhook's current URL, which may have changed. */
static struct host *host_of(struct dispatcher *d, struct destination *destination)
{
    const struct webhook *webhook = destination->webhook;
    struct host *host = destination->host;
    if (host != NULL && host->key.port == webhook->port && strcmp(host->key.name, webhook->host) == 0)
        return host;
    host = host_hold(&d->resolver->hosts, destination->account_id, webhook->port, webhook->host);
    host->resolver = d->resolver;
    if (destination->resolving)
        stop_waiting(d, destination);
    host_release(&destination->host);
    destination->host = host;
    return host;
}

/* Answers ------------------------------------------------------------------- */

static void set_until(struct host *host, int seconds)
{
    struct mono now = mono_now();
    host->until = mono_add(now, SPAN_S(seconds));
    host->refresh_at = mono_add(now, SPAN_MS(seconds * 750));
}

static void set_addresses(struct host *host, const struct ares_addrinfo_node *nodes, int ttl)
{
    struct addresses *addresses = addresses_new(nodes, host->key.port);
    addresses_release(&host->addresses);
    host->addresses = addresses;
    snprintf(host->why, sizeof host->why, "%s", addresses == NULL ? "no memory for the host's addresses" : "");
    set_until(host, ttl < TTL_LEAST ? TTL_LEAST : ttl > TTL_MOST ? TTL_MOST : ttl);
    host->stale_until = mono_add(host->until, STALE_MOST);
}

static void set_why(struct host *host, const char *why)
{
    addresses_release(&host->addresses);
    snprintf(host->why, sizeof host->why, "%s", why);
    set_until(host, TTL_LEAST);
}

/* Takes all addresses if the guard allows all of them. A name with a public and a private address is a mistake or an
 * attack, and the order of the addresses must not decide which of them is called. Only localhost may have an address
 * that is not allowed: no outside name server answers for that name, and Debian gives it ::1 beside 127.0.0.1. */
static void take_addresses(struct host *host, struct ares_addrinfo *info)
{
    char refused[64] = "", why[120];
    int ttl = TTL_MOST;
    struct ares_addrinfo_node **at = &info->nodes, *dropped = NULL, *node;
    while ((node = *at) != NULL) {
        ttl = node->ai_ttl < ttl ? node->ai_ttl : ttl;
        if (guard_allows(host->resolver->d->guard, node->ai_addr)) {
            at = &node->ai_next;
            continue;
        }
        addresses_print(node->ai_addr, refused, sizeof refused);
        *at = node->ai_next;
        node->ai_next = dropped;
        dropped = node;
    }
    snprintf(why, sizeof why, "the host name's address %s is not allowed: it is not public", refused);
    if (*refused != '\0' && (info->nodes == NULL || !url_is_localhost(host->key.name)))
        set_why(host, why);
    else if (info->nodes == NULL)
        set_why(host, "the host name has no address");
    else
        set_addresses(host, info->nodes, ttl);
    *at = dropped; /* so that all of them are freed */
}

/* The look-up failed. The known addresses stay valid, unless the name server says that the name does not exist. "No
 * data" is not such an answer: c-ares also reports it when the query for the other family failed. */
static void take_failure(struct host *host, int status)
{
    char why[120];
    bool known = host->addresses != NULL && mono_before(mono_now(), host->stale_until);
    snprintf(why, sizeof why, "the host name could not be resolved: %s", ares_strerror(status));
    if (known && status != ARES_ENOTFOUND)
        set_until(host, TTL_LEAST);
    else
        set_why(host, why);
}

static void answered(void *owner, int status, int timeouts, struct ares_addrinfo *info)
{
    struct host *host = owner;
    struct resolver *resolver = host->resolver;
    struct destination *destination;
    (void)timeouts;
    invariant(host->asked);
    budget_give(resolver->budget, (uint32_t)host->key.account_id, 1);
    timer_set(resolver->d->loop, &resolver->start, mono_now());
    host->asked = false;
    if (status == ARES_SUCCESS && info != NULL)
        take_addresses(host, info);
    else
        take_failure(host, status);
    if (info != NULL)
        ares_freeaddrinfo(info);
    while ((destination = TAILQ_FIRST(&host->waiting)) != NULL) {
        destination->references++;
        stop_waiting(resolver->d, destination);
        if (status != ARES_EDESTRUCTION)
            resolver->resolved(resolver->d, destination);
        destination_release(resolver->d, &destination);
    }
    host_release(&host);
}

/* Look-ups ------------------------------------------------------------------ */

/* With a source address, only hosts of its family can be reached. */
static int family_of(const struct settings *settings)
{
    if (*settings->source_address == '\0')
        return AF_UNSPEC;
    return strchr(settings->source_address, ':') != NULL ? AF_INET6 : AF_INET;
}

static struct line *line_of(struct resolver *resolver, int32_t account_id)
{
    struct line *line;
    HASH_FIND(hh, resolver->by_account, &account_id, sizeof account_id, line);
    if (line != NULL)
        return line;
    line = memory_need(calloc(1, sizeof *line), "an account's names");
    line->account_id = account_id;
    TAILQ_INIT(&line->hosts);
    TAILQ_INSERT_TAIL(&resolver->lines, line, link);
    HASH_ADD(hh, resolver->by_account, account_id, sizeof line->account_id, line);
    return line;
}

/* Takes the first host of the line. The line is freed if it is empty, else it moves behind the others. */
static struct host *take_first(struct resolver *resolver, struct line *line)
{
    struct host *host = TAILQ_FIRST(&line->hosts);
    invariant(host != NULL && host->asked);
    TAILQ_REMOVE(&line->hosts, host, link);
    TAILQ_REMOVE(&resolver->lines, line, link);
    if (!TAILQ_EMPTY(&line->hosts)) {
        TAILQ_INSERT_TAIL(&resolver->lines, line, link);
    } else {
        HASH_DEL(resolver->by_account, line);
        free(line);
    }
    return host;
}

/* Returns the next line in turn whose account has a share left, and takes the look-up from that share. */
static struct line *next_line(struct resolver *resolver)
{
    struct line *line;
    if (budget_used(resolver->budget) == LOOKUPS_MAX)
        return NULL;
    TAILQ_FOREACH(line, &resolver->lines, link)
    if (budget_take(resolver->budget, (uint32_t)line->account_id, 1))
        return line;
    return NULL;
}

static void start_lookups(void *owner)
{
    struct resolver *resolver = owner;
    struct line *line;
    while ((line = next_line(resolver)) != NULL) {
        struct host *host = take_first(resolver, line);
        dns_ask(resolver->dns, host->key.name, family_of(resolver->d->settings), answered, host);
    }
}

static void ask(struct host *host, bool early)
{
    struct resolver *resolver = host->resolver;
    invariant(!host->asked);
    host->asked = true;
    host->early = early;
    host->references++;
    TAILQ_INSERT_TAIL(&line_of(resolver, host->key.account_id)->hosts, host, link);
    timer_set(resolver->d->loop, &resolver->start, loop_now(resolver->d->loop));
}

/* A proxy resolves the name itself. */
static bool needs_address(const struct dispatcher *d, const struct destination *destination)
{
    return destination->webhook->host != NULL && *d->settings->proxy == '\0';
}

static bool is_known(const struct host *host, struct mono now)
{
    bool meanwhile = host->asked && host->early && host->addresses != NULL && mono_before(now, host->stale_until);
    return mono_before(now, host->until) || meanwhile;
}

bool resolve_ready(struct dispatcher *d, struct destination *destination)
{
    struct mono now = loop_now(d->loop);
    if (!needs_address(d, destination))
        return true;
    struct host *host = host_of(d, destination);
    if (!is_known(host, now))
        return false;
    if (!host->asked && host->addresses != NULL && !mono_before(now, host->refresh_at))
        ask(host, true);
    return true;
}

void resolve_ask(struct dispatcher *d, struct destination *destination)
{
    struct host *host = host_of(d, destination);
    if (!destination->resolving) {
        destination->resolving = true;
        destination->references++;
        TAILQ_INSERT_TAIL(&host->waiting, destination, host_link);
    }
    if (!host->asked)
        ask(host, false);
}

const char *resolve_addresses(struct dispatcher *d, struct destination *destination, struct addresses **addresses)
{
    *addresses = NULL;
    if (!needs_address(d, destination))
        return NULL;
    struct host *host = host_of(d, destination);
    if (host->addresses == NULL)
        return host->why;
    *addresses = host->addresses;
    host->addresses->references++;
    return NULL;
}

/* The resolver -------------------------------------------------------------- */

struct resolver *resolver_new(struct dispatcher *d,
                              void (*resolved)(struct dispatcher *d, struct destination *destination),
                              struct error *error)
{
    struct resolver *resolver = calloc(1, sizeof *resolver);
    if (resolver == NULL || (resolver->budget = budget_new(LOOKUPS_MAX)) == NULL) {
        error_set(error, "no memory");
        free(resolver);
        return NULL;
    }
    resolver->d = d;
    resolver->resolved = resolved;
    resolver->start = (struct timer){.fire = start_lookups, .owner = resolver};
    TAILQ_INIT(&resolver->lines);
    resolver->dns = dns_new(d->loop, d->settings->name_servers, error);
    if (resolver->dns == NULL)
        resolver_free(&resolver);
    return resolver;
}

/* Removes the look-ups that have not started. */
static void drop_lines(struct resolver *resolver)
{
    struct line *line;
    struct destination *destination;
    while ((line = TAILQ_FIRST(&resolver->lines)) != NULL) {
        struct host *host = take_first(resolver, line);
        while ((destination = TAILQ_FIRST(&host->waiting)) != NULL)
            stop_waiting(resolver->d, destination);
        host->asked = false;
        host_release(&host);
    }
}

void resolver_free(struct resolver **resolver)
{
    struct resolver *old = *resolver;
    if (old == NULL)
        return;
    dns_free(&old->dns); /* ends the look-ups under way */
    drop_lines(old);
    timer_cancel(old->d->loop, &old->start);
    hosts_leave(&old->hosts);
    budget_free(&old->budget);
    free(old);
    *resolver = NULL;
}
