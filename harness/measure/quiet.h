/* Between two engines that are timed in turn. */
#ifndef HARNESS_MEASURE_QUIET_H
#define HARNESS_MEASURE_QUIET_H

/* Waits until the threads of the engine before have gone to sleep. Thread pools wait for more work
 * at full speed for a while (up to tens of milliseconds), on the processors that the next engine
 * needs. */
void st_wait_for_quiet(void);

#endif
