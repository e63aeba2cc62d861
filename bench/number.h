/*
 * What the bench programs share: reading a number from the command line.
 */
#pragma once

/* Returns the number that `text` spells, at least `low`, at most `high`; otherwise says on stderr which
 * option of which program is wrong and what it takes, and ends the process with status 2. */
long bench_number(const char *program, const char *option, const char *text, long low, long high);
