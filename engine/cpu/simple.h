/* Every operator but convolution and fully connected, on the CPU. NaN goes through as in the plain
 * formula; a pixel's result depends on nothing but its inputs, whatever the tasks and threads. */
#ifndef CN_CPU_SIMPLE_H
#define CN_CPU_SIMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "condense/graph.h"
#include "condense/isa.h"
#include "condense/status.h"
#include "cpu/view.h"

typedef struct cn_simple cn_simple;

/* Batch norm's tensors, one value a channel; copied. NULL for other operators. */
typedef struct cn_norm_weights {
    const float *scale, *shift, *mean, *variance;
} cn_norm_weights;

/* The operator of `layer`, with its activation, at the level `isa` or below. Input, concat, dropout
 * and flatten copy. CN_EUNSUPPORTED for convolution and fully connected, CN_ENOMEM. */
cn_status cn_simple_new(cn_simple **out, const cn_layer *layer, const cn_norm_weights *weights,
                        cn_isa isa, cn_error *error);

/* Registry name of the kernel; "copy" and the like for operators that only move data. */
const char *cn_simple_kernel(const cn_simple *simple);

/* Whether the output may be the input's memory (for addition: that of any input). */
bool cn_simple_in_place(const cn_simple *simple);

/* Bytes a thread, for these shapes of one image. */
size_t cn_simple_scratch(const cn_simple *simple, cn_shape in, cn_shape out);

/* Whether tasks are about different planes; else about rows, through all planes. */
bool cn_simple_by_planes(const cn_simple *simple);

/* Into how many independent tasks a run from `in` to `out` should be cut for `threads`. */
size_t cn_simple_tasks(const cn_simple *simple, const cn_view *in, const cn_view *out,
                       int32_t threads);

/* Task `index` of `tasks`. `in`: the layer's inputs, in order; a concat copies in[0] only: each of
 * its inputs is a run of its own, `out` being the channels it goes to. Inputs need no halo. */
void cn_simple_task(const cn_simple *simple, const cn_view *in, const cn_view *out, size_t index,
                    size_t tasks, void *scratch);

void cn_simple_free(cn_simple *simple);

#endif
