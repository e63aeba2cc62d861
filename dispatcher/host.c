#include "host.h"

#include <stdlib.h>

#include "base/memory.h"

static struct host *host_new(struct host **table, const struct host_key *key, unsigned size)
{
    struct host *host = memory_need(calloc(1, sizeof *host), "a host");
    host->table = table;
    host->key = *key;
    TAILQ_INIT(&host->waiting);
    HASH_ADD(hh, *table, key, size, host);
    return host;
}

struct host *host_hold(struct host **table, int32_t account_id, int port, const char *name)
{
    struct host_key key = {account_id, port, ""};
    struct host *host;
    unsigned size =
        (unsigned)(offsetof(struct host_key, name) + (size_t)snprintf(key.name, sizeof key.name, "%s", name));
    HASH_FIND(hh, *table, &key, size, host);
    if (host == NULL)
        host = host_new(table, &key, size);
    invariant(host->table == table);
    host->references++;
    return host;
}

void host_release(struct host **host)
{
    struct host *old = *host;
    *host = NULL;
    if (old == NULL)
        return;
    invariant(old->references > 0);
    if (--old->references > 0)
        return;
    invariant(TAILQ_EMPTY(&old->waiting) && !old->asked);
    if (old->table != NULL)
        HASH_DEL(*old->table, old);
    addresses_release(&old->addresses);
    free(old);
}

void hosts_leave(struct host **table)
{
    struct host *host, *next;
    HASH_ITER(hh, *table, host, next)
    {
        HASH_DEL(*table, host);
        host->table = NULL;
    }
}
