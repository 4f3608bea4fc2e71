/* The readings of one sensor as a curve of energy over time. No clock, no thread, no files: the
 * times and values come from the caller (docs/energy.md). */
#ifndef HARNESS_SENSE_TRACE_H
#define HARNESS_SENSE_TRACE_H

#include "condense/status.h"
#include "sense/source.h"

/* One point of the curve; everything is summed up since the beginning, so that a window is the
 * difference of two points. */
typedef struct st_node {
    int64_t ns;
    double microjoule, covered_ns; /* covered: time over which energy is known */
    int64_t changed_ns;            /* when the value last changed, or was first read */
    int64_t readings, changes, failures, gaps;
} st_node;

typedef struct st_trace {
    const st_sensor *sensor;
    int64_t longest_ns; /* a power reading speaks for no longer than this */
    st_node *nodes;     /* ring */
    int64_t count, capacity;
    st_node sums;                          /* up to the latest reading, which need not be a node */
    int64_t values[ST_CHANNELS], value_ns; /* the latest good reading */
    int64_t first_ns;                      /* the first good reading */
    int last_error;                        /* of the latest failed reading; 0: none failed */
} st_trace;

/* Differences over a window; all 0 where nothing was read. */
typedef struct st_trace_window {
    double microjoule, covered_ns;
    int64_t readings, changes, failures, gaps;
    bool stuck; /* no change in the window, and far too long none before it */
} st_trace_window;

/* A trace that keeps the latest `capacity` points of `sensor`, read every `period_ns`. */
cn_status st_trace_open(st_trace *trace, const st_sensor *sensor, int64_t period_ns,
                        int64_t capacity, cn_error *error);
void st_trace_close(st_trace *trace);

/* A reading (microjoules or microwatts) at `ns`, which must not go back. Values that cannot be true
 * (below zero, beyond 10 kW, a counter that went back) are taken as failures with ERANGE. */
void st_trace_add(st_trace *trace, int64_t ns, const int64_t *values);

/* A reading that failed with `error` (an errno). */
void st_trace_fail(st_trace *trace, int error);

/* The time up to which the curve is known; INT64_MIN before the first reading. */
int64_t st_trace_end(const st_trace *trace);

st_trace_window st_trace_between(const st_trace *trace, int64_t begin_ns, int64_t end_ns);

#endif
