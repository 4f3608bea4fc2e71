/* A trial: a cell made ready to be sampled. Everything that is not timed happens before. */
#ifndef HARNESS_STUDY_TRIAL_H
#define HARNESS_STUDY_TRIAL_H

#include "condense/random.h"
#include "measure/sampler.h"
#include "sense/energy.h"
#include "study/cell.h"

typedef struct st_trial {
    st_cell cell;
    cn_session *session;
    st_energy *energy;              /* the harness's own */
    int32_t input_count;            /* different inputs, taken in turn */
    size_t input_size, output_size; /* floats of one batch */
    float *inputs, *expected, *output;
    cn_random random; /* which outputs are compared */
    double energy_seconds;
    int32_t energy_blocks, energy_flawed; /* of the latter the energy is missing or partial */
    int64_t begin_ns, begin_wall_ns;
    /* Why it cannot be sampled; verdict ST_VALID where it can. */
    st_verdict verdict;
    char reason[256];
} st_trial;

/* Measures sizes, peak memory, accuracy and layers of trial->cell, works out the outputs that the
 * timed runs must give with a session of its own (other batch, all processors), and plans the
 * session to be timed. What goes wrong with the cell is its verdict; the call fails for
 * interruption only. */
cn_status st_trial_prepare(st_trial *trial, const st_settings *settings, st_energy *energy,
                           const volatile int *stop, cn_error *error);

/* Bytes that the trial holds until it is closed. */
size_t st_trial_bytes(const st_trial *trial);

/* The trial as a subject of sampling. */
st_subject st_trial_subject(st_trial *trial);

void st_trial_close(st_trial *trial);

#endif
