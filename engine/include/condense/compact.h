/* The compact container (.cnz): a weight set without its zeros.
 *
 * For each tensor the writer looks at where the zeros are and how many different values there are
 * and takes the encoding of the fewest bytes: nobody has to say how the weights were pruned or
 * quantized. Indices that structure makes redundant are not stored ("Towards Real-Time DNN
 * Inference on Mobile Platforms with Model Pruning and Compiler Optimization", "Sparse model
 * storage"). Reading gives back every bit, -0 and NaN included. docs/formats.md has an overview,
 * format/compact.c the format. */
#ifndef CONDENSE_COMPACT_H
#define CONDENSE_COMPACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "condense/status.h"
#include "condense/weights.h"

/* Writes to a temporary file beside `path`, then renames. `metadata`: JSON object of strings as
 * text, or NULL. `entropy`: sections may go through the range coder where that saves bytes. The
 * same weights give the same bytes. The set's label is not kept: a set that is read is labelled by
 * its file. CN_EUNSUPPORTED for sets of more than 2^29 numbers. */
cn_status cn_compact_write(const char *path, const cn_weights *weights, const char *metadata,
                           bool entropy, cn_error *error);

/* From memory; `name` stands for the file in messages, which tell the byte, and `metadata` is as in
 * cn_safetensors_parse. Everything is checked before it is multiplied or allocated; a checksum that
 * does not fit names the tensor. */
cn_status cn_compact_parse(const void *bytes, size_t size, const char *name, cn_weights *weights,
                           char **metadata, cn_error *error);

/* Whether a file begins as a compact container does. */
bool cn_is_compact(const void *bytes, size_t size);

typedef struct cn_compact_size {
    int64_t bytes;       /* in the file, with name, shape and checksum */
    int64_t index_bytes; /* where the values are */
    int64_t value_bytes; /* the values, with their codebooks and scales */
    char encoding[80];   /* for people; empty for a whole set */
} cn_compact_size;

/* What cn_compact_write would write without metadata: the whole file in *whole (`bytes` is the
 * file's size, the other two are sums over the tensors) and each tensor in tensors[weights->count],
 * which may be NULL. */
cn_status cn_compact_measure(const cn_weights *weights, bool entropy, cn_compact_size *whole,
                             cn_compact_size *tensors, cn_error *error);

#endif
