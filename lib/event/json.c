#include "event/json.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include <openssl/crypto.h>

/* A place in a JSON text. Errors name the byte and never quote the text: payloads are not logged. */
struct scanner {
    const char *start, *at, *end;
    struct error *error;
};

static bool fail(const struct scanner *s, const char *what)
{
    return error_set(s->error, "%s at byte %zu", s->at == s->end ? "unexpected end" : what, (size_t)(s->at - s->start));
}

static void skip_space(struct scanner *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
}

static bool take(struct scanner *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

/* Called after a backslash. */
static bool scan_escape(struct scanner *s)
{
    char c = s->at < s->end ? *s->at : '\0';
    if (c == '\0' || strchr("\"\\/bfnrtu", c) == NULL)
        return fail(s, "an unknown escape");
    s->at++;
    for (int i = 0; c == 'u' && i < 4; i++, s->at++)
        if (s->at == s->end || !isxdigit((unsigned char)*s->at))
            return fail(s, "\\u without four hexadecimal digits");
    return true;
}

#define ONES 0x0101010101010101U
#define HIGHS 0x8080808080808080U

/* Sets the high bit of each byte of the word that ends a run of plain characters (quote, backslash, control character).
 * Exact zero-byte tests; bytes from 0x80 up are plain, since the text was checked to be UTF-8. */
static uint64_t special_bytes(uint64_t word)
{
    uint64_t quote = word ^ (ONES * '"'), slash = word ^ (ONES * '\\');
    return (((quote - ONES) & ~quote) | ((slash - ONES) & ~slash) | ((word - ONES * 0x20) & ~word)) & HIGHS;
}

/* Called at a quote; moves past the closing one. */
static bool scan_string(struct scanner *s)
{
    s->at++;
    for (;;) {
        uint64_t word;
        while (s->end - s->at >= (ptrdiff_t)sizeof word &&
               (memcpy(&word, s->at, sizeof word), special_bytes(word) == 0))
            s->at += sizeof word;
        while (s->at < s->end && (unsigned char)*s->at >= 0x20 && *s->at != '"' && *s->at != '\\')
            s->at++;
        if (take(s, '"'))
            return true;
        if (!take(s, '\\'))
            return fail(s, "a control character in a string");
        if (!scan_escape(s))
            return false;
    }
}

static bool scan_digits(struct scanner *s)
{
    const char *from = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return s->at > from || fail(s, "a digit is missing");
}

static bool scan_number(struct scanner *s)
{
    take(s, '-');
    if (take(s, '0')) {
        if (s->at < s->end && *s->at >= '0' && *s->at <= '9')
            return fail(s, "a number that begins with 0");
    } else if (!scan_digits(s)) {
        return false;
    }
    if (take(s, '.') && !scan_digits(s))
        return false;
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+'))
            take(s, '-');
        return scan_digits(s);
    }
    return true;
}

static bool scan_word(struct scanner *s, struct text word)
{
    if (!text_starts((struct text){s->at, (size_t)(s->end - s->at)}, word))
        return fail(s, "not a JSON value");
    s->at += word.size;
    return true;
}

static bool scan_scalar(struct scanner *s, enum json_kind kind)
{
    switch (kind) {
    case JSON_KIND_STRING:
        return scan_string(s);
    case JSON_KIND_NUMBER:
        return scan_number(s);
    case JSON_KIND_BOOLEAN:
        return scan_word(s, *s->at == 't' ? TEXT("true") : TEXT("false"));
    default:
        return scan_word(s, TEXT("null"));
    }
}

/* Returns the kind of value by its first character; an invalid one fails later, as a word. */
static enum json_kind kind_at(const struct scanner *s)
{
    char c = s->at < s->end ? *s->at : '\0';
    if (c == '{')
        return JSON_KIND_OBJECT;
    if (c == '[')
        return JSON_KIND_ARRAY;
    if (c == '"')
        return JSON_KIND_STRING;
    if (c == '-' || (c >= '0' && c <= '9'))
        return JSON_KIND_NUMBER;
    return c == 't' || c == 'f' ? JSON_KIND_BOOLEAN : JSON_KIND_NULL;
}

/* Reads a member's name and its colon; the scanner is then at the value. */
static bool scan_name(struct scanner *s, struct text *name)
{
    skip_space(s);
    const char *from = s->at;
    if (s->at == s->end || *s->at != '"')
        return fail(s, "a member's name in quotes is missing");
    if (!scan_string(s))
        return false;
    *name = (struct text){from, (size_t)(s->at - from)};
    skip_space(s);
    if (!take(s, ':'))
        return fail(s, "a colon is missing");
    skip_space(s);
    return true;
}

/* The containers around the scanner, outermost first: true for an object. */
struct nest {
    size_t depth;
    bool object[JSON_MAX_DEPTH];
};

/* Called at '{' or '['. Enters the container; if it is empty, leaves it again and sets *closed. */
static bool open_container(struct scanner *s, struct nest *nest, bool *closed)
{
    bool object = *s->at == '{';
    struct text name;
    if (nest->depth == JSON_MAX_DEPTH)
        return fail(s, "nested deeper than 128");
    s->at++;
    skip_space(s);
    *closed = take(s, object ? '}' : ']');
    if (*closed)
        return true;
    nest->object[nest->depth++] = object;
    return !object || scan_name(s, &name);
}

/* Called after a value: leaves every container that ends here. Stops at the next value, or at depth 0 at the end. */
static bool after_value(struct scanner *s, struct nest *nest)
{
    struct text name;
    while (nest->depth > 0) {
        bool object = nest->object[nest->depth - 1];
        skip_space(s);
        if (take(s, ',')) {
            skip_space(s);
            return !object || scan_name(s, &name);
        }
        if (!take(s, object ? '}' : ']'))
            return fail(s, object ? "a comma or } is missing" : "a comma or ] is missing");
        nest->depth--;
    }
    return true;
}

/* Scans one value, from its first byte to after its last. */
static bool scan_value(struct scanner *s, struct json_value *value)
{
    struct nest nest;
    const char *from = s->at;
    nest.depth = 0;
    enum json_kind kind = kind_at(s);
    do {
        enum json_kind inner = kind_at(s);
        bool complete = true;
        if (inner == JSON_KIND_OBJECT || inner == JSON_KIND_ARRAY) {
            if (!open_container(s, &nest, &complete))
                return false;
        } else if (!scan_scalar(s, inner)) {
            return false;
        }
        if (complete && !after_value(s, &nest))
            return false;
    } while (nest.depth > 0);
    *value = (struct json_value){kind, {from, (size_t)(s->at - from)}};
    return true;
}

static bool scanner_begin(struct scanner *s, struct text json, struct error *error)
{
    *s = (struct scanner){json.data, json.data, json.data + json.size, error};
    if (json.size == 0)
        return error_set(error, "the text is empty");
    if (!text_is_utf8(json))
        return error_set(error, "the text is not valid UTF-8");
    if (text_starts(json, TEXT("\xef\xbb\xbf")))
        return error_set(error, "the text begins with a byte order mark; leave it out");
    skip_space(s);
    return true;
}

static bool scanner_finish(struct scanner *s)
{
    skip_space(s);
    return s->at == s->end || fail(s, "text after the JSON value");
}

bool json_check(struct text json, struct json_value *value, struct error *error)
{
    struct scanner s;
    return scanner_begin(&s, json, error) && scan_value(&s, value) && scanner_finish(&s);
}

/* Returns the UTF-16 unit of the four digits at p. */
static uint32_t utf16_unit(const char *p)
{
    uint32_t unit = 0;
    for (int i = 0; i < 4; i++)
        unit = unit << 4 | (uint32_t)OPENSSL_hexchar2int((unsigned char)p[i]);
    return unit;
}

static size_t utf8_write(uint32_t c, char out[static 4])
{
    size_t size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(lead[size] | c);
    return size;
}

/* Reads one character of a checked string: moves *at (before `end`, its closing quote) past it and writes its UTF-8
 * form. Returns the form's size; 0 for a lone surrogate. Unescaped bytes are returned one at a time. */
static size_t next_character(const char **at, const char *end, char out[static 4])
{
    static const char escapes[] = "bfnrt", meant[] = "\b\f\n\r\t";
    const char *p = *at;
    if (*p != '\\') {
        out[0] = *p;
        *at = p + 1;
        return 1;
    }
    if (p[1] != 'u') {
        const char *found = strchr(escapes, p[1]);
        out[0] = found != NULL ? meant[found - escapes] : p[1];
        *at = p + 2;
        return 1;
    }
    uint32_t c = utf16_unit(p + 2);
    p += 6;
    if (c >= 0xd800 && c <= 0xdfff) {
        uint32_t low = end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? utf16_unit(p + 2) : 0;
        if (c >= 0xdc00 || low < 0xdc00 || low > 0xdfff)
            return 0;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        p += 6;
    }
    *at = p;
    return utf8_write(c, out);
}

/* True if a string (with its quotes) stands for these characters. Does not allocate, so the length is not limited. */
static bool string_means(struct text raw, struct text meaning)
{
    const char *at = raw.data + 1, *end = raw.data + raw.size - 1;
    size_t matched = 0;
    while (at < end) {
        char c[4];
        size_t size = next_character(&at, end, c);
        if (size == 0 || meaning.size - matched < size || memcmp(meaning.data + matched, c, size) != 0)
            return false;
        matched += size;
    }
    return matched == meaning.size;
}

struct members {
    struct json_member *wanted;
    size_t count;
    json_other *other;
    void *owner;
};

static bool member_found(struct scanner *s, struct text name, const struct json_value *value,
                         const struct members *members)
{
    struct json_member *wanted = members->wanted;
    for (size_t i = 0; i < members->count; i++) {
        if (!string_means(name, wanted[i].name))
            continue;
        if (wanted[i].value.raw.data != NULL)
            return error_set(s->error, "the member \"%.*s\" appears twice, the second time at byte %zu",
                             TEXT_ARGS(wanted[i].name), (size_t)(name.data - s->start));
        wanted[i].value = *value;
        return true;
    }
    if (members->other != NULL)
        members->other(members->owner, name, value);
    return true;
}

bool json_members(struct text json, struct json_member *wanted, size_t count, struct error *error)
{
    return json_all_members(json, wanted, count, NULL, NULL, error);
}

bool json_all_members(struct text json, struct json_member *wanted, size_t count, json_other *other, void *owner,
                      struct error *error)
{
    const struct members members = {wanted, count, other, owner};
    struct scanner s;
    for (size_t i = 0; i < count; i++)
        wanted[i].value = (struct json_value){0};
    if (!scanner_begin(&s, json, error))
        return false;
    if (!take(&s, '{'))
        return fail(&s, "not an object");
    skip_space(&s);
    if (take(&s, '}'))
        return scanner_finish(&s);
    do {
        struct text name;
        struct json_value value;
        if (!scan_name(&s, &name) || !scan_value(&s, &value) || !member_found(&s, name, &value, &members))
            return false;
        skip_space(&s);
    } while (take(&s, ','));
    if (!take(&s, '}'))
        return fail(&s, "a comma or } is missing");
    return scanner_finish(&s);
}

bool json_unescape(struct text raw, struct arena *arena, struct text *out)
{
    const char *at = raw.data + 1, *end = raw.data + raw.size - 1;
    *out = (struct text){at, raw.size - 2};
    if (memchr(at, '\\', out->size) == NULL)
        return true;
    char *to = arena_alloc(arena, raw.size); /* an escape is never shorter than its character */
    if (to == NULL)
        return false;
    *out = (struct text){to, 0};
    while (at < end) {
        char c[4];
        size_t size = next_character(&at, end, c);
        if (size == 0)
            return false;
        memcpy(to + out->size, c, size);
        out->size += size;
    }
    return true;
}

static void append_escape(struct buffer *buffer, char c)
{
    static const char meant[] = "\b\f\n\r\t\"\\", escapes[] = "bfnrt\"\\";
    const char *found = c == '\0' ? NULL : strchr(meant, c);
    if (found != NULL) {
        char pair[2] = {'\\', escapes[found - meant]};
        buffer_append(buffer, pair, sizeof pair);
    } else {
        buffer_printf(buffer, "\\u%04x", (unsigned)(unsigned char)c);
    }
}

void json_append_string(struct buffer *buffer, struct text text)
{
    size_t from = 0;
    buffer_append_char(buffer, '"');
    for (size_t at = 0; at < text.size; at++) {
        char c = text.data[at];
        if ((unsigned char)c >= 0x20 && c != '"' && c != '\\')
            continue;
        buffer_append(buffer, text.data + from, at - from);
        append_escape(buffer, c);
        from = at + 1;
    }
    buffer_append(buffer, text.data + from, text.size - from);
    buffer_append_char(buffer, '"');
}
