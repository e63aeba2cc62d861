/* What a webhook's owner can see and ask for of its deliveries. */
#pragma once
#include "request.h"

bool deliveries_attempts(struct request *request);  /* the webhook's attempts, newest first */
bool deliveries_test(struct request *request);      /* a test event to this webhook alone */
bool deliveries_redeliver(struct request *request); /* one event once more */
bool deliveries_replay(struct request *request);    /* a range of time once more */
