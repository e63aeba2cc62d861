/* Trace: W3C trace context (https://www.w3.org/TR/trace-context/): which values are passed on. A malformed value is
 * left out, as the recommendation requires; the event is not refused. */
#pragma once
#include "base/text.h"

#define TRACE_STATE_MAX 512 /* bytes */

/* True for "00-<32 hex>-<16 hex>-<2 hex>", any version but ff, ids not zero. */
bool trace_is_parent(struct text text);

/* True for "key=value,key=value": printable ASCII of at most TRACE_STATE_MAX bytes; each member that is not blank has a
 * key. */
bool trace_is_state(struct text text);
