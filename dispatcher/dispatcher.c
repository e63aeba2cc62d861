#include <stdlib.h>
#include <sys/random.h>

#include "dispatcher.h"

double dispatcher_random(void)
{
    static unsigned short state[3];
    static bool seeded;
    if (!seeded)
        seeded = getrandom(state, sizeof state, 0) == (ssize_t)sizeof state;
    return erand48(state);
}
