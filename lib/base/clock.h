/* Clock: time as three types that cannot be confused: an instant of the monotonic clock, an instant of the wall clock,
 * and a duration. Programs read the clock once in each turn of their loop. */
#pragma once
#include "base/error.h"
#include "base/text.h"
#include <stdint.h>

struct mono { /* since a fixed moment of this boot; never steps */
    int64_t ns;
};
struct wall { /* since 1970-01-01T00:00:00Z; may step */
    int64_t us;
};
struct span {
    int64_t ns;
};

struct mono mono_now(void);
struct wall wall_now(void);

#define SPAN_US(n) ((struct span){(int64_t)(n)*1000})
#define SPAN_MS(n) ((struct span){(int64_t)(n)*1000000})
#define SPAN_S(n) ((struct span){(int64_t)(n)*1000000000})

static inline struct mono mono_add(struct mono t, struct span span)
{
    return (struct mono){t.ns + span.ns};
}
static inline struct span mono_since(struct mono now, struct mono then)
{
    return (struct span){now.ns - then.ns};
}
static inline bool mono_before(struct mono a, struct mono b)
{
    return a.ns < b.ns;
}
static inline int64_t span_ms(struct span span)
{
    return span.ns / 1000000;
}
static inline struct wall wall_add(struct wall t, struct span span)
{
    return (struct wall){t.us + span.ns / 1000};
}

/* Parses "250ms", "10s", "5m", "2h" or "3d": a whole number and a unit. At most 3650 days. */
bool span_parse(struct text text, struct span *span, struct error *error) MUST_USE;

/* Parses RFC 3339: date, "T" (or "t" or a space), time with any number of decimals, "Z" or an offset. Years 1970 to
 * 9999; a leap second counts as the second after it. Decimals beyond microseconds are dropped. */
bool wall_parse(struct text text, struct wall *wall) MUST_USE;

/* Writes "2023-08-17T14:27:05Z"; with `micros` "2023-08-17T14:27:05.123456Z". Returns the length without the NUL. */
size_t wall_format(struct wall wall, bool micros, char out[static 40]);
