#include "cli/interrupt.h"

#include <stddef.h>

volatile sig_atomic_t st_interrupted;

static void on_signal(int number)
{
    (void)number;
    st_interrupted = 1;
}

void st_interrupt_watch(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
}
