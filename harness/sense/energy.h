/* Energy over a window of time, by whatever sensor this machine has: RAPL (powercap), INA3221
 * (hwmon, or iio on L4T), NVML. No sensor is a normal case and gives a reason, never a guess. */
#ifndef HARNESS_SENSE_ENERGY_H
#define HARNESS_SENSE_ENERGY_H

#include <stdint.h>

#include "condense/status.h"

typedef struct st_energy st_energy;

typedef struct st_energy_options {
    const char
        *sysfs; /* root of the file system to look in; "/" by default, a fake tree in tests */
    const char *source; /* "auto", "none", or a source's name ("rapl", "ina3221", "nvml") */
    const char *rail;   /* rail or zone by name; NULL: the documented choice */
    double rate_hz;     /* readings a second asked for; 1000 by default */
} st_energy_options;

typedef struct st_energy_reading {
    double millijoule;     /* over the window, idle deducted; NAN where there is none */
    double idle_milliwatt; /* what was deducted; NAN before calibration */
    double rate_asked_hz, rate_got_hz;
    int64_t distinct_readings; /* values that differed from the one before */
    double coverage;           /* share of the window that lies between good readings */
    char reason[256];          /* why millijoule is missing or partial; empty when it is neither */
} st_energy_reading;

st_energy_options st_energy_defaults(void);

/* Opens a source and starts its sampling thread. Always succeeds short of memory: without a sensor
 * the object reports NAN and the reason. */
cn_status st_energy_open(st_energy **out, const st_energy_options *options, cn_error *error);

/* "rapl:package-0", "ina3221:VDD_IN", ...; NULL where there is no sensor. */
const char *st_energy_source(const st_energy *energy);

/* Measures idle power for `seconds`; call while nothing runs. */
void st_energy_calibrate(st_energy *energy, double seconds);

/* Energy between two cn_clock_ns() times, both in the past. */
st_energy_reading st_energy_window(st_energy *energy, int64_t begin_ns, int64_t end_ns);

void st_energy_close(st_energy *energy);

#endif
