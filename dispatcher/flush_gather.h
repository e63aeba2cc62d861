/* The half of flush.h in which rows are gathered, and what it needs of flush.c. */
#pragma once
#include "flush.h"
#include "flush_rows.h"

/* The rows of the flush that is gathered now: it will be sent. */
struct flush_rows *flush_gathering(struct dispatcher *d);

/* One attempt more of the account is not durable. */
void flush_take_share(struct dispatcher *d, int32_t account_id);
