#include "cli/interrupt.h"

#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "condense/clock.h"

volatile sig_atomic_t st_interrupted;

static void on_signal(int number)
{
    static volatile int64_t first_ns;
    int64_t now = cn_clock_ns();
    if (!st_interrupted) first_ns = now;
    st_interrupted = number;
    if (now - first_ns > 1000000000) _exit(128 + number);
}

/* On a stack of its own: oneDNN's matrix products have their stack pointer in memory of the heap
 * for a while, where a signal's frame would overwrite what lies below. Signals go to the main
 * thread, whose stack this is. */
void st_interrupt_watch(void)
{
    static _Alignas(64) char stack[1 << 16];
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
}
