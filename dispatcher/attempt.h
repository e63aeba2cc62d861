/* Attempt: a request has ended. What it came to is classified (outcome.h), written down (flush_gather.h), and learned
 * from (window.h, health.h). The first three are for send.h. */
#pragma once
#include "delivery.h"

/* libcurl is through with it. Ends the delivery. */
void attempt_finished(struct dispatcher *d, struct delivery *delivery, CURLcode code);

/* libcurl repeats a request that broke before any answer: the first of them becomes a row of its own, with the
 * number of the attempt that both belong to: the schedule goes on as if there was one. */
void attempt_repeated(struct dispatcher *d, struct delivery *delivery);

/* It could not be made at all: counts as an attempt that failed, with this error. */
void attempt_not_made(struct dispatcher *d, struct delivery *delivery, const char *why);

/* It will never be made (its payload was dropped): gave up. The delivery was not started. */
void attempt_impossible(struct dispatcher *d, struct delivery *delivery, const char *why);
