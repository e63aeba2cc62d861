/* Media types, as content-type and datacontenttype name them. */
#pragma once
#include "base/text.h"

/* Without its parameters: "application/json; charset=utf-8" -> "application/json". */
struct text media_type(struct text content_type);

/* Parameters and case do not count. */
bool media_is(struct text content_type, struct text type);

/* application/cloudevents with any suffix. */
bool media_is_cloudevents(struct text content_type);

/* application/json, text/json, and what ends in +json. */
bool media_is_json(struct text content_type);
