/* Out of memory for something small and of a fixed kind: the process ends, and says for what. What is as large as
 * somebody outside makes it is bounded and checked instead; it must not end a process. */
#pragma once
#include <stddef.h>

_Noreturn void memory_missing(const char *what);

/* `memory`, which was just allocated for `what`. Ends the process when it is NULL. */
static inline void *memory_need(void *memory, const char *what)
{
    if (memory == NULL)
        memory_missing(what);
    return memory;
}
