/* Progress: a line on a terminal that is updated repeatedly. Nothing is drawn if the output is not a terminal. */
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

/* Draws the line, at most five times a second. */
void progress_show(struct progress *progress, const struct session_counts *counts);

/* Clears the line before a message is printed. */
void progress_interrupt(struct progress *progress);

/* Prints the final counts, also without a terminal. */
void progress_end(struct progress *progress, const struct session_counts *counts);
