/* The resources events and event types. */
#pragma once
#include "request.h"

bool events_publish(struct request *request); /* responds after the broker's acknowledgement */
bool events_get(struct request *request);     /* by any form of its id; with its deliveries and attempts */
bool events_types(struct request *request);

bool events_trigger(struct request *request); /* payconex: publishes a batch settlement */
