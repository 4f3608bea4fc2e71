/* Breaking off a long command: Ctrl-C, a hang-up or a termination. */
#ifndef HARNESS_CLI_INTERRUPT_H
#define HARNESS_CLI_INTERRUPT_H

#include <signal.h>

/* Becomes 1 with the first such signal from st_interrupt_watch on, for work to end at its next step
 * and keep what it has. */
extern volatile sig_atomic_t st_interrupted;

/* A second signal ends the program. */
void st_interrupt_watch(void);

#endif
