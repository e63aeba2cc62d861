#include "base/fault.h"

typedef int fault_translation_unit_is_not_empty;

#ifdef POSTHORN_FAULT_POINTS
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

void fault_point(const char *name)
{
    static long left = -1;
    const char *wanted = getenv("POSTHORN_FAULT");
    size_t size = strlen(name);
    if (wanted == NULL || strncmp(wanted, name, size) != 0 || (wanted[size] != ':' && wanted[size] != '\0'))
        return;
    if (left < 0)
        left = wanted[size] == ':' ? strtol(wanted + size + 1, NULL, 10) : 1;
    if (--left == 0) {
        log_warning("fault", "point=%s", name);
        kill(getpid(), SIGKILL);
    }
}
#endif
