/* Notification: the body of a request in each of the six formats (docs/notifications.md shows each). The event's data
 * is inserted byte for byte as published. */
#pragma once
#include "base/buffer.h"
#include "event/envelope.h"
#include "event/ids.h"

enum format {
    FORMAT_PENNY,
    FORMAT_MERCHANT,
    FORMAT_PAYCONEX,
    FORMAT_DEVENGO,
    FORMAT_CLOUDEVENTS,
    FORMAT_STANDARD,
    FORMAT_COUNT
};

/* Return "penny" etc., or NULL beyond the end; and the format of a name, or FORMAT_COUNT if unknown. */
const char *format_name(enum format format);
enum format format_of(struct text name);

/* "application/json"; for cloudevents "application/cloudevents+json" (CloudEvents HTTP binding 1.0.2, section 3.2). */
const char *format_content_type(enum format format);

/* True if all webhooks with this format get the same bytes, so that one body serves the whole fan-out. */
bool format_is_shared(enum format format);

/* Appends the body. `hash` is ids_hash() of the event; `webhook` is the webhook's UUID (used by payconex only). The
 * caller checks out->failed. */
void notification_write(enum format format, const struct event *event, const unsigned char hash[static 32],
                        const unsigned char webhook[static UUID_SIZE], struct buffer *out);
