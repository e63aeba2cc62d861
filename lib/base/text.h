/* Text: a reference to bytes that belong to another object. Not terminated; may contain NUL. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct text {
    const char *data;
    size_t size;
};

#define TEXT(literal) ((struct text){"" literal, sizeof(literal) - 1})
/* Arguments for printf's "%.*s". */
#define TEXT_ARGS(text) (int)(text).size, (text).data

static inline struct text text_of(const char *string)
{
    return (struct text){string, strlen(string)};
}

static inline bool text_equal(struct text a, struct text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool text_starts(struct text text, struct text prefix)
{
    return text.size >= prefix.size && (prefix.size == 0 || memcmp(text.data, prefix.data, prefix.size) == 0);
}

/* Returns a copy of all bytes, NULs included, with a NUL after them; NULL without memory. The caller frees it.
 * strndup() is no substitute: it stops at the first NUL, while `size` goes on. */
char *text_copy(struct text text) __attribute__((warn_unused_result));

/* True for well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF). */
bool text_is_utf8(struct text text);

/* True for 1 to 255 visible ASCII characters (0x21 to 0x7e). An event id must have this form, since it becomes an HTTP
 * header. */
bool text_is_visible_ascii(struct text text);

/* Writes `size` bytes as lower-case hexadecimal: 2 * size characters and a NUL. */
void text_to_hex(const unsigned char *bytes, size_t size, char *out);

/* Reads exactly 2 * size hexadecimal digits of either case. Returns false for any other text. */
bool text_from_hex(struct text hex, unsigned char *bytes, size_t size);
