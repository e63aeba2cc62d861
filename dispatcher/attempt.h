/* Attempt: handles the end of a request. It classifies the outcome (outcome.h), records it (flush_gather.h), and
 * updates window and health (window.h, health.h). send.h calls the first three functions. */
#pragma once
#include "delivery.h"

/* The request has completed. Ends the delivery. */
void attempt_finished(struct dispatcher *d, struct delivery *delivery, CURLcode code);

/* libcurl repeats a request whose connection broke before any answer. The first request becomes a row of its own, with
 * the same attempt number as the second: in the schedule, both count as one attempt. */
void attempt_repeated(struct dispatcher *d, struct delivery *delivery);

/* The request could not be made. Counts as a failed attempt with the error `why`. */
void attempt_not_made(struct dispatcher *d, struct delivery *delivery, const char *why);

/* The request can never be made (its payload was dropped): the delivery fails. It was not started. */
void attempt_impossible(struct dispatcher *d, struct delivery *delivery, const char *why);
