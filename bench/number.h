/*
 * Shared by the bench programs: reads a number from the command line.
 */
#pragma once

/* Returns the number in `text`, from `low` to `high`. Otherwise writes to stderr which option of which program is
 * wrong, and ends the process with status 2. */
long bench_number(const char *program, const char *option, const char *text, long low, long high);
