/* What a kind of energy sensor must provide. Each is one file and one row of the table of energy.c.
 */
#ifndef HARNESS_SENSE_SOURCE_H
#define HARNESS_SENSE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

enum { ST_CHANNELS = 16, ST_REASON = 256 };

typedef enum st_sensor_kind {
    ST_SENSOR_COUNTER, /* microjoules since some moment; a channel wraps after its range */
    ST_SENSOR_POWER    /* microwatts now */
} st_sensor_kind;

/* An open sensor: one or more channels whose sum counts. */
typedef struct st_sensor {
    st_sensor_kind kind;
    int32_t channels;
    int64_t ranges[ST_CHANNELS]; /* counters: the value after the largest one is 0; 0: no wrap */
    char label[128];             /* "rapl:package-0" */
    void *state;                 /* the source's own */
} st_sensor;

typedef struct st_sense_source {
    const char *name;
    bool automatic; /* measures what a run on the processor costs: may be chosen unasked */
    /* Opens the rail (NULL: the choice documented in docs/energy.md). False with a reason that says
     * what is missing and, where there is one, the command that helps. */
    bool (*open)(st_sensor *sensor, const char *sysfs, const char *rail, char reason[ST_REASON]);
    /* One reading of every channel; 0, or an errno that says why not. */
    int (*read)(st_sensor *sensor, int64_t values[ST_CHANNELS]);
    void (*close)(st_sensor *sensor);
} st_sense_source;

extern const st_sense_source st_sense_rapl, st_sense_ina3221, st_sense_nvml;

/* Reads a whole number that fills the file `path`; 0, or errno (EINVAL for anything else in it).
 * Opened anew each time: a file kept open goes on giving its last contents when it is removed. */
int st_sense_number(const char *path, int64_t *value);

#endif
