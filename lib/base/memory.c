#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

void *memory_need(void *memory, const char *what)
{
    if (memory == NULL) {
        log_error("no_memory", "what=\"%s\" error=\"%s\"", what, strerror(ENOMEM));
        abort();
    }
    return memory;
}
