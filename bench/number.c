#include "number.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

long bench_number(const char *program, const char *option, const char *text, long low, long high)
{
    char *end = NULL;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && value >= low && value <= high)
        return value;
    fprintf(stderr, "%s: --%s is \"%s\"; give a whole number from %ld to %ld\n", program, option, text, low, high);
    exit(2);
}
