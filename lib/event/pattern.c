#include "event/pattern.h"

#include "base/text.h"

bool pattern_check(const char *pattern, struct error *error)
{
    size_t size = strlen(pattern);
    const char *star = strchr(pattern, '*');
    if (!text_is_visible_ascii(text_of(pattern)))
        return error_set(error, "'%.60s' must have 1 to 255 visible ASCII characters", pattern);
    if (star == NULL || (star == pattern && size == 1) || (size >= 3 && star == pattern + size - 1 && star[-1] == '.'))
        return true;
    return error_set(error, "'%.60s': a pattern is an event type, * for all, or prefix.* with the star at its end",
                     pattern);
}
