/* What every program does first: its memory holds secrets, so nobody gets to read it.
 *
 * No core file is written (the limit is 0, and the process is not dumpable); one that is forced all the same, by
 * somebody who may, holds no memory (coredump_filter). Nobody but root may trace it or read /proc/PID/environ and
 * /proc/PID/mem. None of this can fail so that the program should not go on; what a sandbox forbids is left undone. */
#pragma once

void harden_process(void);
