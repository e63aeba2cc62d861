/* Attributes of a CloudEvent that Posthorn passes on and does not read: subject, dataschema, extension attributes, the
 * trace state, and a datacontenttype that is not application/json.
 *
 * envelope.c collects them, the format cloudevents shows them, and PostgreSQL keeps them beside the payload, as one
 * JSON object. What CloudEvents does not allow is left out: a name with other characters than a-z and 0-9, a text with
 * control characters, a number that is not a 32-bit integer, an array, an object. */
#pragma once
#include "event/json.h"

#define EXTENSION_NAME_MAX 255          /* characters */
#define EXTENSIONS_MAX 64               /* attributes of one event */
#define EXTENSIONS_SIZE_MAX (64 * 1024) /* bytes of their JSON object */

struct extension {
    struct text name, value;
    bool literal; /* the value is JSON: true, false or an integer; else a text */
};

struct extensions {
    size_t count;
    bool full; /* there were more than EXTENSIONS_MAX */
    struct extension list[EXTENSIONS_MAX];
};

/* Without touching the list: 2.5 KB would cost more than reading a small record. */
static inline void extensions_init(struct extensions *extensions)
{
    extensions->count = 0;
    extensions->full = false;
}

/* An attribute whose name and text the caller has checked. Of several with one name the last counts. Nothing is copied.
 */
void extensions_set(struct extensions *extensions, struct text name, struct text value);

/* An extension attribute as a text, such as a header's: left out when CloudEvents does not allow it, or when the name
 * belongs to an attribute that has a place of its own. */
void extensions_add(struct extensions *extensions, struct text name, struct text value);

/* The same of a member of a JSON object; `name` with its quotes. Unescaped texts point into the arena. */
void extensions_add_json(struct extensions *extensions, struct text name, const struct json_value *value,
                         struct arena *arena);

/* All of them as one JSON object, in the arena; size 0 when there are none. False when they are too many or too large.
 */
bool extensions_write(const struct extensions *extensions, struct arena *arena, struct text *object) MUST_USE;

/* What the event itself must know of such an object: its trace state (size 0: none; points into the object or the
 * arena) and whether it has a datacontenttype. False when it is no such object. */
bool extensions_read(struct text object, struct arena *arena, struct text *tracestate, bool *own_content_type) MUST_USE;
