/* Requests of callers: what is passed never depends on how the bytes arrive, and never contains a NUL in a head. */
#include "framing.h"

#include "fuzz.h"

struct result {
    size_t passed;
    unsigned status;
    int ends;
};

static struct result feed(const char *data, size_t size, size_t piece)
{
    struct framing framing = {0};
    struct result result = {0};
    size_t there = 0;
    while (there < size) {
        there = there + piece < size ? there + piece : size;
        for (;;) {
            bool head = framing.state == FRAMING_HEAD;
            const char *next = data + result.passed;
            struct framing_step step = framing_next(&framing, next, there - result.passed, false);
            ENSURE(step.skip + step.size <= there - result.passed && (step.status == 0 || step.size == 0) &&
                   (step.skip == 0 || step.size > 0));
            result.status = step.status;
            if (step.size == 0)
                break;
            ENSURE(!head || memchr(next, '\0', step.size) == NULL);
            ENSURE(!head || memcmp(next + step.size - 4, "\r\n\r\n", 4) == 0);
            result.passed += step.skip + step.size;
            result.ends += step.ends;
        }
        if (result.status != 0)
            break;
    }
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    ENSURE(copy != NULL);
    memcpy(copy, data, size);
    struct result whole = feed(copy, size, size + 1), bytes = feed(copy, size, 1), threes = feed(copy, size, 3);
    ENSURE(whole.passed == bytes.passed && whole.ends == bytes.ends && (whole.status != 0) == (bytes.status != 0));
    ENSURE(whole.passed == threes.passed && whole.ends == threes.ends && (whole.status != 0) == (threes.status != 0));
    free(copy);
    return 0;
}
