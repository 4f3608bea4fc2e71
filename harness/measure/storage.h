/* What a network's weights take in a compact container after pruning. */
#ifndef HARNESS_MEASURE_STORAGE_H
#define HARNESS_MEASURE_STORAGE_H

#include "condense/model.h"
#include "condense/scheme.h"
#include "condense/weights.h"

/* Sums over the weights of the tensor layers. */
typedef struct st_storage {
    cn_scheme scheme;
    double keep; /* share of each layer's weights that the projection was asked to keep */
    int64_t weights, nonzero;
    int64_t csr_bytes; /* as st_csr_bytes counts */
    int64_t compact_bytes, index_bytes, value_bytes;
    double worst; /* the largest share of compact in compressed sparse rows, of one layer */
} st_storage;

/* Projects each tensor layer's weights (those of the largest magnitudes stay; patterns are learned
 * from the weights; what does not fit a layer goes as cn_scheme_for says) and measures them.
 * Nothing is trained: it is the structure that counts here. */
cn_status st_storage_measure(const cn_model *model, const cn_weights *weights, cn_scheme scheme,
                             double keep, st_storage *storage, cn_error *error);

#endif
