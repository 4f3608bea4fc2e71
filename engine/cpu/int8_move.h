/* Operators on 8-bit integers that move channels out of their places in slots, byte by byte. */
#ifndef CN_CPU_INT8_MOVE_H
#define CN_CPU_INT8_MOVE_H

#include <stddef.h>
#include <stdint.h>

#include "cpu/view.h"

/* Each moves channel `c` of image `n` of `in`, whose view, as out's, has quads for channels. */
void cn_int8_copy(const cn_view *in, const cn_view *out, int32_t n, int32_t c, int32_t to);
void cn_int8_flatten(const cn_view *in, const cn_view *out, int32_t n, int32_t c);
void cn_int8_shuffle(const cn_view *in, const cn_view *out, int32_t n, int32_t c, int32_t factor);

/* Plane `plane` of `in` into the larger one of `out`, from row `top` and column `left` on, and the
 * zero point around it. */
void cn_int8_pad(const cn_view *in, const cn_view *out, int32_t n, int32_t plane, int32_t top,
                 int32_t left, uint8_t zero);

#endif
