/* Host: the addresses of one host name at one port, for the webhooks of one account; resolve.c looks them up. */
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
    struct host **table;         /* the table that contains it, by key; NULL: the table was freed */
    struct resolver *resolver;   /* owner of the table */
    int references;              /* by destinations and by its look-up */
    struct addresses *addresses; /* NULL: none; `why` has the reason */
    char why[120];
    struct mono refresh_at, until, stale_until;
    bool asked; /* its look-up waits or is under way */
    bool early; /* that look-up began before `until` */
    struct destination_list waiting;
    TAILQ_ENTRY(host) link; /* in its account's line, until its look-up starts */
    struct host_key key;
};
TAILQ_HEAD(host_list, host);

/* Finds the host in the table, or adds it. The caller owns the one reference. */
struct host *host_hold(struct host **table, int32_t account_id, int port, const char *name);
void host_release(struct host **host);
/* Removes all hosts from the table. A host with references stays valid without the table. */
void hosts_leave(struct host **table);
