#include "store/response.h"

#include <string.h>

#define MARK "\tsealed\t" /* as in posthorn.response_bytes(); audit.show() does not change it */
#define RESPONSE_MAX (1u << 20)

static bool is_response(const char *name, const json_t *value)
{
    const char *text = json_string_value(value);
    return text != NULL && strncmp(text, MARK, strlen(MARK)) == 0 &&
           (strcmp(name, "error") == 0 || strcmp(name, "last_error") == 0 || strcmp(name, "response_body") == 0);
}

bool response_is_sealed(const json_t *tree)
{
    const char *name;
    json_t *value;
    size_t index;
    json_object_foreach((json_t *)(uintptr_t)tree, name, value)
    {
        if (is_response(name, value) || response_is_sealed(value))
            return true;
    }
    json_array_foreach(tree, index, value)
    {
        if (response_is_sealed(value))
            return true;
    }
    return false;
}

/* As audit.show(): UTF-8 without control characters except tab and line ends, ... */
static void show_text(struct text text, struct buffer *out)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool c1 = c == 0xc2 && i + 1 < text.size && (unsigned char)text.data[i + 1] < 0xa0;
        if (c1 || c == 0x7f || (c < 0x20 && c != '\t' && c != '\n' && c != '\r'))
            buffer_append_text(out, TEXT("\xef\xbf\xbd"));
        else
            buffer_append_char(out, (char)c);
        i += c1;
    }
}

/* ... or ASCII with octal escapes. */
static void show_bytes(struct text text, struct buffer *out)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == 0 || c >= 0x80)
            buffer_printf(out, "\\%03o", c);
        else if (c == '\\')
            buffer_append_text(out, TEXT("\\\\"));
        else
            buffer_append_char(out, (char)c);
    }
}

static json_t *opened(const char *hex, struct secret_key *key)
{
    struct buffer sealed, plain, shown;
    struct error error;
    size_t size = strlen(hex) / 2;
    buffer_init(&sealed, RESPONSE_MAX);
    buffer_init(&plain, RESPONSE_MAX);
    buffer_init(&shown, 4 * RESPONSE_MAX);
    json_t *json = NULL;
    char *room = buffer_reserve(&sealed, size + 1);
    if (key != NULL && room != NULL && text_from_hex(text_of(hex), (unsigned char *)room, size) &&
        secret_open(key, RESPONSE_PLACE, (struct text){room, size}, &plain, &error)) {
        struct text text = buffer_text(&plain);
        if (text_is_utf8(text) && (text.size == 0 || memchr(text.data, '\0', text.size) == NULL))
            show_text(text, &shown);
        else
            show_bytes(text, &shown);
        json = shown.failed ? NULL : json_stringn(shown.data, shown.size);
    }
    secret_wipe(&plain);
    secret_wipe(&shown);
    buffer_fini(&sealed);
    buffer_fini(&plain);
    buffer_fini(&shown);
    return json != NULL ? json : json_null();
}

void response_open(json_t *tree, struct secret_key *key)
{
    const char *name;
    json_t *value;
    size_t index;
    json_object_foreach(tree, name, value)
    {
        if (is_response(name, value))
            json_object_set_new(tree, name, opened(json_string_value(value) + strlen(MARK), key));
        else
            response_open(value, key);
    }
    json_array_foreach(tree, index, value) response_open(value, key);
}
