/* Fully connected layer on the CPU: out = activation(weight . flatten(in) + bias + residual), where
 * flatten is in C, H, W order. NaN, infinities and independence of threads as in conv.h. */
#ifndef CN_CPU_FC_H
#define CN_CPU_FC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "condense/graph.h"
#include "condense/isa.h"
#include "condense/status.h"
#include "cpu/view.h"

typedef struct cn_fc_problem {
    cn_shape in;   /* of one image; the layer reads c * h * w values */
    int32_t out_c; /* outputs; the output view is out_c x 1 x 1 */
    cn_activation activation;
    bool residual;
} cn_fc_problem;

typedef struct cn_fc cn_fc;

/* `weight` is out_c x (c*h*w), `bias` out_c or NULL; neither is needed afterwards. CN_EINVAL,
 * CN_ENOMEM. */
cn_status cn_fc_new(cn_fc **out, const cn_fc_problem *problem, const float *weight,
                    const float *bias, cn_isa isa, cn_error *error);

const char *cn_fc_kernel(const cn_fc *fc);
size_t cn_fc_scratch(const cn_fc *fc, int32_t batch); /* bytes a thread, aligned to CN_ALIGNMENT */
size_t cn_fc_weight_bytes(const cn_fc *fc);
size_t cn_fc_tasks(const cn_fc *fc, int32_t batch, int32_t threads);

/* As cn_conv_task. The input needs no halo. */
void cn_fc_task(const cn_fc *fc, const cn_view *in, const cn_view *out, const cn_view *residual,
                size_t index, size_t tasks, void *scratch);

void cn_fc_free(cn_fc *fc);

#endif
