/* Results as people and programs read them: a table, or JSON. */
#pragma once
#include <jansson.h>
#include <libpq-fe.h>
#include <stdio.h>

#include "base/error.h"

/* The rows of a query as an array of objects, whose members are the columns in their order. NULL without memory. */
json_t *output_rows(const PGresult *result);

/* As a table (an array of objects), as lines of `name: value` (an object), or as JSON. */
void output_print(const json_t *value, bool as_json, FILE *out);
