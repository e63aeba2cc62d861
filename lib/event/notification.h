/* The body of a notification in each of the six formats (docs/notifications.md shows each). The event's data is
 * spliced in as published, byte for byte. */
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

/* "penny", …; NULL beyond the end. And back: FORMAT_COUNT when unknown. */
const char *format_name(enum format format);
enum format format_of(struct text name);

/* "application/json"; for cloudevents "application/cloudevents+json" (CloudEvents HTTP binding 1.0.2, section 3.2). */
const char *format_content_type(enum format format);

/* Whether all webhooks with this format get the same bytes, so that one body serves an event's whole fan-out. */
bool format_is_shared(enum format format);

/* Append the body. `hash` is ids_hash() of the event; `webhook` its UUID (used by payconex only). Look at out->failed.
 */
void notification_write(enum format format, const struct event *event, const unsigned char hash[static 32],
                        const unsigned char webhook[static UUID_SIZE], struct buffer *out);
