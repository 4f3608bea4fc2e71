/* Weights: a set of named float32 tensors, row-major, in the order they were added.
 * On disk they are safetensors files (format/safetensors.c) or compact containers
 * (condense/compact.h). */
#ifndef CONDENSE_WEIGHTS_H
#define CONDENSE_WEIGHTS_H

#include <stdint.h>

#include "condense/graph.h"
#include "condense/status.h"

typedef struct cn_tensor {
    char *name;
    int32_t rank; /* 0 to 4 */
    int32_t dims[4];
    float *data;          /* aligned to CN_ALIGNMENT, owned by the set */
    int64_t stored_bytes; /* that the file it was read from spends on it; else 4 a number */
} cn_tensor;

typedef struct cn_weights {
    cn_tensor *tensors;
    int32_t count, capacity;
    char *label; /* where they come from: a file's name, or "random"; shown with every result */
} cn_weights;

/* Number of elements; dims are positive and were checked when the tensor was made. */
int64_t cn_tensor_count(const cn_tensor *tensor);

/* Appends a zeroed tensor. *out stays valid until the next add. */
cn_status cn_weights_add(cn_weights *weights, const char *name, int32_t rank, const int32_t *dims,
                         cn_tensor **out, cn_error *error);

/* The tensor called `name`, or "<layer>.<suffix>"; NULL where there is none. */
cn_tensor *cn_weights_find(const cn_weights *weights, const char *name);
cn_tensor *cn_weights_of(const cn_weights *weights, const char *layer, const char *suffix);

/* Every tensor the graph's layers name must be there, in the right shape, with finite values. The
 * message names the layer, what it wants and what it got. */
cn_status cn_weights_check(const cn_weights *weights, const cn_graph *graph, cn_error *error);

/* He initialisation (normal, variance 2 / fan-in), each tensor from a generator named after it;
 * biases 0, batch norm scale 1, shift 0, mean 0, variance 1. label becomes "random". */
cn_status cn_weights_random(cn_weights *weights, const cn_graph *graph, uint64_t seed,
                            cn_error *error);

cn_status cn_weights_copy(const cn_weights *weights, cn_weights *copy, cn_error *error);
void cn_weights_clear(cn_weights *weights);

/* Reads a weight file of either kind; its first bytes tell which. `metadata` (may be NULL) receives
 * the metadata as JSON text (free with cn_free), or NULL where there is none; the label becomes the
 * file's name without folder. */
cn_status cn_weights_read(const char *path, cn_weights *weights, char **metadata, cn_error *error);

/* safetensors from memory: F32, F16 and BF16 (widened) tensors of up to four dimensions. Everything
 * in the header is checked against the file's size before anything is allocated. Message: file and
 * byte. `name` stands for the file in messages; `metadata` is the "__metadata__" object. */
cn_status cn_safetensors_parse(const void *bytes, size_t size, const char *name,
                               cn_weights *weights, char **metadata, cn_error *error);

/* Writes to a temporary file beside `path`, then renames. `metadata`: JSON object of strings as
 * text, or NULL. The same weights give the same bytes. */
cn_status cn_safetensors_write(const char *path, const cn_weights *weights, const char *metadata,
                               cn_error *error);

#endif
