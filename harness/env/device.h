/* Devices: experiments/devices/NAME.json says what a machine is called, how it is recognised, and
 * which energy rail and how many threads belong to it (docs/devices.md). */
#ifndef HARNESS_ENV_DEVICE_H
#define HARNESS_ENV_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "condense/status.h"

typedef struct st_device {
    char *name, *title; /* "tx2", "NVIDIA Jetson TX2 (...)" */
    char *arch;         /* "x86_64", "aarch64"; NULL: any */
    char **models;      /* one of them must occur in the machine's own name; none: any machine */
    size_t model_count;
    int32_t threads; /* threads of the study's runs there; 0: no advice */
    char *energy_source,
        *energy_rail; /* as in st_energy_options; NULL: "auto", the source's choice */
    char *notes;      /* NULL: none */
} st_device;

/* Reads the record called `name`. CN_ENOTFOUND, with the names there are, where there is none;
 * CN_EFORMAT for a malformed record. Free with st_device_free. */
cn_status st_device_load(st_device **out, const char *name, cn_error *error);

/* Whether the machine whose /sys and /proc lie under `sysfs` ("/" here) is such a device; where it
 * is not, *error says what was found and what was expected (code CN_EUNSUPPORTED). */
bool st_device_matches(const st_device *device, const char *sysfs, cn_error *error);

/* What the machine calls itself: the device tree's model (aarch64 boards), else the product name of
 * the firmware, else the processor's. A new string for cn_free; NULL where it says nothing. */
char *st_device_machine(const char *sysfs);

void st_device_free(st_device *device);

#endif
