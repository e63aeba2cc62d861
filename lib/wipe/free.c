/* free() and realloc() that overwrite the memory they release, for programs in which users' passwords, keys and codes
 * pass through libraries that do not wipe memory (a JSON parser's strings, an HTTP server's headers, a query's
 * parameters).
 *
 * Linked into posthorn-api and posthorn-admin. The dispatcher does not see such data and must be fast; it wipes its own
 * secrets. The C library lets a program define these functions ("Replacing malloc" in its manual); the rest of malloc
 * is not replaced. Not in builds with sanitizers, which replace them. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

extern void __libc_free(void *memory);
extern void *__libc_realloc(void *memory, size_t size);

void free(void *memory)
{
    int error = errno; /* free() must not change it */
    if (memory != NULL)
        explicit_bzero(memory, malloc_usable_size(memory));
    __libc_free(memory);
    errno = error;
}

void *realloc(void *memory, size_t size)
{
    size_t had = memory != NULL ? malloc_usable_size(memory) : 0;
    if (memory == NULL)
        return malloc(size);
    if (size != 0 && size <= had)
        return explicit_bzero((char *)memory + size, had - size), __libc_realloc(memory, size);
    void *other = size != 0 ? malloc(size) : NULL;
    if (other != NULL)
        memcpy(other, memory, had);
    if (other != NULL || size == 0)
        free(memory);
    return other;
}
