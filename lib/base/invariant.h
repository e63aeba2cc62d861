/* What must hold while the program is right, whatever comes from outside: a condition that is false is a defect of
 * ours. It is checked in release builds, too. A dispatcher that ends here resumes from its position, and nothing is
 * lost; one that went on could commit what is wrong. */
#pragma once

#define invariant(condition) ((condition) ? (void)0 : invariant_failed(__FILE__, __LINE__, #condition))

/* Logs where and what, and ends the process. */
_Noreturn void invariant_failed(const char *file, int line, const char *condition);
