/* Places where a test can make a program die (kill -9 of itself). Only in builds with POSTHORN_FAULT_POINTS; elsewhere
 * they are nothing.
 *
 * POSTHORN_FAULT="after-send:3" kills the process the third time that it comes to fault_point("after-send"). */
#pragma once

#ifdef POSTHORN_FAULT_POINTS
void fault_point(const char *name);
#else
#define fault_point(name) ((void)0)
#endif
