/* Shares: a thread-safe budget (lib/base/budget.h): connections of addresses, requests at once, bytes of bodies,
 * passwords that are being checked. */
#pragma once
#include "base/budget.h"
#include "base/clock.h"

struct shares;

struct shares *shares_new(int64_t total, struct error *error) MUST_USE;
void shares_free(struct shares **shares);

/* Returns false if the units exceed the holder's share. */
bool shares_take(struct shares *shares, uint64_t holder, int64_t units) MUST_USE;

/* Waits until the holder's share allows the units. Returns false at `until`. */
bool shares_wait(struct shares *shares, uint64_t holder, int64_t units, struct mono until) MUST_USE;

void shares_give(struct shares *shares, uint64_t holder, int64_t units);
