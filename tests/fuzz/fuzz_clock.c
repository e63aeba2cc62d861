/* Times and durations: a value that was read is within its bounds, and is read again from its written form. */
#include "base/clock.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text text = {(const char *)data, size};
    struct span span;
    struct wall wall, again;
    struct error error = {""};
    char out[40];
    if (span_parse(text, &span, &error))
        ENSURE(span.ns >= 0 && span.ns <= 3650 * 86400000000000);
    else
        ENSURE(error.text[0] != '\0');
    if (wall_parse(text, &wall)) {
        ENSURE(wall.us >= 0 && wall.us < 253402300800000000 + 86400000000); /* 9999, and an offset of a day */
        ENSURE(wall_format(wall, true, out) < sizeof out);
        if (wall.us < 253402300800000000)
            ENSURE(wall_parse(text_of(out), &again) && again.us == wall.us);
    }
    return 0;
}
