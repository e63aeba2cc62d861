/* Activity: the deliveries and attempts of a webhook. The queries are in schema/code/console.sql; they are cheap
 * enough to be repeated every two seconds. */
#pragma once
#include "request.h"

bool activity_deliveries(struct request *request); /* GET …/deliveries: a page, newest first */
bool activity_delivery(struct request *request);   /* GET …/deliveries/{event_id}: with attempts and the request */
bool activity_attempts(struct request *request);   /* GET …/attempts: a page, newest first */
bool activity_statistics(struct request *request); /* GET …/statistics: successes, failures and durations over time */
