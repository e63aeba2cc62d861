/* /healthz, /readyz, /metrics */
#pragma once
#include "request.h"

bool health_live(struct request *request);
bool health_ready(struct request *request); /* PostgreSQL answers, and is migrated */
bool health_metrics(struct request *request);
