#include "base/clock.h"

#include <stdio.h>
#include <time.h>

struct mono mono_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (struct mono){(int64_t)t.tv_sec * 1000000000 + t.tv_nsec};
}

struct wall wall_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (struct wall){(int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000};
}

bool span_parse(struct text text, struct span *span, struct error *error)
{
    static const struct {
        const char *unit;
        int64_t ns;
    } units[] = {{"us", 1000},
                 {"ms", 1000000},
                 {"s", 1000000000},
                 {"m", 60 * 1000000000LL},
                 {"h", 3600 * 1000000000LL},
                 {"d", 86400 * 1000000000LL}};
    int64_t value = 0;
    size_t at = 0;
    while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9' && value < 1000000000000)
        value = value * 10 + (text.data[at++] - '0');
    struct text unit = {text.data + at, text.size - at};
    for (size_t i = 0; at > 0 && i < sizeof units / sizeof *units; i++)
        if (text_equal(unit, text_of(units[i].unit))) {
            if (value > 3650 * 86400LL * 1000000000LL / units[i].ns)
                return error_set(error, "'%.*s' is longer than 3650 days", TEXT_ARGS(text));
            span->ns = value * units[i].ns;
            return true;
        }
    return error_set(error, "'%.*s' is not a duration: write a number and a unit (us, ms, s, m, h or d), such as 250ms",
                     TEXT_ARGS(text));
}

/* Reads exactly `count` digits at *at. */
static bool digits(struct text text, size_t *at, int count, int *value)
{
    *value = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (*at >= text.size || text.data[*at] < '0' || text.data[*at] > '9')
            return false;
        *value = *value * 10 + (text.data[*at] - '0');
    }
    return true;
}

static bool literal(struct text text, size_t *at, const char *any_of)
{
    if (*at >= text.size || strchr(any_of, text.data[*at]) == NULL || text.data[*at] == '\0')
        return false;
    (*at)++;
    return true;
}

static bool fraction(struct text text, size_t *at, int *micros)
{
    int count = 0, scale = 100000;
    for (; *at < text.size && text.data[*at] >= '0' && text.data[*at] <= '9'; (*at)++, count++, scale /= 10)
        *micros += (text.data[*at] - '0') * scale;
    return count >= 1;
}

/* Reads "Z" or "+hh:mm"; *seconds is what to subtract for UTC. */
static bool offset(struct text text, size_t *at, int *seconds)
{
    int hours, minutes;
    if (literal(text, at, "Zz"))
        return true;
    int sign = *at < text.size && text.data[*at] == '-' ? -1 : 1;
    if (!literal(text, at, "+-") || !digits(text, at, 2, &hours) || !literal(text, at, ":") ||
        !digits(text, at, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

#define YEAR_10000_US (253402300800 * 1000000)

bool wall_parse(struct text text, struct wall *wall)
{
    struct tm tm = {0};
    size_t at = 0;
    int micros = 0, behind = 0;
    if (!digits(text, &at, 4, &tm.tm_year) || !literal(text, &at, "-") || !digits(text, &at, 2, &tm.tm_mon) ||
        !literal(text, &at, "-") || !digits(text, &at, 2, &tm.tm_mday) || !literal(text, &at, "Tt ") ||
        !digits(text, &at, 2, &tm.tm_hour) || !literal(text, &at, ":") || !digits(text, &at, 2, &tm.tm_min) ||
        !literal(text, &at, ":") || !digits(text, &at, 2, &tm.tm_sec))
        return false;
    if (literal(text, &at, ".") && !fraction(text, &at, &micros))
        return false;
    if (!offset(text, &at, &behind) || at != text.size)
        return false;
    if (tm.tm_year < 1970 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_hour > 23 || tm.tm_min > 59 ||
        tm.tm_sec > 60)
        return false;
    static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (tm.tm_year % 4 == 0 && tm.tm_year % 100 != 0) || tm.tm_year % 400 == 0;
    if (tm.tm_mday > month_days[tm.tm_mon - 1] || (tm.tm_mon == 2 && tm.tm_mday == 29 && !leap))
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    time_t seconds = timegm(&tm);
    wall->us = ((int64_t)seconds - behind) * 1000000 + micros;
    return wall->us >= 0 && wall->us < YEAR_10000_US; /* also in UTC */
}

size_t wall_format(struct wall wall, bool micros, char out[static 40])
{
    time_t seconds = (time_t)(wall.us / 1000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t size = strftime(out, 40, "%Y-%m-%dT%H:%M:%S", &tm);
    if (micros)
        size += (size_t)snprintf(out + size, 40 - size, ".%06d", (int)(wall.us % 1000000));
    out[size++] = 'Z';
    out[size] = '\0';
    return size;
}
