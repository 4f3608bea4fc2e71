/* Calibration jobs: a trained network compressed without training, on some hundred images, and its
 * accuracy before and after. */
#ifndef HARNESS_STUDY_CALIBRATION_H
#define HARNESS_STUDY_CALIBRATION_H

#include <stdbool.h>
#include <stdint.h>

#include "condense/model.h"
#include "condense/post.h"
#include "condense/quantize.h"
#include "data/dataset.h"
#include "store/record_calibration.h"
#include "study/rates.h"

typedef struct st_calibration_job {
    const char *model, *scale;
    const char *dataset; /* NULL: the scale's own */
    const char *weights; /* NULL: the network's usual ones */
    const char
        *output;    /* file of the result, compact where it ends in .cnz; NULL: it is not kept */
    int64_t images; /* to calibrate on; 0: all there are */
    int64_t test_images; /* 0: all */
    int64_t seed, threads;
    cn_correction correction;
    /* Pruning, where there are rates; else quantization. */
    cn_scheme scheme;
    double rates[ST_MOST_RATES];
    int32_t rate_count;
    bool reconstruct; /* ADMM; else magnitude */
    cn_range range;
    bool learned, equalize;
    const volatile int *stop;
} st_calibration_job;

/* A job with what it works on. */
typedef struct st_calibrator {
    const st_calibration_job *job;
    cn_model model;
    cn_weights weights; /* as loaded */
    char *metadata;     /* of their file; may be NULL */
    st_dataset *test;
    st_dataset *calibration;
    float *input; /* `images` pictures */
    int64_t images;
    st_metrics before;
    bool measured; /* `before` is */
} st_calibrator;

/* One finished rate, or quantization. `facts` points into the rest. */
typedef struct st_calibration_result {
    st_calibration_facts facts;
    st_calibration_layer *layers;
    cn_graph graph;
    cn_weights folded;
} st_calibration_result;

/* Loads network, weights and data sets. CN_EINVAL for random weights, which have no accuracy to
 * lose, and where the splits are one. Clear it whatever the status. */
cn_status st_calibrator_open(st_calibrator *calibrator, const st_calibration_job *job,
                             cn_error *error);

/* What decides the result of rate `index` (0 for quantization), before anything is done: the names,
 * settings and hashes of result->facts. */
void st_calibrator_describe(const st_calibrator *calibrator, int32_t index,
                            st_calibration_facts *facts);

/* Compresses, measures and, where the job says so, writes the weight file. The accuracy before is
 * measured once. Clear the result whatever the status. */
cn_status st_calibrator_run(st_calibrator *calibrator, int32_t index, st_calibration_result *result,
                            cn_error *error);

void st_calibration_result_clear(st_calibration_result *result);
void st_calibrator_close(st_calibrator *calibrator);

#endif
