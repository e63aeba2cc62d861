/* Shared by the drivers. A property that is violated aborts, which the fuzzer stores as a crash with its input. */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

#define ENSURE(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                    \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Returns at most the next `size` bytes of the input; the input continues after them. */
static inline struct text fuzz_take(struct text *input, size_t size)
{
    struct text taken = {input->data, size < input->size ? size : input->size};
    *input = (struct text){input->data + taken.size, input->size - taken.size};
    return taken;
}

/* Returns the input up to the next line feed, without it. */
static inline struct text fuzz_take_line(struct text *input)
{
    const char *feed = input->size == 0 ? NULL : memchr(input->data, '\n', input->size);
    struct text line = fuzz_take(input, feed != NULL ? (size_t)(feed - input->data) : input->size);
    (void)fuzz_take(input, 1);
    return line;
}
