/* Every operator but convolution and fully connected on 8-bit integers, and those between integers
 * and floats. Pools, movers and the conversion of the input work on slots; the others compute in
 * float, a row of all channels at a time or, where that does not do, the whole tensor at once. */
#ifndef CN_CPU_INT8_SIMPLE_H
#define CN_CPU_INT8_SIMPLE_H

#include <stdbool.h>
#include <stddef.h>

#include "cpu/int8.h"
#include "cpu/simple.h"

typedef struct cn_int8_simple cn_int8_simple;

/* A tensor as the network has it, and how it is stored. */
typedef struct cn_int8_tensor {
    cn_shape shape;
    cn_int8_scale levels;
} cn_int8_tensor;

/* The operator of `layer`, which reads `inputs` tensors `in` (an input layer: one of floats) and
 * writes `out`; some of them are of integers. A concat is one input's copy into channels `channel`
 * .. of the output. `weights` as for cn_simple_new. CN_EUNSUPPORTED, CN_ENOMEM. */
cn_status cn_int8_simple_new(cn_int8_simple **made, const cn_layer *layer,
                             const cn_norm_weights *weights, const cn_int8_tensor *in,
                             int32_t inputs, cn_int8_tensor out, int32_t channel, cn_isa isa,
                             cn_error *error);

/* Whether the operator of a layer whose tensors are all of integers may write over an input. */
bool cn_int8_simple_in_place(const cn_layer *layer);

/* These as for cn_simple; `out` of a concat is its whole output. */
const char *cn_int8_simple_kernel(const cn_int8_simple *simple);
size_t cn_int8_simple_scratch(const cn_int8_simple *simple);
bool cn_int8_simple_by_planes(const cn_int8_simple *simple);
size_t cn_int8_simple_tasks(const cn_int8_simple *simple, int32_t batch, int32_t threads);
void cn_int8_simple_task(const cn_int8_simple *simple, const cn_view *in, const cn_view *out,
                         size_t index, size_t tasks, void *scratch);
void cn_int8_simple_free(cn_int8_simple *simple);

#endif
