/* An ONNX graph under construction: protobuf-c's structs, in memory that is freed at once.
 *
 * Running out of memory is remembered in `failed`; until then and after, every function may be
 * called. Names and the values of tensors are not copied unless a comment says so. */
#ifndef CONDENSE_FORMAT_ONNX_MESSAGE_H
#define CONDENSE_FORMAT_ONNX_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "onnx.pb-c.h"

typedef struct cn_onnx_block cn_onnx_block; /* one allocation */

typedef struct cn_onnx {
    Onnx__GraphProto graph;
    int64_t batch; /* 0: symbolic */
    bool failed;
    cn_onnx_block *blocks;
    size_t nodes, initializers; /* places for them */
} cn_onnx;

void cn_onnx_clear(cn_onnx *onnx);

/* Formatted text that lives as long as the graph; "" when out of memory. */
const char *cn_onnx_text(cn_onnx *onnx, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends a node of operator `op` that is called like its one output and reads the values called
 * `inputs`. NULL when out of memory; the functions for attributes take that. */
Onnx__NodeProto *cn_onnx_node(cn_onnx *onnx, const char *op, const char *output,
                              const char *const *inputs, size_t count);

void cn_onnx_int(cn_onnx *onnx, Onnx__NodeProto *node, const char *name, int64_t value);
void cn_onnx_ints(cn_onnx *onnx, Onnx__NodeProto *node, const char *name, const int64_t *values,
                  size_t count); /* copied */
void cn_onnx_float(cn_onnx *onnx, Onnx__NodeProto *node, const char *name, float value);
void cn_onnx_string(cn_onnx *onnx, Onnx__NodeProto *node, const char *name, const char *value);

/* Appends a constant. With `copy` the values are copied, else they stay the caller's. */
void cn_onnx_constant(cn_onnx *onnx, const char *name, Onnx__TensorProto__DataType type,
                      const int64_t *dims, size_t rank, const void *values, size_t bytes,
                      bool copy);

/* A float32 value of shape batch x dims, for the graph's inputs and outputs. */
Onnx__ValueInfoProto **cn_onnx_value(cn_onnx *onnx, const char *name, const int32_t *dims,
                                     size_t rank);

#endif
