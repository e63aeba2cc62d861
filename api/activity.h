/* What became of a webhook's deliveries, for who looks at it while it happens: schema/code/console.sql has the
 * questions, which stay cheap when they are asked every other second. */
#pragma once
#include "request.h"

bool activity_deliveries(struct request *request); /* GET …/deliveries: a page, newest first */
bool activity_delivery(struct request *request); /* GET …/deliveries/{event_id}: with its attempts and its request */
bool activity_statistics(struct request *request); /* GET …/statistics: successes, failures, length over time */
