/* JSON: a strict scanner that checks a JSON text, finds members in it, and leaves its bytes unchanged.
 *
 * Payloads pass through Posthorn as they were published: a number such as 5.00 or 12345678901234567890 must not change,
 * which a parser that builds a tree cannot guarantee. The scanner checks a text (RFC 8259, UTF-8 by RFC 3629) and finds
 * the members of its top-level object as ranges of the same bytes. It neither allocates memory nor recurses. */
#pragma once
#include "base/arena.h"
#include "base/buffer.h"
#include "base/text.h"

#define JSON_MAX_DEPTH 128
#define JSON_ESCAPE_MAX 6 /* characters for one byte of UTF-8 in a string, at most: \u0041 */

/* The names do not collide with those of jansson, which some programs also use. */
enum json_kind {
    JSON_KIND_NULL,
    JSON_KIND_BOOLEAN,
    JSON_KIND_NUMBER,
    JSON_KIND_STRING,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT
};

/* A value in the text; a string includes its quotes. */
struct json_value {
    enum json_kind kind;
    struct text raw;
};

/* Checks one JSON text, which may have white space around it. On failure the error says what is wrong and at which
 * byte. */
bool json_check(struct text json, struct json_value *value, struct error *error) MUST_USE;

/* A member to look for. `value.raw.data` stays NULL if it is absent. */
struct json_member {
    struct text name;
    struct json_value value;
};

/* Checks that `json` is one object and fills in the wanted members. A wanted member that occurs twice is an error,
 * because it is not known which one is meant; other members are checked and skipped. Names are compared after
 * unescaping. */
bool json_members(struct text json, struct json_member *wanted, size_t count, struct error *error) MUST_USE;

/* As json_members(); passes each member that is not wanted to `other`, its name with the quotes. */
typedef void json_other(void *owner, struct text name, const struct json_value *value);
bool json_all_members(struct text json, struct json_member *wanted, size_t count, json_other *other, void *owner,
                      struct error *error) MUST_USE;

/* Returns the characters of a JSON string (given with its quotes, already checked). Points into `raw` if nothing is
 * escaped, else into the arena. Returns false if a lone surrogate is escaped (it has no UTF-8 form) or the arena is
 * full. \u0000 gives a NUL byte. */
bool json_unescape(struct text raw, struct arena *arena, struct text *out) MUST_USE;

/* Appends `text` (UTF-8) as a JSON string with its quotes. Escapes only what must be escaped. */
void json_append_string(struct buffer *buffer, struct text text);
