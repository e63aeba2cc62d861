/* Health: /healthz, /readyz, /metrics. */
#pragma once
#include "request.h"

bool health_live(struct request *request);
bool health_ready(struct request *request); /* PostgreSQL responds, and the schema is migrated */
bool health_metrics(struct request *request);
