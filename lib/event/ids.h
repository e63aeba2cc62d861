/* Ids: the names of events and webhooks in the four dialects. All are derived, so that each form can be looked up.
 *
 *   event key   first 16 bytes of SHA-256(account || 0 || id): event rows are unique by it
 *   64 hex      SHA-256(account || 0 || id) whole                              (merchant)
 *   evt_…       22 characters of base62 of the event key                       (devengo)
 *   not_…       32 hex of event key XOR first 16 bytes of SHA-256(webhook's UUID): differs by webhook (payconex)
 *   wbh_… whk_… 32 hex, or 22 base62 characters, of the webhook's UUID         (payconex, devengo)
 *
 * A producer's id that already has the form is used unchanged. */
#pragma once
#include <stdint.h>

#include "base/arena.h"

#define EVENT_KEY_SIZE 16
#define UUID_SIZE 16
#define BASE62_SIZE 22 /* characters for 16 bytes, left-padded with '0' */

/* Computes the whole hash; its first 16 bytes are the event key. */
void ids_hash(struct text account, struct text id, unsigned char hash[static 32]);

/* Returns the id of a record without one: "<topic>-<partition>-<offset>", which never changes. If that is longer than
 * 255 characters, the topic's name is truncated and its hash appended. Size 0 if the arena is full. */
struct text ids_of_coordinates(struct text topic, int32_t partition, int64_t offset, struct arena *arena);

/* Base62 (0-9 A-Z a-z, most significant first) of a 128-bit big-endian number, with a terminating NUL. */
void ids_to_base62(const unsigned char bytes[static 16], char out[static BASE62_SIZE + 1]);
bool ids_from_base62(struct text text, unsigned char bytes[static 16]);

/* Return the event's id in the format's form; the result points to `id` or into `out`. `hash` is ids_hash() of the
 * event. */
struct text ids_merchant(struct text id, const unsigned char hash[static 32], char out[static 65]);
struct text ids_devengo(struct text id, const unsigned char hash[static 32], char out[static 27]);
struct text ids_payconex(struct text id, const unsigned char hash[static 32],
                         const unsigned char webhook[static UUID_SIZE], char out[static 37]);

/* Computes the event key from a not_… id of this webhook. Returns false if the id does not have this form. */
bool ids_payconex_key(struct text notification, const unsigned char webhook[static UUID_SIZE],
                      unsigned char key[static EVENT_KEY_SIZE]);
