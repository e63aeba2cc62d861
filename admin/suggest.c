#include "suggest.h"

#include <ctype.h>
#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment, with three rows in memory. */
size_t suggest_distance(const char *a, const char *b)
{
    size_t rows[3][SUGGEST_MAX + 1], *before = rows[0], *last = rows[1], *now = rows[2];
    size_t a_size = least(strlen(a), SUGGEST_MAX), b_size = least(strlen(b), SUGGEST_MAX);
    for (size_t j = 0; j <= b_size; j++)
        before[j] = last[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        int a_char = tolower((unsigned char)a[i - 1]);
        now[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            int b_char = tolower((unsigned char)b[j - 1]);
            now[j] = least(least(last[j] + 1, now[j - 1] + 1), last[j - 1] + (a_char != b_char));
            if (i > 1 && j > 1 && a_char == tolower((unsigned char)b[j - 2]) &&
                tolower((unsigned char)a[i - 2]) == b_char)
                now[j] = least(now[j], before[j - 2] + 1);
        }
        size_t *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[b_size];
}

bool suggest_near(const char *given, const char *name)
{
    size_t longer = strlen(given) > strlen(name) ? strlen(given) : strlen(name);
    return suggest_distance(given, name) <= 1 + longer / 5 ||
           (strlen(given) >= 3 && strncasecmp(given, name, strlen(given)) == 0);
}
