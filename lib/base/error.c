#include "base/error.h"

#include <stdio.h>
#include <string.h>

bool error_set(struct error *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return false;
}

bool error_prefix(struct error *error, const char *format, ...)
{
    struct error before = *error;
    va_list args;
    va_start(args, format);
    int used = vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    size_t room = used < 0 ? 0 : sizeof error->text - (size_t)used;
    if (room > 3 && room <= sizeof error->text)
        snprintf(error->text + used, room, ": %.*s", (int)room - 3, before.text);
    return false;
}
