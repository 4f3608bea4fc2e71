/* A cell: a request with everything loaded that it names, its identity, and what was measured. */
#ifndef HARNESS_STUDY_CELL_H
#define HARNESS_STUDY_CELL_H

#include <stdbool.h>
#include <stdint.h>

#include "condense/model.h"
#include "condense/passes.h"
#include "condense/session.h"
#include "condense/weights.h"
#include "data/dataset.h"
#include "env/environment.h"
#include "measure/layers.h"
#include "measure/metrics.h"
#include "measure/sampler.h"
#include "measure/sizes.h"
#include "sense/energy.h"
#include "study/request.h"

enum { ST_HASH_SIZE = 65 };

/* What decides the identifier: the model's canonical text, the weights' values, how they are
 * compressed, backend, instruction set, passes, device and machine, threads, batch, data set and
 * split. Not in it: how long it is measured, with which seed and by which build; those belong to
 * the attempt (docs/measuring.md, "Resuming"). */
typedef struct st_identity {
    char id[ST_HASH_SIZE];
    char model_hash[ST_HASH_SIZE], weights_digest[ST_HASH_SIZE];
    char machine[17]; /* of machine.model, cpu.model and cpu.online */
    char *config;     /* canonical JSON */
    char *canonical;  /* the model's */
    char name[256];   /* for people: "resnet50 imagenet dense cpu, 1 thread, batch 1" */
    char weights_label[256];
    cn_isa isa; /* the level of its kernels */
    bool emulated;
} st_identity;

/* What came of it, besides the samples. */
typedef struct st_findings {
    st_sizes sizes;
    cn_session_memory memory;
    int64_t peak_memory; /* -1: not measured */
    char peak_memory_reason[256];
    bool has_accuracy;
    st_confusion confusion;
    char accuracy_reason[1024]; /* why there is none */
    int64_t outputs_checked;
    /* By fusion: 0 off, 1 on; a cell without fusion has no plan 1. `dense`: the same with kernels
     * that skip no zeros, timed in turn with the other; empty where no weight is zero. */
    st_layer_plan plans[2], dense[2];
    st_energy_reading energy;
    char energy_source[64];    /* empty: none */
    int64_t energy_inferences; /* in the windows that gave energy */
} st_findings;

typedef struct st_cell {
    st_request request;
    cn_model model;
    cn_weights weights;
    st_dataset *dataset; /* NULL: see dataset_reason */
    char dataset_reason[1024];
    const cn_wisdom *wisdom; /* the caller's, set after opening; NULL: none */
    cn_generator *generator; /* likewise */
    st_identity identity;
    st_findings findings;
} st_cell;

/* Loads model, weights and the test split (a missing data set is not a failure) and works out the
 * identity. */
cn_status st_cell_open(st_cell *cell, const st_request *request, const st_environment *environment,
                       cn_error *error);

void st_cell_close(st_cell *cell);

/* Options of the session that the cell asks for. */
cn_session_options st_cell_session_options(const st_cell *cell);

/* The passes of a plan without fusion: only those that remove layers that do nothing. */
enum { ST_PASSES_UNFUSED = CN_PASS_IDENTITY };

/* How the plan's cells are measured, as canonical JSON (free with cn_free); NULL: no memory. */
char *st_settings_json(const st_settings *settings);

#endif
