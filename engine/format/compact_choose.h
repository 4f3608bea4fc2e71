/* Which encoding the compact container's writer chooses for a tensor.
 *
 * It tries every layout of compact_mask.h that fits and, for the values that each stores, float32
 * and every code of compact_values.h that makes the values that are not zero smaller than float32;
 * and it takes the smallest of all, the first of equals. Layouts that cannot be smaller are left
 * out early. With entropy coding, layouts whose packed size is within twice the smallest are tried
 * through the range coder as well, index and values each on its own. */
#ifndef ENGINE_FORMAT_COMPACT_CHOOSE_H
#define ENGINE_FORMAT_COMPACT_CHOOSE_H

#include "format/compact_mask.h"
#include "format/compact_values.h"

/* An encoding of a tensor and what it costs. */
typedef struct cn_plan {
    cn_layout layout;
    cn_value_code code;
    bool per_row, index_range, value_range;
    size_t index_bytes, value_bytes;
} cn_plan;

typedef struct cn_encoder {
    const cn_tensor *tensor;
    bool entropy;
    cn_mask mask;
    cn_values values;               /* those that the mask stores; memory for all */
    bool useful[2][CN_VALUE_CODES]; /* codes whose parts are the tensor, and the rows */
    bool quantized;                 /* another than float32 is */
    size_t least_values;            /* bytes of the values that are not zero, packed */
    uint32_t least_bits;            /* that any code spends on any value, packed */
    size_t packed_bytes;            /* of the smallest plan without range coder */
    cn_plan best;
} cn_encoder;

/* Finds the best plan. CN_ENOMEM; cn_encoder_end is due in any case. */
cn_status cn_encoder_begin(cn_encoder *encoder, const cn_tensor *tensor, bool entropy);
void cn_encoder_end(cn_encoder *encoder);

/* Fills `values` with those that the mask stores, row after row. */
void cn_encoder_gather(cn_encoder *encoder);

/* Bytes of index and values of the best plan. */
size_t cn_plan_bytes(const cn_plan *plan);

#endif
