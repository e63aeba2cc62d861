/* Deliveries that a caller asks for: tests, redeliveries and replays. */
#pragma once
#include "request.h"

bool deliveries_test(struct request *request);      /* POST …/test: sends a test event to this webhook only */
bool deliveries_redeliver(struct request *request); /* POST …/redeliver: sends one event again */
bool deliveries_replay(struct request *request);    /* POST …/replay: sends the events of a time range again */
