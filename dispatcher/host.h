/* Host: the addresses of one host name at one port, for the webhooks of one account, as resolve.c last learned them. */
#pragma once
#include <uthash.h>

#include "addresses.h"
#include "dispatcher.h"
#include "net/url.h"

struct host_key {
    int32_t account_id, port;
    char name[URL_HOST_MAX];
};

struct host {
    UT_hash_handle hh;
    struct host **table;         /* that it is in, by key; NULL: that is gone */
    struct resolver *resolver;   /* whose table that is */
    int references;              /* destinations that call it, and its look-up */
    struct addresses *addresses; /* NULL: there are none; why says it */
    char why[120];
    struct mono refresh_at, until, stale_until;
    bool asked; /* its look-up waits or is under way */
    bool early; /* that began before `until` */
    struct destination_list waiting;
    TAILQ_ENTRY(host) link; /* in its account's line, until its look-up starts */
    struct host_key key;
};
TAILQ_HEAD(host_list, host);

/* From the table, or new in it; one reference, the caller's. */
struct host *host_hold(struct host **table, int32_t account_id, int port, const char *name);
void host_release(struct host **host);
/* The table ends: its hosts live on without it while somebody refers to them. */
void hosts_leave(struct host **table);
