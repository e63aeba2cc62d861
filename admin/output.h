/* Output: prints results as a table or as JSON. */
#pragma once
#include <jansson.h>
#include <libpq-fe.h>
#include <stdio.h>

#include "base/error.h"

/* Returns the rows of a query as an array of objects, whose members are the columns in order. NULL if memory is short.
 */
json_t *output_rows(const PGresult *result);

/* Prints an array of objects as a table, and an object as lines of `name: value`; or either as JSON. */
void output_print(const json_t *value, bool as_json, FILE *out);
