/* Weights without their zeros, packed in the order in which the sparse kernels visit them: block by
 * block (mask.h), step by step. */
#ifndef CN_CPU_SPARSE_H
#define CN_CPU_SPARSE_H

#include "cpu/conv_methods.h"

/* Packs a convolution of method->rows outputs a block, whose problem has a mask: weight, bias and
 * sparse. With `packed` the steps read rows of a panel, `pitch` floats each, of the taps that any
 * output of the group uses; else they read planes. */
cn_status cn_sparse_pack(cn_conv *conv, const float *weight, const float *bias, bool packed,
                         size_t pitch, cn_error *error);

/* The same of one output a block, with a bit for every tap in place of offsets. */
cn_status cn_sparse_pack_bits(cn_conv *conv, const float *weight, const float *bias,
                              cn_error *error);

/* Sets the offsets that depend on the view's strides; once. */
void cn_sparse_bind(cn_conv *conv, const cn_view *in);

/* The steps of task `index` of `tasks`. */
double cn_sparse_work(const cn_conv *conv, int32_t batch, size_t tasks, size_t index);

/* The same of a convolution by bits. */
double cn_bitmap_work(const cn_conv *conv, size_t tasks, size_t index);

void cn_sparse_free(cn_sparse *sparse);

#endif
