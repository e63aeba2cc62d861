/* Compares the scanner with jansson: they agree on what is JSON, its type, its members and the values of its strings.
 */
#include "event/json.h"

#include <jansson.h>

#include "fuzz.h"

/* JSON that jansson cannot represent: escaped lone surrogates, numbers beyond a double or a long long. */
static bool beyond_jansson(const json_error_t *why)
{
    return strstr(why->text, "invalid Unicode") != NULL || strstr(why->text, "number overflow") != NULL ||
           strstr(why->text, "too big") != NULL || strstr(why->text, "NUL byte in object key") != NULL;
}

static enum json_kind kind_of(const json_t *tree)
{
    static const enum json_kind kinds[] = {
        [JSON_OBJECT] = JSON_KIND_OBJECT,  [JSON_ARRAY] = JSON_KIND_ARRAY, [JSON_STRING] = JSON_KIND_STRING,
        [JSON_INTEGER] = JSON_KIND_NUMBER, [JSON_REAL] = JSON_KIND_NUMBER, [JSON_TRUE] = JSON_KIND_BOOLEAN,
        [JSON_FALSE] = JSON_KIND_BOOLEAN,  [JSON_NULL] = JSON_KIND_NULL};
    return kinds[json_typeof(tree)];
}

static void compare_string(const struct json_value *value, const json_t *tree)
{
    struct arena arena;
    struct buffer written;
    struct text meaning, again;
    struct json_value back;
    struct error error;
    arena_init(&arena, 1 << 20);
    buffer_init(&written, 1 << 22);
    ENSURE(json_unescape(value->raw, &arena, &meaning));
    ENSURE(meaning.size == json_string_length(tree));
    ENSURE(memcmp(meaning.data, json_string_value(tree), meaning.size) == 0);
    json_append_string(&written, meaning); /* and what is written means the same */
    ENSURE(!written.failed && json_check(buffer_text(&written), &back, &error));
    ENSURE(json_unescape(back.raw, &arena, &again) && text_equal(meaning, again));
    buffer_fini(&written);
    arena_fini(&arena);
}

static void compare_member(struct text json, const char *name, const json_t *tree)
{
    struct json_member wanted[] = {{.name = text_of(name)}};
    struct error error;
    if (!json_members(json, wanted, 1, &error)) {
        ENSURE(!json_is_object(tree) || strstr(error.text, "appears twice") != NULL);
        return;
    }
    json_t *theirs = json_object_get(tree, name);
    ENSURE((wanted[0].value.raw.data != NULL) == (theirs != NULL));
    if (theirs == NULL)
        return;
    json_t *ours =
        json_loadb(wanted[0].value.raw.data, wanted[0].value.raw.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    ENSURE(ours != NULL && json_equal(ours, theirs));
    ENSURE(wanted[0].value.kind == kind_of(theirs));
    json_decref(ours);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text json = {(const char *)data, size};
    struct json_value value;
    struct error error = {""};
    json_error_t why = {0};
    json_t *tree = json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    bool ours = json_check(json, &value, &error);
    ENSURE(ours || error.text[0] != '\0');
    if (memchr(data, '\0', size) != NULL) /* jansson regards one after the value as the end of the text */
        ENSURE(!ours);
    else if (tree == NULL)
        ENSURE(!ours || beyond_jansson(&why));
    else
        ENSURE(ours || strstr(error.text, "nested deeper") != NULL);
    if (tree != NULL && ours) {
        ENSURE(value.kind == kind_of(tree));
        ENSURE(value.raw.data >= json.data && value.raw.data + value.raw.size <= json.data + json.size);
        if (value.kind == JSON_KIND_STRING)
            compare_string(&value, tree);
        compare_member(json, "id", tree);
        compare_member(json, "", tree);
        compare_member(json, "\xc3\xa9", tree);
    }
    json_decref(tree);
    return 0;
}
