/* Memory: ends the process, with a message, if a small allocation of fixed size fails. Allocations whose size depends
 * on input are bounded and checked instead; they must not end a process. */
#pragma once
#include <stddef.h>

_Noreturn void memory_missing(const char *what);

/* Returns `memory`, which was just allocated for `what`. Ends the process if it is NULL. */
static inline void *memory_need(void *memory, const char *what)
{
    if (memory == NULL)
        memory_missing(what);
    return memory;
}
