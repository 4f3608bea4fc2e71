/* The kernels of every operator but convolution and fully connected. One call does a range of an
 * operator's units; a unit is a plane (image, channel), or a row of pixels (image, y) through all
 * channels where the operator works across channels. */
#ifndef CN_CPU_KERNELS_SIMPLE_H
#define CN_CPU_KERNELS_SIMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "condense/graph.h"
#include "cpu/view.h"

typedef struct cn_simple_params {
    cn_activation activation;
    int32_t input_count;
    cn_window window;
    bool count_padding;
    int32_t lrn_size;
    float lrn_scale, lrn_beta, lrn_k; /* scale: alpha / size */
    cn_resize resize;
    int32_t factor;
    const float *mean, *scale, *shift; /* batch norm, per channel: (x - mean) * scale + shift */
} cn_simple_params;

typedef struct cn_simple_args {
    const cn_simple_params *op;
    const cn_view *in; /* op->input_count of them */
    const cn_view *out;
    size_t first, end; /* units */
    float *scratch;    /* cn_simple_scratch bytes, aligned to CN_ALIGNMENT */
} cn_simple_args;

enum { CN_POOL_ROWS = 8 }; /* of a pool's output, whose intermediate results scratch has room for */

typedef void cn_f32_simple_kernel(const cn_simple_args *args);
typedef cn_f32_simple_kernel cn_f32_max_pool_kernel, cn_f32_avg_pool_kernel,
    cn_f32_global_pool_kernel, cn_f32_affine_kernel, cn_f32_activate_kernel, cn_f32_add_kernel,
    cn_f32_lrn_kernel, cn_f32_softmax_kernel;

/* Plane of unit `unit`. */
static inline float *cn_unit_plane(const cn_view *view, size_t unit)
{
    size_t channels = (size_t)view->c;
    return view->data + (ptrdiff_t)(unit / channels) * view->image +
           (ptrdiff_t)(unit % channels) * view->plane;
}

/* Whether a plane's rows lie side by side, so that it can be treated as one row of h * w. */
static inline bool cn_rows_touch(const cn_view *view)
{
    return view->row == view->w || view->h == 1;
}

#endif
