/* Budget: divides one shared resource among the accounts (or addresses) that use it: requests in flight, look-ups,
 * connections, bytes of memory.
 *
 * A holder may take units while it holds no more than is free: held + units <= total - used. A single holder gets half
 * of the total; n holders that want everything get total / (n + 1) each, and the same amount stays free for the next
 * one. Units that are given back are free for all holders. This is the dynamic threshold of A. Choudhury and E. Hahne,
 * "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches", IEEE/ACM Transactions on Networking, 1998, with
 * alpha = 1.
 *
 * A holder is a number that the caller chooses: an account's id, or a hash of an address. Memory grows with the number
 * of holders that hold something, which is at most the total. Not thread-safe: the caller locks. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct budget;

/* `total` is in units, at least 1. Returns NULL if memory is short. */
struct budget *budget_new(int64_t total) MUST_USE;
void budget_free(struct budget **budget);

/* True if budget_take() would succeed now, provided there is memory. `units` is at least 1. */
bool budget_may_take(const struct budget *budget, uint64_t holder, int64_t units) MUST_USE;

/* Takes the units. Returns false, and takes nothing, if they exceed the holder's share or memory is short. */
bool budget_take(struct budget *budget, uint64_t holder, int64_t units) MUST_USE;

/* Takes the units even beyond the share and the total, for something that exists already and must be counted. Returns
 * false only if memory is short. */
bool budget_overdraw(struct budget *budget, uint64_t holder, int64_t units) MUST_USE;

/* Gives back units that the holder took. */
void budget_give(struct budget *budget, uint64_t holder, int64_t units);

int64_t budget_held(const struct budget *budget, uint64_t holder);
int64_t budget_used(const struct budget *budget);
