/* Pages: files embedded in the program: openapi.yaml, docs.html. */
#pragma once
#include "base/text.h"

struct page {
    const char *name;
    struct text bytes;
};
extern const struct page pages[]; /* ends with {0} */
