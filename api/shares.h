/* Shares: a thread-safe budget (lib/base/budget.h): connections of addresses, requests at once, bytes of bodies. */
#pragma once
#include "base/budget.h"

struct shares;

struct shares *shares_new(int64_t total, struct error *error) MUST_USE;
void shares_free(struct shares **shares);

/* Returns false if the units exceed the holder's share. */
bool shares_take(struct shares *shares, uint64_t holder, int64_t units) MUST_USE;
void shares_give(struct shares *shares, uint64_t holder, int64_t units);
