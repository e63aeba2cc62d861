/* Harden: protects a program's memory, which holds secrets, from being read. Called first by every program.
 *
 * No core file is written (the limit is 0, and the process is not dumpable); a core forced by a privileged user
 * contains no memory (coredump_filter). Only root may trace the process or read /proc/PID/environ and /proc/PID/mem. If
 * a sandbox forbids one of the steps, the program continues without it. */
#pragma once

void harden_process(void);
