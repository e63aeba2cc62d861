/* Media types, as in content-type and datacontenttype. */
#pragma once
#include "base/text.h"

/* Removes parameters: "application/json; charset=utf-8" -> "application/json". */
struct text media_type(struct text content_type);

/* Compares without parameters and case. */
bool media_is(struct text content_type, struct text type);

/* True for application/cloudevents with any suffix. */
bool media_is_cloudevents(struct text content_type);

/* True for application/json, text/json, and types that end in +json. */
bool media_is_json(struct text content_type);
