/* Compressed variants of networks that are not trained here, made when they are wanted: speed and
 * memory depend on which weights are zero and on how wide numbers are, not on training. */
#ifndef HARNESS_DATA_MADE_WEIGHTS_H
#define HARNESS_DATA_MADE_WEIGHTS_H

#include "data/store_weights.h"

/* Whether variants of the scale can be made: no network was trained at it here
 * (experiments/weights/MODEL-SCALE.safetensors). Of a scale at which some were, compressed weights
 * are trained, too, and what is missing is missing. */
bool st_variants_are_made(const char *scale);

/* Makes the variant of the network's usual weights (st_weights_load):
 *   pruned            without what `scheme` (empty: block8) and `rate` (NAN: 8) remove by magnitude
 *   quantized         integers of 8 bits on pictures of `dataset` (st_weights_quantize)
 *   pruned+quantized  the one, then the other; the scheme is block8x4 where it is empty
 * The label says all of it: "random, block8x4 8x by magnitude, 8-bit, ranges of 8 random pictures".
 * CN_EINVAL where the rate is out of reach, or a scheme or rate is asked of "quantized". */
cn_status st_weights_make(const cn_model *model, const char *variant, const char *scheme,
                          double rate, const char *dataset, cn_weights *weights,
                          st_compressed *made, cn_error *error);

#endif
