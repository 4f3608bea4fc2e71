/* Convolution and fully connected layers on 8-bit integers, any window, stride, dilation, groups
 * and padding. Sums are exact; no result depends on the level, tasks or threads, but for sigmoid
 * and tanh, which levels round differently. */
#ifndef CN_CPU_INT8_CONV_H
#define CN_CPU_INT8_CONV_H

#include <stddef.h>
#include <stdint.h>

#include "condense/isa.h"
#include "condense/status.h"
#include "cpu/conv.h"
#include "cpu/int8.h"

/* `conv` is in the network's channels. The output may be floats. */
typedef struct cn_int8_problem {
    cn_conv_problem conv;
    cn_int8_scale in, out, residual;
    bool sparse; /* may use kernels that skip zeros: slots of weights (four input channels, by as
                  * many output channels as a kernel has rows) that are zero as a whole */
} cn_int8_problem;

typedef struct cn_int8_conv cn_int8_conv;

/* Packs the weights: `weight` is out_c x in_c/groups x kernel_h x kernel_w, each an integer of -127
 * .. 127 times the scale of its output channel; `bias` is out_c or NULL. None is needed afterwards.
 * CN_EINVAL where the problem contradicts itself, CN_EFORMAT where a weight is no such product,
 * CN_EUNSUPPORTED where a sum may not fit 32 bits, CN_ENOMEM. */
cn_status cn_int8_conv_new(cn_int8_conv **out, const cn_int8_problem *problem, const float *weight,
                           const float *scales, const float *bias, cn_isa isa, cn_error *error);

const char *cn_int8_conv_kernel(const cn_int8_conv *conv);

/* The border of zero points that the input must have around each plane. */
void cn_int8_conv_halo(const cn_conv_problem *problem, int32_t halo[4]);

/* These as for cn_conv. */
size_t cn_int8_conv_scratch(const cn_int8_conv *conv, int32_t batch);
size_t cn_int8_conv_weight_bytes(const cn_int8_conv *conv);
int64_t cn_int8_conv_products(const cn_int8_conv *conv);
size_t cn_int8_conv_tasks(const cn_int8_conv *conv, int32_t batch, int32_t threads);
bool cn_int8_conv_by_channels(const cn_int8_conv *conv, int32_t batch, size_t tasks);
void cn_int8_conv_task(const cn_int8_conv *conv, const cn_view *in, const cn_view *out,
                       const cn_view *residual, size_t index, size_t tasks, void *scratch);

void cn_int8_conv_free(cn_int8_conv *conv);

#endif
