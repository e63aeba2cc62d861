/* The progress line: one line of a terminal, drawn again and again. Nothing is drawn where there is no terminal. */
#pragma once
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"

struct session_counts;

struct progress {
    FILE *out;
    struct mono begun, drawn;
    bool terminal, visible;
};

void progress_init(struct progress *progress, FILE *out);

/* Draw it, five times a second at most. */
void progress_show(struct progress *progress, const struct session_counts *counts);

/* Make room for a message on the terminal. */
void progress_interrupt(struct progress *progress);

/* The last words, terminal or not. */
void progress_end(struct progress *progress, const struct session_counts *counts);
