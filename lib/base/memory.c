#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

void memory_missing(const char *what)
{
    log_error("no_memory", "what=\"%s\" error=\"%s\"", what, strerror(ENOMEM));
    abort();
}
