#include "base/invariant.h"

#include <stdlib.h>

#include "base/log.h"

void invariant_failed(const char *file, int line, const char *condition)
{
    log_error("invariant", "file=%s line=%d condition=\"%s\"", file, line, condition);
    abort();
}
