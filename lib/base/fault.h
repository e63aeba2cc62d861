/* Fault points: places where a test can make a program kill itself (SIGKILL). They exist only in builds with
 * POSTHORN_FAULT_POINTS; in others they are empty.
 *
 * POSTHORN_FAULT="after-send:3" kills the process when it reaches fault_point("after-send") for the third time. */
#pragma once

#ifdef POSTHORN_FAULT_POINTS
void fault_point(const char *name);
#else
#define fault_point(name) ((void)0)
#endif
