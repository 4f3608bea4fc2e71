/* NVIDIA's management library, loaded at run time: energy of a graphics card alone, so never chosen
 * unasked. Where the card counts energy (Volta and later) the counter is used, else its power. On
 * Jetson boards the library answers but does not measure. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "condense/memory.h"
#include "sense/source.h"

enum { SUCCESS = 0 };

typedef struct nvml {
    void *library, *device;
    int (*init)(void);
    int (*shutdown)(void);
    int (*device_by_index)(unsigned index, void **device);
    int (*total_energy)(void *device, unsigned long long *millijoule);
    int (*power_usage)(void *device, unsigned *milliwatt);
    const char *(*error_string)(int code);
} nvml;

/* POSIX lets a function pointer be filled through an object pointer; C does not know of dlsym. */
static bool resolve(nvml *n)
{
    const struct {
        void *target;
        const char *name;
    } table[] = {
        {&n->init, "nvmlInit_v2"},
        {&n->shutdown, "nvmlShutdown"},
        {&n->device_by_index, "nvmlDeviceGetHandleByIndex_v2"},
        {&n->total_energy, "nvmlDeviceGetTotalEnergyConsumption"},
        {&n->power_usage, "nvmlDeviceGetPowerUsage"},
        {&n->error_string, "nvmlErrorString"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        void *symbol = dlsym(n->library, table[i].name);
        if (!symbol) return false;
        memcpy(table[i].target, &symbol, sizeof symbol);
    }
    return true;
}

static void nvml_close(st_sensor *sensor)
{
    nvml *n = sensor->state;
    if (n && n->device) n->shutdown();
    if (n && n->library) dlclose(n->library);
    cn_free(n);
    sensor->state = NULL;
}

static int nvml_read(st_sensor *sensor, int64_t *values)
{
    const nvml *n = sensor->state;
    unsigned long long millijoule;
    unsigned milliwatt;
    if (sensor->kind == ST_SENSOR_COUNTER) {
        if (n->total_energy(n->device, &millijoule) != SUCCESS) return EIO;
        values[0] = (int64_t)(millijoule * 1000);
        return 0;
    }
    if (n->power_usage(n->device, &milliwatt) != SUCCESS) return EIO;
    values[0] = (int64_t)milliwatt * 1000;
    return 0;
}

/* Finds the card and what it can measure; NULL, or the reason why not. */
static const char *find_card(st_sensor *sensor, unsigned index)
{
    nvml *n = sensor->state;
    unsigned long long millijoule;
    unsigned milliwatt;
    int code = n->init();
    if (code != SUCCESS) return n->error_string(code);
    code = n->device_by_index(index, &n->device);
    if (code != SUCCESS) {
        n->device = NULL;
        n->shutdown();
        return n->error_string(code);
    }
    sensor->kind = ST_SENSOR_COUNTER;
    if (n->total_energy(n->device, &millijoule) == SUCCESS) return NULL;
    sensor->kind = ST_SENSOR_POWER;
    code = n->power_usage(n->device, &milliwatt);
    return code == SUCCESS ? NULL : n->error_string(code);
}

/* The rail is the number of the card; 0 where none is given. */
static bool nvml_open(st_sensor *sensor, const char *sysfs, const char *rail, char *reason)
{
    (void)sysfs; /* the library knows no other place */
    char *end = NULL;
    unsigned long index = rail ? strtoul(rail, &end, 10) : 0;
    nvml *n = cn_calloc(1, sizeof *n);
    *sensor = (st_sensor){.channels = 1, .state = n};
    const char *problem = NULL;
    if (rail && (end == rail || *end || index > 255))
        problem = "the rail is the number of the card: 0, 1, ...";
    else if (!n)
        problem = "out of memory";
    else if (!(n->library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL)))
        problem = "libnvidia-ml.so.1 is not there; it comes with NVIDIA's driver";
    else if (!resolve(n))
        problem = "libnvidia-ml.so.1 is too old: it counts no energy";
    else
        problem = find_card(sensor, (unsigned)index);
    if (!problem) {
        snprintf(sensor->label, sizeof sensor->label, "nvml:%lu", index);
        return true;
    }
    snprintf(reason, ST_REASON, "%s", problem);
    nvml_close(sensor);
    return false;
}

const st_sense_source st_sense_nvml = {"nvml", false, nvml_open, nvml_read, nvml_close};
