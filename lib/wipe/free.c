/* free() and realloc() that overwrite what they give back, for programs in which people's passwords, keys and codes
 * pass through the memory of libraries that do not (a JSON parser's strings, an HTTP server's headers, a query's
 * parameters).
 *
 * Linked into posthorn-api and posthorn-admin; the dispatcher, which sees no such thing and has a speed to keep, wipes
 * by itself what it holds. The C library lets a program define these ("Replacing malloc" in its manual); all else of
 * malloc stays as it is. Not in builds with sanitizers, which have their own. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

extern void __libc_free(void *memory);
extern void *__libc_realloc(void *memory, size_t size);

void free(void *memory)
{
    int error = errno; /* free() leaves it alone */
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
