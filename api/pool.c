#include "pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct pool {
    const char *url;
    struct span wait;
    struct slot *slots, *free;
    size_t size;
    pthread_mutex_t lock;
    pthread_cond_t came_free;
};

struct pool *pool_new(const char *url, const char *master_key, size_t size, struct span wait, struct error *error)
{
    pthread_condattr_t monotonic;
    struct pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL || (pool->slots = calloc(size, sizeof *pool->slots)) == NULL) {
        free(pool);
        error_set(error, "no memory");
        return NULL;
    }
    pool->url = url;
    pool->wait = wait;
    pool->size = size;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->came_free, &monotonic);
    pthread_condattr_destroy(&monotonic);
    for (size_t i = 0; i < size; i++) {
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
    pthread_cond_destroy(&old->came_free);
    pthread_mutex_destroy(&old->lock);
    free(old->slots);
    free(old);
    *pool = NULL;
}

static struct slot *wait_for_slot(struct pool *pool)
{
    struct mono until = mono_add(mono_now(), pool->wait);
    struct timespec end = {.tv_sec = until.ns / 1000000000, .tv_nsec = until.ns % 1000000000};
    int code = 0;
    pthread_mutex_lock(&pool->lock);
    while (pool->free == NULL && code == 0)
        code = pthread_cond_timedwait(&pool->came_free, &pool->lock, &end);
    struct slot *slot = pool->free;
    if (slot != NULL)
        pool->free = slot->next;
    pthread_mutex_unlock(&pool->lock);
    return slot;
}

bool pool_renew(struct pool *pool, struct slot *slot, struct error *error)
{
    PQfinish(slot->db);
    slot->db = store_connect(pool->url, "posthorn-api", error);
    return slot->db != NULL;
}

struct slot *pool_take(struct pool *pool, struct error *error)
{
    struct slot *slot = wait_for_slot(pool);
    if (slot == NULL) {
        error_set(error, "all connections to PostgreSQL are busy");
        return NULL;
    }
    if (slot->db == NULL && !pool_renew(pool, slot, error))
        pool_give(pool, &slot);
    return slot;
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
    back->next = pool->free;
    pool->free = back;
    pthread_cond_signal(&pool->came_free);
    pthread_mutex_unlock(&pool->lock);
}
