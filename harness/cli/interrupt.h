/* Breaking off a long command: Ctrl-C, a hang-up or a termination. */
#ifndef HARNESS_CLI_INTERRUPT_H
#define HARNESS_CLI_INTERRUPT_H

#include <signal.h>

/* The last such signal's number, 0 before the first, from st_interrupt_watch on: for work to end at
 * its next step and keep what it has. */
extern volatile sig_atomic_t st_interrupted;

/* A signal more than a second after the first ends the program at once; sooner it is the same key
 * press, delivered by make or timeout again. */
void st_interrupt_watch(void);

#endif
