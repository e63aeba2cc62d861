#include "event/media.h"

#include <strings.h>

static bool equal_case(struct text a, struct text b)
{
    return a.size == b.size && (a.size == 0 || strncasecmp(a.data, b.data, a.size) == 0);
}

struct text media_type(struct text content_type)
{
    const char *semicolon = content_type.size == 0 ? NULL : memchr(content_type.data, ';', content_type.size);
    struct text type = {content_type.data, semicolon ? (size_t)(semicolon - content_type.data) : content_type.size};
    while (type.size > 0 && type.data[type.size - 1] == ' ')
        type.size--;
    return type;
}

bool media_is(struct text content_type, struct text type)
{
    return equal_case(media_type(content_type), type);
}

bool media_is_cloudevents(struct text content_type)
{
    struct text prefix = TEXT("application/cloudevents");
    return content_type.size >= prefix.size && equal_case((struct text){content_type.data, prefix.size}, prefix);
}

bool media_is_json(struct text content_type)
{
    struct text type = media_type(content_type), suffix = TEXT("+json");
    return equal_case(type, TEXT("application/json")) || equal_case(type, TEXT("text/json")) ||
           (type.size > suffix.size &&
            equal_case((struct text){type.data + type.size - suffix.size, suffix.size}, suffix));
}
