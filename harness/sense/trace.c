#include "sense/trace.h"

#include <errno.h>
#include <string.h>

#include "condense/memory.h"

/* More than any machine under test draws: 10 kW, and 1 J for the steps in which counters move. */
static const double MOST_MICROWATT = 1e10, STEP_MICROJOULE = 1e6;

/* A power reading holds for at most this many periods; longer is a gap. */
enum { HOLD_PERIODS = 10 };

/* Without a change for a second, or where this many were to be expected, the sensor is stuck. */
enum { EXPECTED_CHANGES = 20 };
static const double STUCK_NS = 1e9;

cn_status st_trace_open(st_trace *trace, const st_sensor *sensor, int64_t period_ns,
                        int64_t capacity, cn_error *error)
{
    *trace = (st_trace){.sensor = sensor,
                        .longest_ns = HOLD_PERIODS * period_ns,
                        .capacity = capacity,
                        .value_ns = INT64_MIN,
                        .first_ns = INT64_MIN};
    trace->nodes = cn_calloc((size_t)capacity, sizeof *trace->nodes);
    return trace->nodes ? CN_OK : cn_fail(error, CN_ENOMEM, "out of memory for energy readings");
}

void st_trace_close(st_trace *trace)
{
    cn_free(trace->nodes);
    *trace = (st_trace){0};
}

/* Point i of those kept, 0 the oldest. */
static const st_node *node(const st_trace *trace, int64_t i)
{
    int64_t oldest = trace->count > trace->capacity ? trace->count - trace->capacity : 0;
    return &trace->nodes[(oldest + i) % trace->capacity];
}

static int64_t kept(const st_trace *trace)
{
    return trace->count < trace->capacity ? trace->count : trace->capacity;
}

static void keep(st_trace *trace, int64_t ns)
{
    trace->sums.ns = ns;
    trace->nodes[trace->count++ % trace->capacity] = trace->sums;
}

int64_t st_trace_end(const st_trace *trace)
{
    return trace->count ? node(trace, kept(trace) - 1)->ns : INT64_MIN;
}

/* Energy between two values of a counter; below zero where it went back. A step back by more than
 * half the range is a wrap. */
static double counted(int64_t before, int64_t now, int64_t range)
{
    double step = (double)now - (double)before;
    if (step < 0 && range > 0 && step + (double)range < (double)range / 2) step += (double)range;
    return step;
}

/* Adds the energy since the last point to the sums; false where the readings cannot be true. */
static bool count_energy(st_trace *trace, int64_t since_ns, int64_t ns, const int64_t *values)
{
    double span = (double)(ns - since_ns), energy = 0;
    for (int32_t c = 0; c < trace->sensor->channels; c++) {
        double step = counted(trace->values[c], values[c], trace->sensor->ranges[c]);
        if (step < 0 || step > STEP_MICROJOULE + MOST_MICROWATT * span * 1e-9) return false;
        energy += step;
    }
    trace->sums.microjoule += energy;
    trace->sums.covered_ns += span;
    return true;
}

static void integrate_power(st_trace *trace, int64_t ns, const int64_t *values)
{
    if (ns - trace->value_ns > trace->longest_ns) {
        trace->sums.gaps++;
        return;
    }
    double span = (double)(ns - trace->value_ns), sum = 0;
    for (int32_t c = 0; c < trace->sensor->channels; c++)
        sum += (double)trace->values[c] + (double)values[c];
    trace->sums.microjoule += sum / 2 * span * 1e-9;
    trace->sums.covered_ns += span;
}

static bool plausible(const st_trace *trace, const int64_t *values)
{
    bool power = trace->sensor->kind == ST_SENSOR_POWER;
    for (int32_t c = 0; c < trace->sensor->channels; c++)
        if (values[c] < 0 || (power && (double)values[c] > MOST_MICROWATT)) return false;
    return true;
}

void st_trace_fail(st_trace *trace, int error)
{
    trace->sums.failures++;
    trace->last_error = error;
}

void st_trace_add(st_trace *trace, int64_t ns, const int64_t *values)
{
    if (!plausible(trace, values)) {
        st_trace_fail(trace, ERANGE);
        return;
    }
    size_t size = (size_t)trace->sensor->channels * sizeof *values;
    bool first = trace->value_ns == INT64_MIN;
    bool changed = !first && memcmp(trace->values, values, size) != 0;
    trace->sums.readings++;
    trace->sums.changes += changed;
    if (first || changed) trace->sums.changed_ns = ns;
    if (first) {
        trace->first_ns = ns;
    } else if (trace->sensor->kind == ST_SENSOR_POWER) {
        integrate_power(trace, ns, values);
    } else if (!changed) {
        /* The curve of a counter runs straight from change to change: between its updates energy
         * flows, too. */
        trace->value_ns = ns;
        return;
    } else if (!count_energy(trace, trace->sums.ns, ns, values)) {
        st_trace_fail(trace, ERANGE); /* goes on from the new value, the time between is lost */
        trace->sums.gaps++;
    }
    memcpy(trace->values, values, size);
    trace->value_ns = ns;
    keep(trace, ns);
}

/* The end of the curve, with the readings that gave no point of their own: those of a counter that
 * did not change since. */
static st_node after_the_last(const st_trace *trace, const st_node *last, int64_t ns)
{
    st_node at = *last;
    double silent = (double)(trace->value_ns - last->ns), share = 0;
    if (silent > 0) share = (double)(ns - last->ns) / silent;
    if (share > 1) share = 1;
    at.readings += (int64_t)(share * (double)(trace->sums.readings - last->readings));
    return at;
}

/* The curve at `ns`, straight between points, level before the first and after the last. */
static st_node curve_at(const st_trace *trace, int64_t ns)
{
    int64_t low = 0, high = kept(trace) - 1;
    if (ns <= node(trace, low)->ns) return *node(trace, low);
    if (ns >= node(trace, high)->ns) return after_the_last(trace, node(trace, high), ns);
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (node(trace, middle)->ns <= ns)
            low = middle;
        else
            high = middle;
    }
    const st_node *a = node(trace, low), *b = node(trace, high);
    double share = (double)(ns - a->ns) / (double)(b->ns - a->ns);
    st_node at = *a;
    at.ns = ns;
    at.microjoule += share * (b->microjoule - a->microjoule);
    at.covered_ns += share * (b->covered_ns - a->covered_ns);
    at.readings += (int64_t)(share * (double)(b->readings - a->readings));
    return at;
}

/* Whether the silence around the window contradicts how often the sensor changed before. Windows
 * may be short, so the silence counts from the last change on, not from the window's beginning. */
static bool is_stuck(const st_trace *trace, const st_node *begin, int64_t end_ns)
{
    int64_t until = end_ns < trace->value_ns ? end_ns : trace->value_ns;
    double silence = (double)(until - begin->changed_ns);
    if (begin->changes == 0) return silence >= STUCK_NS;
    double lively = (double)(begin->changed_ns - trace->first_ns);
    return (double)begin->changes * silence >= EXPECTED_CHANGES * lively;
}

st_trace_window st_trace_between(const st_trace *trace, int64_t begin_ns, int64_t end_ns)
{
    if (trace->count == 0 || end_ns <= begin_ns)
        return (st_trace_window){.failures = trace->sums.failures};
    st_node a = curve_at(trace, begin_ns), b = curve_at(trace, end_ns);
    st_trace_window window = {
        .microjoule = b.microjoule - a.microjoule,
        .covered_ns = b.covered_ns - a.covered_ns,
        .readings = b.readings - a.readings,
        .changes = b.changes - a.changes,
        .failures = b.failures - a.failures,
        .gaps = b.gaps - a.gaps,
    };
    /* Failures belong to the point after them, which a sensor that vanished never has. */
    if (end_ns >= st_trace_end(trace)) window.failures = trace->sums.failures - a.failures;
    window.stuck = window.changes == 0 && window.readings > 0 && is_stuck(trace, &a, end_ns);
    return window;
}
