#include "yardstick_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADERS = 6, HEADER_MAX = 128, URL_MAX = 96, ID_MAX = 48 };

/* One easy handle and the parts of its request. The nodes of the header list are here: nothing is allocated for a
 * request. */
struct slot {
    CURL *easy;
    struct slot *next_free;
    struct curl_slist headers[HEADERS];
    char id[HEADER_MAX];
};

struct pool {
    CURLM *multi;
    struct target target;
    char (*urls)[URL_MAX];
    char *body;
    struct slot *slots;
    size_t count;
    struct slot *free;
    long started;
    long failed;
    long connects;
};

static size_t drop_body(char *data, size_t size, size_t count, void *user)
{
    (void)data;
    (void)user;
    return size * count;
}

static bool slot_init(struct pool *pool, struct slot *slot)
{
    static char lines[HEADERS][HEADER_MAX] = {
        "Content-Type: application/json",
        ("User-Agent: posthorn/" POSTHORN_VERSION),
        "webhook-timestamp: 1767225600",
        "webhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
        "Accept:", /* removes libcurl's own Accept header */
    };
    for (size_t i = 0; i < HEADERS; i++) {
        slot->headers[i].data = i + 1 < HEADERS ? lines[i] : slot->id;
        slot->headers[i].next = i + 1 < HEADERS ? &slot->headers[i + 1] : NULL;
    }
    slot->easy = curl_easy_init();
    if (slot->easy == NULL)
        return false;
    curl_easy_setopt(slot->easy, CURLOPT_PRIVATE, slot);
    curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, slot->headers);
    curl_easy_setopt(slot->easy, CURLOPT_WRITEFUNCTION, drop_body);
    curl_easy_setopt(slot->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(slot->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(slot->easy, CURLOPT_TIMEOUT_MS, 10000L);
    curl_easy_setopt(slot->easy, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
    curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE, pool->target.body_bytes);
    curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, pool->body);
    slot->next_free = pool->free;
    pool->free = slot;
    return true;
}

/* Writes a JSON text of exactly the wanted size. */
static char *make_body(long bytes)
{
    static const char head[] =
        "{\"event_id\":\"evt_1\",\"event_identifier\":\"transaction.authorized\",\"data\":{\"note\":\"";
    char *body = malloc((size_t)bytes + 1);
    if (body == NULL)
        return NULL;
    memset(body, 'x', (size_t)bytes);
    memcpy(body, head, sizeof head - 1);
    memcpy(body + bytes - 3, "\"}}", 4);
    return body;
}

static void start_hanging(struct pool *pool)
{
    char url[URL_MAX];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/hang/", pool->target.port);
    for (long i = 0; i < pool->target.hanging && pool->free != NULL; i++) {
        struct slot *slot = pool->free;
        pool->free = slot->next_free;
        snprintf(slot->id, sizeof slot->id, "webhook-id: hang_%s_%ld", pool->target.run, i);
        curl_easy_setopt(slot->easy, CURLOPT_URL, url);
        curl_easy_setopt(slot->easy, CURLOPT_TIMEOUT_MS, 0L);
        curl_multi_add_handle(pool->multi, slot->easy);
    }
}

struct pool *pool_new(CURLM *multi, struct loop *loop, const struct target *target, size_t concurrency)
{
    struct pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return NULL;
    pool->multi = multi;
    pool->target = *target;
    pool->count = concurrency + (size_t)target->hanging;
    pool->body = make_body(target->body_bytes);
    pool->urls = calloc((size_t)target->webhooks, sizeof *pool->urls);
    pool->slots = calloc(pool->count, sizeof *pool->slots);
    if (pool->body == NULL || pool->urls == NULL || pool->slots == NULL)
        goto failed;
    for (long i = 0; i < target->webhooks; i++)
        snprintf(pool->urls[i], URL_MAX, "http://127.0.0.%ld:%d/ok/%ld", 1 + i % target->hosts, target->port, i);
    for (size_t i = 0; i < pool->count; i++) {
        if (!slot_init(pool, &pool->slots[i]))
            goto failed;
        loop_prepare(loop, pool->slots[i].easy);
    }
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)(2 * pool->count + 64));
    start_hanging(pool);
    return pool;
failed:
    pool_free(&pool);
    return NULL;
}

void pool_free(struct pool **pool)
{
    struct pool *p = *pool;
    if (p == NULL)
        return;
    for (size_t i = 0; p->slots != NULL && i < p->count; i++) {
        if (p->slots[i].easy == NULL)
            continue;
        curl_multi_remove_handle(p->multi, p->slots[i].easy);
        curl_easy_cleanup(p->slots[i].easy);
    }
    free(p->slots);
    free(p->urls);
    free(p->body);
    free(p);
    *pool = NULL;
}

void pool_start(struct pool *pool, long requests)
{
    while (pool->free != NULL && pool->started < requests) {
        struct slot *slot = pool->free;
        pool->free = slot->next_free;
        long number = pool->started++;
        snprintf(slot->id, sizeof slot->id, "webhook-id: evt_%s_%016ld", pool->target.run,
                 number / pool->target.fan_out);
        curl_easy_setopt(slot->easy, CURLOPT_URL, pool->urls[number % pool->target.webhooks]);
        curl_multi_add_handle(pool->multi, slot->easy);
    }
}

long pool_finish(struct pool *pool)
{
    long finished = 0;
    int left = 0;
    for (CURLMsg *message; (message = curl_multi_info_read(pool->multi, &left)) != NULL;) {
        struct slot *slot = NULL;
        long status = 0;
        long connects = 0;
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &slot);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
        pool->failed += result != CURLE_OK || status != 200;
        pool->connects += connects;
        curl_multi_remove_handle(pool->multi, easy);
        slot->next_free = pool->free;
        pool->free = slot;
        finished++;
    }
    return finished;
}

long pool_failed(const struct pool *pool)
{
    return pool->failed;
}

long pool_connects(const struct pool *pool)
{
    return pool->connects;
}
