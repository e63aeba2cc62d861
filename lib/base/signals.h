/* Signals: the signal handling of a program. Set up first in main(), so that no signal arrives before it. */
#pragma once
#include <signal.h>

/* Ignores SIGPIPE, SIGUSR1 and SIGUSR2: writing to a closed descriptor returns an error. */
void signals_ignore(void);

/* As signals_ignore(), and blocks the signals that end a program (SIGTERM, SIGINT, SIGHUP), to be read with sigwait()
 * or a signalfd. Threads created later inherit this. If SIGHUP is ignored, as by nohup, it stays ignored. */
void signals_hold(sigset_t *ends);
