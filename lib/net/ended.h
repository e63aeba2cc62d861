/* Ended: a socket that is at its end. It replaces the descriptor of a connection that must not be used any more, while
 * a library keeps that descriptor: the library reads the end of the connection, and nothing that arrived before. */
#pragma once
#include <stdbool.h>

/* Returns a descriptor that is readable and at its end, for the caller to close; -1: there is no descriptor left. */
int ended_open(void);

/* Makes `fd` refer to `ended`; the connection that it referred to is closed. Returns `fd`; -1 if that fails, and the
 * connection is only shut down. */
int ended_replace(int ended, int fd);
