/* Signals of a program, arranged before anything else in main(), so that none comes too early. */
#pragma once
#include <signal.h>

/* SIGPIPE, SIGUSR1 and SIGUSR2 do nothing: a write to what is closed is an error like others. */
void signals_ignore(void);

/* The same, and what ends a program in order (SIGTERM, SIGINT, SIGHUP) waits until it is asked for: by sigwait(), or
 * with a signalfd. All threads made later inherit this. SIGHUP stays ignored where it is, as nohup does it. */
void signals_hold(sigset_t *ends);
