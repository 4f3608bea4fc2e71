/* RAPL through powercap: /sys/class/powercap/intel-rapl:0/{name,energy_uj,max_energy_range_uj}, of
 * Intel and AMD processors alike. Zones nest: a package holds its core and uncore, on most machines
 * not the memory (dram); psys, where a laptop has it, is the whole platform and holds the packages.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "condense/memory.h"
#include "env/sysfs.h"
#include "sense/source.h"

static const char FOLDER[] = "/sys/class/powercap";

typedef struct zones {
    char *counters[ST_CHANNELS]; /* paths of energy_uj */
} zones;

static void rapl_close(st_sensor *sensor)
{
    zones *z = sensor->state;
    for (int32_t c = 0; z && c < sensor->channels; c++)
        cn_free(z->counters[c]);
    cn_free(z);
    sensor->state = NULL;
}

/* The packages where no zone was asked for, else every zone of that name. */
static bool wanted(const char *zone, const char *name, const char *rail)
{
    if (rail) return !strcmp(name, rail);
    const char *colon = strchr(zone, ':');
    return !strncmp(name, "package-", 8) && colon && !strchr(colon + 1, ':');
}

/* Adds a zone to the sensor; 0 or errno. */
static int add_zone(st_sensor *sensor, const char *sysfs, const char *zone, const char *name)
{
    zones *z = sensor->state;
    char path[256];
    int64_t now;
    snprintf(path, sizeof path, "%s/%s/max_energy_range_uj", FOLDER, zone);
    if (!st_sysfs_number(sysfs, path, &sensor->ranges[sensor->channels])) return errno;
    char *counter = cn_sprintf("%s%s/%s/energy_uj", strcmp(sysfs, "/") ? sysfs : "", FOLDER, zone);
    if (!counter) return ENOMEM;
    int error = st_sense_number(counter, &now);
    if (error) {
        cn_free(counter);
        return error;
    }
    /* The counter takes the value of its range, too, before it starts again at 0. */
    sensor->ranges[sensor->channels]++;
    z->counters[sensor->channels++] = counter;
    size_t used = strlen(sensor->label);
    snprintf(sensor->label + used, sizeof sensor->label - used, "%s%s",
             sensor->channels > 1 ? "+" : "rapl:", name);
    return 0;
}

static bool rapl_open(st_sensor *sensor, const char *sysfs, const char *rail, char *reason)
{
    char **names, *label;
    size_t count = st_sysfs_list(sysfs, FOLDER, "intel-rapl:", &names);
    *sensor = (st_sensor){.kind = ST_SENSOR_COUNTER, .state = cn_calloc(1, sizeof(zones))};
    int error = sensor->state ? 0 : ENOMEM;
    for (size_t i = 0; !error && i < count && sensor->channels < ST_CHANNELS; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s/name", FOLDER, names[i]);
        label = st_sysfs_read(sysfs, path);
        if (label && wanted(names[i], label, rail))
            error = add_zone(sensor, sysfs, names[i], label);
        cn_free(label);
    }
    cn_free(names);
    if (!error && sensor->channels > 0) return true;
    if (error == EACCES)
        snprintf(reason, ST_REASON,
                 "energy_uj may only be read by root; 'sudo chmod a+r "
                 "/sys/class/powercap/intel-rapl:*/energy_uj' allows it until the next start");
    else if (error)
        snprintf(reason, ST_REASON, "%s: %s", FOLDER, strerror(error));
    else if (count)
        snprintf(reason, ST_REASON, "%s has no zone called %s", FOLDER, rail ? rail : "package-*");
    else
        snprintf(reason, ST_REASON,
                 "no %s/intel-rapl:* (a virtual machine, or 'sudo modprobe intel_rapl_msr' first)",
                 FOLDER);
    rapl_close(sensor);
    return false;
}

static int rapl_read(st_sensor *sensor, int64_t *values)
{
    const zones *z = sensor->state;
    for (int32_t c = 0; c < sensor->channels; c++) {
        int error = st_sense_number(z->counters[c], &values[c]);
        if (error) return error;
    }
    return 0;
}

const st_sense_source st_sense_rapl = {"rapl", true, rapl_open, rapl_read, rapl_close};
