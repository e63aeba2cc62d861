/* A strict scanner of JSON text: it checks, finds and keeps the bytes.
 *
 * Payloads go through Posthorn as they were published: a number such as 5.00 or 12345678901234567890 must come out as
 * it went in, which a parser that builds a tree cannot promise. The scanner checks a text (RFC 8259, UTF-8 by RFC 3629)
 * and finds the members of its top-level object as spans of the same bytes. It allocates nothing and recurses nowhere.
 */
#pragma once
#include "base/arena.h"
#include "base/buffer.h"
#include "base/text.h"

#define JSON_MAX_DEPTH 128
#define JSON_ESCAPE_MAX 6 /* characters that one byte of UTF-8 may take in a string: \u0041 */

/* The names keep clear of jansson's, which some programs use beside this. */
enum json_kind {
    JSON_KIND_NULL,
    JSON_KIND_BOOLEAN,
    JSON_KIND_NUMBER,
    JSON_KIND_STRING,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT
};

/* A value as it stands in the text: a string with its quotes. */
struct json_value {
    enum json_kind kind;
    struct text raw;
};

/* One whole JSON text with nothing but white space around it. On failure the error says what and at which byte. */
bool json_check(struct text json, struct json_value *value, struct error *error) MUST_USE;

/* What to look for in an object. `value.raw.data` stays NULL when the member is absent. */
struct json_member {
    struct text name;
    struct json_value value;
};

/* Check that `json` is one object and fill in the wanted members. A wanted member that stands twice is an error (which
 * of the two was meant cannot be known); members not wanted are checked and passed over. Names are compared after
 * unescaping. */
bool json_members(struct text json, struct json_member *wanted, size_t count, struct error *error) MUST_USE;

/* The same, and each member that is not wanted is handed to `other`, its name with the quotes. */
typedef void json_other(void *owner, struct text name, const struct json_value *value);
bool json_all_members(struct text json, struct json_member *wanted, size_t count, json_other *other, void *owner,
                      struct error *error) MUST_USE;

/* The characters of a JSON string (given with its quotes, already checked). Points into `raw` when nothing is escaped,
 * else into the arena. False when a lone surrogate is escaped (no UTF-8 form exists) or the arena is full. \u0000 gives
 * a NUL byte. */
bool json_unescape(struct text raw, struct arena *arena, struct text *out) MUST_USE;

/* Append `text` (UTF-8) as a JSON string with its quotes. Only what must be escaped is. */
void json_append_string(struct buffer *buffer, struct text text);
