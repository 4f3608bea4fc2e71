/* The INA3221 of Jetson boards: three rails a chip, in one of two layouts.
 *
 *   hwmon (mainline, L4T r34 and later): /sys/class/hwmon/hwmonN/name is "ina3221";
 *       inK_label, inK_input (mV), currK_input (mA), K = 1 .. 3
 *   iio (L4T r32 and before): /sys/bus/i2c/drivers/ina3221x/ADDRESS/iio:deviceN/ (or iio_device);
 *       rail_name_K, in_powerK_input (mW), K = 0 .. 2
 */
#include <stdio.h>
#include <string.h>

#include "condense/memory.h"
#include "env/sysfs.h"
#include "sense/source.h"

/* Rails that carry all the power of their board, best first. */
static const char *const totals[] = {"VDD_IN", "POM_5V_IN", "VIN"};
enum { TOTALS = sizeof totals / sizeof *totals };

/* A rail: power in mW in one file, or mV and mA in two. */
typedef struct rail_files {
    char *factors[2]; /* the second one NULL for iio */
} rail_files;

/* What the search has come to: the best rail so far, and the names of all for the message. */
typedef struct search {
    const char *sysfs, *rail;
    int best; /* index into totals, or TOTALS */
    rail_files files;
    char name[64], seen[160];
} search;

static void free_files(rail_files *files)
{
    cn_free(files->factors[0]);
    cn_free(files->factors[1]);
    *files = (rail_files){{NULL, NULL}};
}

static int rank(const search *s, const char *name)
{
    if (s->rail) return strcmp(name, s->rail) ? TOTALS : 0;
    int i = 0;
    while (i < TOTALS && strcmp(name, totals[i]) != 0)
        i++;
    return i;
}

/* Looks at one rail: its name lies in `label`, its files are `first` and, unless NULL, `second`,
 * all of them in `folder`. */
static void consider(search *s, const char *folder, const char *label, const char *first,
                     const char *second)
{
    char *path = cn_sprintf("%s/%s", folder, label);
    char *name = path ? st_sysfs_read(s->sysfs, path) : NULL;
    cn_free(path);
    if (!name) return;
    size_t used = strlen(s->seen);
    snprintf(s->seen + used, sizeof s->seen - used, "%s%s", used ? ", " : "", name);
    if (rank(s, name) < s->best) {
        const char *root = strcmp(s->sysfs, "/") ? s->sysfs : "";
        s->best = rank(s, name);
        snprintf(s->name, sizeof s->name, "%s", name);
        free_files(&s->files);
        s->files.factors[0] = cn_sprintf("%s%s/%s", root, folder, first);
        if (second) s->files.factors[1] = cn_sprintf("%s%s/%s", root, folder, second);
    }
    cn_free(name);
}

static void search_hwmon(search *s)
{
    static const char folder[] = "/sys/class/hwmon";
    char **chips;
    size_t count = st_sysfs_list(s->sysfs, folder, "hwmon", &chips);
    for (size_t i = 0; i < count; i++) {
        char path[128], label[32], volt[32], ampere[32];
        snprintf(path, sizeof path, "%s/%s/name", folder, chips[i]);
        char *name = st_sysfs_read(s->sysfs, path);
        bool right = name && !strcmp(name, "ina3221");
        cn_free(name);
        snprintf(path, sizeof path, "%s/%s", folder, chips[i]);
        for (int k = 1; right && k <= 3; k++) {
            snprintf(label, sizeof label, "in%d_label", k);
            snprintf(volt, sizeof volt, "in%d_input", k);
            snprintf(ampere, sizeof ampere, "curr%d_input", k);
            consider(s, path, label, volt, ampere);
        }
    }
    cn_free(chips);
}

static void search_iio(search *s)
{
    static const char folder[] = "/sys/bus/i2c/drivers/ina3221x";
    char **chips, **devices;
    size_t count = st_sysfs_list(s->sysfs, folder, "", &chips);
    for (size_t i = 0; i < count; i++) {
        char chip[300], path[600], label[32], power[32];
        snprintf(chip, sizeof chip, "%s/%s", folder, chips[i]);
        size_t found = st_sysfs_list(s->sysfs, chip, "iio", &devices);
        for (size_t d = 0; d < found; d++) {
            snprintf(path, sizeof path, "%s/%s", chip, devices[d]);
            for (int k = 0; k < 3; k++) {
                snprintf(label, sizeof label, "rail_name_%d", k);
                snprintf(power, sizeof power, "in_power%d_input", k);
                consider(s, path, label, power, NULL);
            }
        }
        cn_free(devices);
    }
    cn_free(chips);
}

static void ina3221_close(st_sensor *sensor)
{
    if (sensor->state) free_files(sensor->state);
    cn_free(sensor->state);
    sensor->state = NULL;
}

static int ina3221_read(st_sensor *sensor, int64_t *values)
{
    const rail_files *files = sensor->state;
    int64_t first, second = 1000; /* mW to microwatts */
    int error = st_sense_number(files->factors[0], &first);
    if (!error && files->factors[1]) error = st_sense_number(files->factors[1], &second);
    /* Out of range for the chip (26 V, 163 A): garbage, and the product might not fit. */
    if (error || first < -1000000 || first > 1000000 || second < -1000000 || second > 1000000)
        values[0] = -1;
    else
        values[0] = first * second;
    return error;
}

static bool ina3221_open(st_sensor *sensor, const char *sysfs, const char *rail, char *reason)
{
    search s = {.sysfs = sysfs, .rail = rail, .best = TOTALS};
    *sensor = (st_sensor){.kind = ST_SENSOR_POWER, .channels = 1};
    search_hwmon(&s);
    search_iio(&s);
    int64_t value;
    if (s.best < TOTALS && s.files.factors[0]) sensor->state = cn_calloc(1, sizeof s.files);
    if (!sensor->state) {
        free_files(&s.files);
        if (!*s.seen)
            snprintf(reason, ST_REASON,
                     "no INA3221 in /sys/class/hwmon or "
                     "/sys/bus/i2c/drivers/ina3221x");
        else if (rail)
            snprintf(reason, ST_REASON, "no rail %.40s; there are: %s", rail, s.seen);
        else
            snprintf(reason, ST_REASON, "none of the rails is known to carry everything: %s",
                     s.seen);
        return false;
    }
    *(rail_files *)sensor->state = s.files;
    snprintf(sensor->label, sizeof sensor->label, "ina3221:%s", s.name);
    int error = ina3221_read(sensor, &value);
    if (!error) return true;
    snprintf(reason, ST_REASON, "%s: %s", sensor->label, strerror(error));
    ina3221_close(sensor);
    return false;
}

const st_sense_source st_sense_ina3221 = {"ina3221", true, ina3221_open, ina3221_read,
                                          ina3221_close};
