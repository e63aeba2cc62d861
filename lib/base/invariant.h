/* Invariant: a condition that holds whatever the input is, unless there is a defect in Posthorn. It is checked in
 * release builds, too. A dispatcher that ends here resumes from its position, and nothing is lost; one that continued
 * could commit wrong data. */
#pragma once

#define invariant(condition) ((condition) ? (void)0 : invariant_failed(__FILE__, __LINE__, #condition))

/* Logs the place and the condition, and ends the process. */
_Noreturn void invariant_failed(const char *file, int line, const char *condition);
