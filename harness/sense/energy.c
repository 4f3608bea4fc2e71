#include "sense/energy.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "condense/clock.h"
#include "condense/memory.h"
#include "sense/source.h"
#include "sense/trace.h"

/* Points kept: over four minutes at 1,000 readings a second, in 14 MB. */
enum { POINTS = 1 << 18 };

static const double LEAST_COVERAGE = 0.9;   /* below it there is no energy, only a reason */
static const double WHOLE_COVERAGE = 0.995; /* below it the reason says that it is partial */

/* How long to wait for the reading after a window's end: slow counters change ten times a second.
 */
enum { PATIENCE_MS = 250, HOPELESS = 20 };

static const st_sense_source *const sources[] = {&st_sense_rapl, &st_sense_ina3221, &st_sense_nvml};
enum { SOURCES = sizeof sources / sizeof *sources };

struct st_energy {
    const st_sense_source *source; /* NULL: no sensor */
    st_sensor sensor;
    double rate_hz, idle_milliwatt;
    char reason[ST_REASON]; /* why there is no sensor */
    pthread_t thread;
    pthread_mutex_t lock; /* of everything below */
    st_trace trace;
    int failed_in_a_row;
    atomic_bool stop;
};

st_energy_options st_energy_defaults(void)
{
    return (st_energy_options){.sysfs = "/", .source = "auto", .rate_hz = 1000};
}

/* Reads once; the time of the reading is the middle of the call. */
static void sample(st_energy *energy)
{
    int64_t values[ST_CHANNELS], before = cn_clock_ns();
    int error = energy->source->read(&energy->sensor, values);
    int64_t ns = before + (cn_clock_ns() - before) / 2;
    pthread_mutex_lock(&energy->lock);
    if (error)
        st_trace_fail(&energy->trace, error);
    else
        st_trace_add(&energy->trace, ns, values);
    energy->failed_in_a_row = error ? energy->failed_in_a_row + 1 : 0;
    pthread_mutex_unlock(&energy->lock);
}

/* Deadlines are absolute, so that a late reading does not shift those after it; where several were
 * missed, they are left out instead of made up for. */
static void *sampling(void *argument)
{
    st_energy *energy = argument;
    const int64_t period = (int64_t)(1e9 / energy->rate_hz), second = 1000000000;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t deadline = now.tv_sec * second + now.tv_nsec;
    while (!atomic_load(&energy->stop)) {
        sample(energy);
        clock_gettime(CLOCK_MONOTONIC, &now);
        int64_t time = now.tv_sec * second + now.tv_nsec;
        deadline += period;
        if (deadline < time) deadline += (time - deadline) / period * period;
        struct timespec until = {.tv_sec = deadline / second, .tv_nsec = deadline % second};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
    return NULL;
}

/* Opens the source called `name`, or the first automatic one that works. Without one the reasons of
 * all that were tried are kept. */
static void choose(st_energy *energy, const st_energy_options *options)
{
    bool automatic = !strcmp(options->source, "auto");
    for (int i = 0; i < SOURCES && !energy->source; i++) {
        if (automatic ? !sources[i]->automatic : strcmp(options->source, sources[i]->name) != 0)
            continue;
        char reason[ST_REASON];
        if (sources[i]->open(&energy->sensor, options->sysfs, options->rail, reason)) {
            energy->source = sources[i];
        } else {
            size_t used = strlen(energy->reason);
            snprintf(energy->reason + used, sizeof energy->reason - used, "%s%s: %s",
                     used ? "; " : "", sources[i]->name, reason);
        }
    }
    if (!strcmp(options->source, "none"))
        snprintf(energy->reason, sizeof energy->reason, "energy was switched off");
}

static cn_status start(st_energy *energy, cn_error *error)
{
    cn_status status = st_trace_open(&energy->trace, &energy->sensor,
                                     (int64_t)(1e9 / energy->rate_hz), POINTS, error);
    if (status != CN_OK) return status;
    int failed = pthread_create(&energy->thread, NULL, sampling, energy);
    if (!failed) return CN_OK;
    st_trace_close(&energy->trace);
    return cn_fail(error, CN_ENOMEM, "no thread for the energy sensor: %s", strerror(failed));
}

static cn_status check(const st_energy_options *options, cn_error *error)
{
    bool known = !strcmp(options->source, "auto") || !strcmp(options->source, "none");
    for (int i = 0; i < SOURCES; i++)
        known |= !strcmp(options->source, sources[i]->name);
    if (!known)
        return cn_fail(error, CN_EINVAL,
                       "there is no energy source '%s'; there are auto, none, rapl, ina3221, nvml",
                       options->source);
    if (!(options->rate_hz >= 1 && options->rate_hz <= 10000))
        return cn_fail(error, CN_EINVAL,
                       "%g energy readings a second; from 1 to 10000 are possible",
                       options->rate_hz);
    return CN_OK;
}

cn_status st_energy_open(st_energy **out, const st_energy_options *options, cn_error *error)
{
    *out = NULL;
    cn_status status = check(options, error);
    if (status != CN_OK) return status;
    st_energy *energy = cn_calloc(1, sizeof *energy);
    if (!energy) return cn_fail(error, CN_ENOMEM, "out of memory for the energy sensor");
    energy->rate_hz = options->rate_hz;
    energy->idle_milliwatt = NAN;
    pthread_mutex_init(&energy->lock, NULL);
    choose(energy, options);
    if (energy->source) status = start(energy, error);
    if (status != CN_OK) {
        energy->source->close(&energy->sensor);
        pthread_mutex_destroy(&energy->lock);
        cn_free(energy);
        return status;
    }
    *out = energy;
    return CN_OK;
}

const char *st_energy_source(const st_energy *energy)
{
    return energy->source ? energy->sensor.label : NULL;
}

static void sleep_seconds(double seconds)
{
    struct timespec span = {.tv_sec = (time_t)seconds,
                            .tv_nsec = (long)((seconds - floor(seconds)) * 1e9)};
    while (nanosleep(&span, &span) != 0 && errno == EINTR)
        continue;
}

/* The window, as soon as the curve reaches its end or there is no hope that it will. */
static st_trace_window settled(st_energy *energy, int64_t begin_ns, int64_t end_ns, int *last_error)
{
    for (int waited = 0;; waited++) {
        pthread_mutex_lock(&energy->lock);
        bool done = st_trace_end(&energy->trace) >= end_ns || waited == PATIENCE_MS ||
                    energy->failed_in_a_row >= HOPELESS;
        st_trace_window window = {0};
        if (done) window = st_trace_between(&energy->trace, begin_ns, end_ns);
        *last_error = energy->trace.last_error;
        pthread_mutex_unlock(&energy->lock);
        if (done) return window;
        sleep_seconds(1e-3);
    }
}

/* "12 readings failed, the last one with: ...; 3 gaps". */
static void describe_losses(const st_trace_window *window, int last_error, char *text, size_t room)
{
    *text = '\0';
    if (window->failures)
        snprintf(text, room, ": %lld readings failed, the last one with '%s'",
                 (long long)window->failures,
                 last_error == ERANGE ? "a value that cannot be true" : strerror(last_error));
    size_t used = strlen(text);
    if (window->gaps)
        snprintf(text + used, room - used, "%s %lld gaps of more than ten periods",
                 used ? "," : ":", (long long)window->gaps);
}

static void judge(st_energy_reading *reading, const st_trace_window *window, int last_error)
{
    char losses[160], *reason = reading->reason;
    const size_t room = sizeof reading->reason;
    describe_losses(window, last_error, losses, sizeof losses);
    bool lost = true;
    if (window->stuck)
        snprintf(reason, room, "the sensor is stuck: it gave one value for the whole window");
    else if (reading->coverage < LEAST_COVERAGE)
        snprintf(reason, room, "readings cover only %.0f %% of the window%s",
                 100 * reading->coverage, losses);
    else
        lost = false;
    if (lost) {
        reading->millijoule = NAN;
        return;
    }
    if (reading->coverage < WHOLE_COVERAGE)
        snprintf(reason, room, "partial: readings cover %.1f %% of the window%s",
                 100 * reading->coverage, losses);
    else if (isnan(reading->idle_milliwatt))
        snprintf(reason, room, "idle power is not known and not deducted");
}

st_energy_reading st_energy_window(st_energy *energy, int64_t begin_ns, int64_t end_ns)
{
    st_energy_reading reading = {.millijoule = NAN,
                                 .idle_milliwatt = energy->idle_milliwatt,
                                 .rate_asked_hz = energy->rate_hz};
    if (!energy->source || end_ns <= begin_ns) {
        snprintf(reading.reason, sizeof reading.reason, "%s",
                 energy->source ? "the window is empty" : energy->reason);
        return reading;
    }
    int last_error;
    st_trace_window window = settled(energy, begin_ns, end_ns, &last_error);
    double span = (double)(end_ns - begin_ns);
    reading.rate_got_hz = (double)window.readings / span * 1e9;
    reading.distinct_readings = window.changes;
    reading.coverage = window.covered_ns / span;
    double idle = isnan(energy->idle_milliwatt) ? 0 : energy->idle_milliwatt;
    reading.millijoule = window.microjoule / 1e3 - idle * window.covered_ns * 1e-9;
    judge(&reading, &window, last_error);
    return reading;
}

void st_energy_calibrate(st_energy *energy, double seconds)
{
    if (!energy->source) return;
    energy->idle_milliwatt = NAN;
    int64_t begin_ns = cn_clock_ns();
    sleep_seconds(seconds);
    int64_t end_ns = cn_clock_ns();
    int last_error;
    /* One value throughout is no sign of a stuck sensor here: idle power may well be constant. */
    st_trace_window idle = settled(energy, begin_ns, end_ns, &last_error);
    if (idle.covered_ns >= LEAST_COVERAGE * (double)(end_ns - begin_ns))
        energy->idle_milliwatt = idle.microjoule / idle.covered_ns * 1e6;
}

void st_energy_close(st_energy *energy)
{
    if (!energy) return;
    if (energy->source) {
        atomic_store(&energy->stop, true);
        pthread_join(energy->thread, NULL);
        st_trace_close(&energy->trace);
        energy->source->close(&energy->sensor);
    }
    pthread_mutex_destroy(&energy->lock);
    cn_free(energy);
}
