/* Extension: attributes of a CloudEvent that Posthorn passes on without using them: subject, dataschema, extension
 * attributes, the trace state, and a datacontenttype that is not application/json.
 *
 * envelope.c collects them, the format cloudevents shows them, and PostgreSQL stores them beside the payload, as one
 * JSON object. Those that CloudEvents does not allow are left out: names with other characters than a-z and 0-9, texts
 * with control characters, numbers that are not 32-bit integers, arrays, objects. */
#pragma once
#include "event/json.h"

#define EXTENSION_NAME_MAX 255          /* characters */
#define EXTENSIONS_MAX 64               /* attributes of one event */
#define EXTENSIONS_SIZE_MAX (64 * 1024) /* bytes of their JSON object */

struct extension {
    struct text name, value;
    bool literal; /* the value is JSON: true, false or an integer; otherwise a text */
};

struct extensions {
    size_t count;
    bool full; /* there were more than EXTENSIONS_MAX */
    struct extension list[EXTENSIONS_MAX];
};

/* Does not touch the list: writing 2.5 KB would cost more than reading a small record. */
static inline void extensions_init(struct extensions *extensions)
{
    extensions->count = 0;
    extensions->full = false;
}

/* Sets an attribute whose name and text the caller has checked. Of several with the same name, the last counts. Nothing
 * is copied. */
void extensions_set(struct extensions *extensions, struct text name, struct text value);

/* Adds an extension attribute with a text value, for example a header. Ignores it if CloudEvents does not allow it, or
 * if it is the name of an attribute that is handled separately. */
void extensions_add(struct extensions *extensions, struct text name, struct text value);

/* As extensions_add(), for a member of a JSON object; `name` includes its quotes. Unescaped texts point into the arena.
 */
void extensions_add_json(struct extensions *extensions, struct text name, const struct json_value *value,
                         struct arena *arena);

/* Writes all of them as one JSON object into the arena; size 0 if there are none. Returns false if they are too many or
 * too large. */
bool extensions_write(const struct extensions *extensions, struct arena *arena, struct text *object) MUST_USE;

/* Reads from such an object what the event itself needs: the trace state (size 0: none; points into the object or the
 * arena) and whether there is a datacontenttype. Returns false if the object is invalid. */
bool extensions_read(struct text object, struct arena *arena, struct text *tracestate, bool *own_content_type) MUST_USE;
