#include "event/extension.h"

/* True for attributes that are handled separately; "data" cannot be an attribute's name. */
static bool is_reserved(struct text name)
{
    static const struct text names[] = {TEXT("id"),   TEXT("type"),        TEXT("account"),         TEXT("source"),
                                        TEXT("time"), TEXT("specversion"), TEXT("datacontenttype"), TEXT("traceparent"),
                                        TEXT("data"), TEXT("tracestate")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_equal(name, names[i]))
            return true;
    return false;
}

static bool is_name(struct text name)
{
    for (size_t i = 0; i < name.size; i++)
        if (!(name.data[i] >= 'a' && name.data[i] <= 'z') && !(name.data[i] >= '0' && name.data[i] <= '9'))
            return false;
    return name.size > 0 && name.size <= EXTENSION_NAME_MAX && !is_reserved(name);
}

/* subject and dataschema are non-empty texts. */
static bool is_standard(struct text name)
{
    return text_equal(name, TEXT("subject")) || text_equal(name, TEXT("dataschema"));
}

static bool is_value(struct text value)
{
    for (size_t i = 0; i < value.size; i++)
        if ((unsigned char)value.data[i] < 0x20 || value.data[i] == 0x7f)
            return false;
    return text_is_utf8(value);
}

/* CloudEvents' Integer: 32 bits, no fraction, no exponent. The scanner has checked that it is a number. */
static bool is_integer(struct text number)
{
    bool negative = number.data[0] == '-';
    long long value = 0;
    if (number.size > sizeof "-2147483648" - 1)
        return false;
    for (size_t i = negative ? 1 : 0; i < number.size; i++) {
        if (number.data[i] < '0' || number.data[i] > '9')
            return false;
        value = value * 10 + (number.data[i] - '0');
    }
    return value <= (negative ? 2147483648 : 2147483647);
}

static void put(struct extensions *extensions, const struct extension *extension)
{
    size_t at = 0;
    while (at < extensions->count && !text_equal(extensions->list[at].name, extension->name))
        at++;
    if (at == EXTENSIONS_MAX) {
        extensions->full = true;
        return;
    }
    extensions->list[at] = *extension;
    extensions->count += at == extensions->count;
}

void extensions_set(struct extensions *extensions, struct text name, struct text value)
{
    put(extensions, &(struct extension){name, value, false});
}

void extensions_add(struct extensions *extensions, struct text name, struct text value)
{
    if (is_name(name) && is_value(value) && !(value.size == 0 && is_standard(name)))
        extensions_set(extensions, name, value);
}

void extensions_add_json(struct extensions *extensions, struct text name, const struct json_value *value,
                         struct arena *arena)
{
    struct text plain, text;
    if (name.size > EXTENSION_NAME_MAX * JSON_ESCAPE_MAX || !json_unescape(name, arena, &plain) || !is_name(plain))
        return;
    if (value->kind == JSON_KIND_STRING) {
        if (json_unescape(value->raw, arena, &text))
            extensions_add(extensions, plain, text);
    } else if (value->kind == JSON_KIND_BOOLEAN || (value->kind == JSON_KIND_NUMBER && is_integer(value->raw))) {
        if (!is_standard(plain))
            put(extensions, &(struct extension){plain, value->raw, true});
    }
}

bool extensions_write(const struct extensions *extensions, struct arena *arena, struct text *object)
{
    struct buffer out;
    *object = (struct text){0};
    if (extensions->full)
        return false;
    if (extensions->count == 0)
        return true;
    buffer_init(&out, EXTENSIONS_SIZE_MAX);
    for (size_t i = 0; i < extensions->count; i++) {
        const struct extension *extension = &extensions->list[i];
        buffer_append_char(&out, i == 0 ? '{' : ',');
        json_append_string(&out, extension->name);
        buffer_append_char(&out, ':');
        if (extension->literal)
            buffer_append_text(&out, extension->value);
        else
            json_append_string(&out, extension->value);
    }
    buffer_append_char(&out, '}');
    bool ok = !out.failed && arena_copy(arena, buffer_text(&out), object);
    buffer_fini(&out);
    return ok;
}

bool extensions_read(struct text object, struct arena *arena, struct text *tracestate, bool *own_content_type)
{
    struct json_member members[] = {{.name = TEXT("tracestate")}, {.name = TEXT("datacontenttype")}};
    struct error ignored;
    *tracestate = (struct text){0};
    if (!json_members(object, members, 2, &ignored))
        return false;
    *own_content_type = members[1].value.raw.data != NULL;
    const struct json_value *state = &members[0].value;
    return state->raw.data == NULL || (state->kind == JSON_KIND_STRING && json_unescape(state->raw, arena, tracestate));
}
