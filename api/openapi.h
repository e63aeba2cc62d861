/* OpenAPI: openapi.yaml, read at the start and converted to JSON: whole, and reduced to each dialect. */
#pragma once
#include "request.h"

struct openapi *openapi_new(struct error *error) MUST_USE;
void openapi_free(struct openapi **openapi);

/* GET /openapi.json?dialect=…, /openapi.yaml, /docs */
bool openapi_get_json(struct request *request);
bool openapi_get_yaml(struct request *request);
bool openapi_get_page(struct request *request);
