#include "body.h"

#include <string.h>

const char *body_pointer(const char *name, char out[static POINTER_MAX])
{
    size_t size = 0;
    out[size++] = '/';
    for (; *name != '\0' && size < POINTER_MAX - 6; name++) {
        if (*name == '~' || *name == '/') {
            out[size++] = '~';
            out[size++] = *name == '~' ? '0' : '1';
        } else {
            out[size++] = *name;
        }
    }
    while (*name != '\0' && size > 1 && ((unsigned char)out[size - 1] & 0x80) != 0)
        size--; /* do not end within a character */
    out[size] = '\0';
    return out;
}

static void list_names(const char *const *names, char *out, size_t size)
{
    *out = '\0';
    for (; *names != NULL; names++)
        snprintf(out + strlen(out), size - strlen(out), "%s%s", *out == '\0' ? "" : ", ", *names);
}

bool body_only(struct request *request, const char *const *names)
{
    char pointer[POINTER_MAX], list[300];
    const char *key;
    json_t *value;
    json_object_foreach(request->body, key, value)
    {
        const char *const *name = names;
        while (*name != NULL && strcmp(*name, key) != 0)
            name++;
        list_names(names, list, sizeof list);
        if (*name == NULL)
            return fail_at(request, body_pointer(key, pointer), "there is no such field; the %s: %s",
                           names[0] != NULL && names[1] != NULL ? "fields are" : "field is", list);
    }
    return true;
}

bool body_is_text(struct request *request, const char *pointer, const json_t *value, size_t max, const char **text)
{
    if (!json_is_string(value))
        return fail_at(request, pointer, "%s must be a string", *pointer == '/' ? pointer + 1 : "it");
    *text = json_string_value(value);
    if (json_string_length(value) > max)
        return fail_at(request, pointer, "%s may have at most %zu bytes", pointer + 1, max);
    for (const char *at = *text; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return fail_at(request, pointer, "%s contains a control character", pointer + 1);
    return true;
}

bool body_is_words(struct request *request, const char *pointer, const json_t *value, size_t max, const char **text)
{
    size_t count = 0;
    if (!body_is_text(request, pointer, value, 4 * max, text))
        return false;
    for (const char *at = *text; *at != '\0'; at++)
        count += ((unsigned char)*at & 0xc0) != 0x80;
    return count <= max || fail_at(request, pointer, "%s may have at most %zu characters", pointer + 1, max);
}

bool body_text(struct request *request, const char *name, bool needed, size_t max, const char **text)
{
    char pointer[POINTER_MAX];
    const json_t *value = json_object_get(request->body, name);
    *text = NULL;
    body_pointer(name, pointer);
    if (value == NULL)
        return !needed || fail_at(request, pointer, "%s is missing", name);
    return body_is_text(request, pointer, value, max, text);
}

bool body_is_word(struct request *request, const char *pointer, const json_t *value, const char *const *words,
                  const char **word)
{
    char list[300];
    const char *text = json_string_value(value);
    for (size_t i = 0; text != NULL && words[i] != NULL; i++)
        if (strcmp(words[i], text) == 0) {
            *word = words[i];
            return true;
        }
    list_names(words, list, sizeof list);
    return fail_at(request, pointer, "%s must be one of %s", pointer + 1, list);
}

bool body_time(struct request *request, const char *name, char out[static TIME_TEXT_MAX], bool *given)
{
    char pointer[POINTER_MAX];
    const char *text = NULL;
    struct wall time;
    if (!body_text(request, name, false, 60, &text))
        return false;
    *given = text != NULL;
    if (text == NULL)
        return true;
    if (!wall_parse(text_of(text), &time))
        return fail_at(request, body_pointer(name, pointer), "%s must be a time such as 2026-01-31T12:00:00Z", name);
    wall_format(time, true, out);
    return true;
}
