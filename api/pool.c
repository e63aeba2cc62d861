#include "pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

#include "base/budget.h"

struct waiter { /* on the stack of the waiting thread */
    uint64_t holder;
    struct slot *slot; /* set when it was given one */
    pthread_cond_t given;
    TAILQ_ENTRY(waiter) link;
};

struct pool {
    const char *url;
    struct span wait;
    struct slot *slots, *free;
    size_t size;
    struct budget *budget;
    TAILQ_HEAD(, waiter) waiters; /* in order of arrival */
    pthread_mutex_t lock;
};

struct pool *pool_new(const char *url, const char *master_key, size_t size, struct span wait, struct error *error)
{
    struct pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL || (pool->slots = calloc(size + 1, sizeof *pool->slots)) == NULL ||
        (pool->budget = budget_new((int64_t)size)) == NULL) {
        if (pool != NULL)
            free(pool->slots);
        free(pool);
        error_set(error, "no memory");
        return NULL;
    }
    pool->url = url;
    pool->wait = wait;
    pool->size = size + 1; /* one for probes */
    TAILQ_INIT(&pool->waiters);
    pthread_mutex_init(&pool->lock, NULL);
    for (size_t i = 0; i < pool->size; i++) {
        pool->slots[i].next = pool->free;
        pool->free = &pool->slots[i];
        if ((pool->slots[i].master = secret_key_parse(master_key, error)) == NULL) {
            pool_free(&pool);
            return NULL;
        }
    }
    return pool;
}

void pool_free(struct pool **pool)
{
    struct pool *old = *pool;
    if (old == NULL)
        return;
    for (size_t i = 0; i < old->size; i++) {
        PQfinish(old->slots[i].db);
        secret_key_free(&old->slots[i].master);
    }
    pthread_mutex_destroy(&old->lock);
    budget_free(&old->budget);
    free(old->slots);
    free(old);
    *pool = NULL;
}

static struct slot *grab(struct pool *pool, uint64_t holder)
{
    struct slot *slot = pool->free;
    if (slot == NULL || (holder != POOL_PROBE && !budget_take(pool->budget, holder, 1)))
        return NULL;
    pool->free = slot->next;
    slot->holder = holder;
    return slot;
}

static void release(struct pool *pool, struct slot *slot)
{
    if (slot->holder != POOL_PROBE)
        budget_give(pool->budget, slot->holder, 1);
    slot->next = pool->free;
    pool->free = slot;
}

/* After a slot was given back: gives free slots to the waiters that may have one. */
static void serve(struct pool *pool)
{
    struct waiter *next;
    for (struct waiter *waiter = TAILQ_FIRST(&pool->waiters); waiter != NULL && pool->free != NULL; waiter = next) {
        next = TAILQ_NEXT(waiter, link);
        if ((waiter->slot = grab(pool, waiter->holder)) == NULL)
            continue;
        TAILQ_REMOVE(&pool->waiters, waiter, link);
        pthread_cond_signal(&waiter->given);
    }
}

static void init_monotonic(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* Called with the lock held. Waiters that may have a slot were served before, so the first grab() does not overtake
 * them. */
static struct slot *wait_for_slot(struct pool *pool, uint64_t holder)
{
    struct mono until = mono_add(mono_now(), pool->wait);
    struct timespec end = {.tv_sec = until.ns / 1000000000, .tv_nsec = until.ns % 1000000000};
    struct waiter waiter = {.holder = holder, .slot = grab(pool, holder)};
    int code = 0;
    if (waiter.slot != NULL)
        return waiter.slot;
    init_monotonic(&waiter.given);
    TAILQ_INSERT_TAIL(&pool->waiters, &waiter, link);
    while (waiter.slot == NULL && code == 0)
        code = pthread_cond_timedwait(&waiter.given, &pool->lock, &end);
    if (waiter.slot == NULL)
        TAILQ_REMOVE(&pool->waiters, &waiter, link);
    pthread_cond_destroy(&waiter.given);
    return waiter.slot;
}

bool pool_renew(struct pool *pool, struct slot *slot, struct error *error)
{
    PQfinish(slot->db);
    slot->db = store_connect(pool->url, "posthorn-api", error);
    return slot->db != NULL;
}

static struct slot *connected(struct pool *pool, struct slot *slot, struct error *error)
{
    if (slot == NULL)
        error_set(error, "all connections to PostgreSQL within the caller's share are busy");
    else if (slot->db == NULL && !pool_renew(pool, slot, error))
        pool_give(pool, &slot);
    return slot;
}

struct slot *pool_take(struct pool *pool, uint64_t holder, struct error *error)
{
    pthread_mutex_lock(&pool->lock);
    struct slot *slot = wait_for_slot(pool, holder);
    pthread_mutex_unlock(&pool->lock);
    return connected(pool, slot, error);
}

bool pool_move(struct pool *pool, struct slot **slot, uint64_t holder, struct error *error)
{
    pthread_mutex_lock(&pool->lock);
    release(pool, *slot); /* it becomes the first free slot, and is taken again if the holder's share allows */
    *slot = grab(pool, holder);
    serve(pool);
    if (*slot == NULL)
        *slot = wait_for_slot(pool, holder);
    pthread_mutex_unlock(&pool->lock);
    *slot = connected(pool, *slot, error);
    return *slot != NULL;
}

void pool_give(struct pool *pool, struct slot **slot)
{
    struct slot *back = *slot;
    *slot = NULL;
    if (back == NULL)
        return;
    if (back->db != NULL && PQstatus(back->db) == CONNECTION_OK && PQtransactionStatus(back->db) != PQTRANS_IDLE)
        store_rollback(back->db);
    if (back->db != NULL && (PQstatus(back->db) != CONNECTION_OK || PQtransactionStatus(back->db) != PQTRANS_IDLE)) {
        PQfinish(back->db);
        back->db = NULL;
    }
    pthread_mutex_lock(&pool->lock);
    release(pool, back);
    serve(pool);
    pthread_mutex_unlock(&pool->lock);
}
