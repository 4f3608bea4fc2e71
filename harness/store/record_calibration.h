/* Results of compression after training into the database. */
#ifndef HARNESS_STORE_RECORD_CALIBRATION_H
#define HARNESS_STORE_RECORD_CALIBRATION_H

#include "condense/graph.h"
#include "measure/metrics.h"
#include "store/record.h"

/* One row of calibration_layer. */
typedef struct st_calibration_layer {
    const char *layer, *scheme, *rule; /* rule: may be NULL */
    int64_t weights, nonzero;
    double power, error, floor; /* NAN: the layer stayed as it was */
} st_calibration_layer;

/* One row of calibration; the columns of harness/store/schema_calibration.sql. */
typedef struct st_calibration_facts {
    const char *model, *scale, *dataset, *weights, *scheme, *method;
    double rate_asked, rate; /* rate_asked NAN: quantization only */
    int64_t bits;            /* 0: none, and the next three do not count */
    const char *ranges, *rounding;
    bool equalized;
    const char *correction;
    int64_t seed, threads;
    const char *calibration_set, *calibration_hash;
    int64_t calibration_images;
    const char *test_hash;
    int64_t images;
    st_metrics before, after;
    double seconds;
    const char *output; /* or NULL */
    const st_calibration_layer *layers;
    int32_t layer_count;
} st_calibration_facts;

/* Writes a finished run in one transaction; the environment with the first. */
cn_status st_record_calibration(st_recorder *recorder, const st_calibration_facts *facts,
                                cn_error *error);

/* Whether a run of the same configuration is there; what came of it is not looked at. */
cn_status st_calibration_recorded(const st_store *store, const st_calibration_facts *facts,
                                  bool *recorded, cn_error *error);

#endif
