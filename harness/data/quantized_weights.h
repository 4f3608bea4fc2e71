/* Weights with scales for a network as it is written: what quantizing by calibration shares. */
#ifndef HARNESS_DATA_QUANTIZED_WEIGHTS_H
#define HARNESS_DATA_QUANTIZED_WEIGHTS_H

#include "condense/model.h"
#include "condense/quantize.h"
#include "data/dataset.h"

/* `count` different pictures of the set, at most all, drawn by `seed`: count x `size` floats. */
cn_status st_pictures_draw(const st_dataset *set, int64_t count, uint64_t seed, size_t size,
                           float *input, cn_error *error);

/* Writes weights of the folded network back into `weights` of `graph`, which were folded, with the
 * scales of the quantization (may be NULL). */
cn_status st_weights_unfold(const cn_graph *graph, cn_weights *weights, const cn_graph *folded,
                            const cn_weights *folded_weights, const cn_quantization *quantization,
                            cn_error *error);

/* Quantizes `weights` of the model to 8 bits in a moment, for networks to time: to the nearest,
 * ranges by the smallest and the largest value of a few pictures, nothing corrected. The pictures
 * are of the calibration split of the data set, or normal noise where that is not here or `dataset`
 * is NULL. Of random weights those of the last layer are made smaller by a power of two where its
 * outputs would be far above one, so that a softmax behind it does not hide what comes before. The
 * label goes on with ", 8-bit, ranges of 8 pictures of NAME", or "of 8 random pictures". */
cn_status st_weights_quantize(const cn_model *model, const char *dataset, cn_weights *weights,
                              cn_error *error);

#endif
