/* What a study asks for: a list of requests, expanded from flags or a study file
 * (docs/measuring.md, "Studies"). */
#ifndef HARNESS_STUDY_REQUEST_H
#define HARNESS_STUDY_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "condense/isa.h"
#include "condense/status.h"
#include "measure/stopping.h"

/* One cell as asked. Texts are bounded because they come from outside. */
typedef struct st_request {
    char model[128]; /* of the catalogue, or a path that ends in .lr */
    char scale[32];
    char variant[32], scheme[32];
    double rate; /* NAN: the scheme's own */
    char backend[8], device[48];
    char dataset[64];  /* empty: the model's own */
    char weights[256]; /* empty: by model and scale; "random"; or a file */
    int64_t threads, batch;
    cn_isa isa; /* the highest level allowed */
    bool fuse;  /* the passes that rewrite the graph */
} st_request;

/* How all of them are measured. */
typedef struct st_settings {
    st_rule rule;
    int64_t images; /* of the test split, at most; 0: all */
    uint64_t seed;
    char energy[64]; /* source, "auto" or "none" */
    char rail[64];   /* empty: the device's or the source's choice */
    bool require_energy;
} st_settings;

typedef struct st_plan {
    st_settings settings;
    st_request *requests;
    int32_t count, capacity;
} st_plan;

/* The axes of a matrix of cells. */
typedef enum st_axis {
    ST_AXIS_MODEL,
    ST_AXIS_SCALE,
    ST_AXIS_VARIANT,
    ST_AXIS_SCHEME,
    ST_AXIS_RATE,
    ST_AXIS_BACKEND,
    ST_AXIS_DEVICE,
    ST_AXIS_THREADS,
    ST_AXIS_BATCH,
    ST_AXIS_DATASET,
    ST_AXIS_WEIGHTS,
    ST_AXIS_ISA,
    ST_AXIS_FUSE,
    ST_AXIS_COUNT
} st_axis;

/* "model", "scale", ...: flag and key of the study file. */
extern const char *const st_axis_names[ST_AXIS_COUNT + 1];

/* Seed 1, every image, energy "auto", the rule's defaults. */
st_plan st_plan_new(void);

/* Appends every combination of the axes' values, which are comma lists; NULL stands for the
 * default, `all` for every value. A combination that is there already is not added again. `where`
 * begins the messages ("study.json: cells[1]" or ""). Values that are wrong, or of a kind that this
 * build cannot do, are CN_EINVAL and the message says what can be given. */
cn_status st_plan_add_matrix(st_plan *plan, const char *const values[ST_AXIS_COUNT],
                             const char *where, cn_error *error);

/* Reads a study file and appends its cells; its settings replace the plan's. */
cn_status st_plan_read(st_plan *plan, const char *path, cn_error *error);

void st_plan_clear(st_plan *plan);

#endif
