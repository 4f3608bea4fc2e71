/* The zeros around planes. The arena's blocks take turns in the same memory, so whoever writes a
 * tensor into a block first writes the zeros around it too. */
#ifndef CONDENSE_RUN_HALO_H
#define CONDENSE_RUN_HALO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/view.h"

bool cn_halo_any(const cn_view *view);

/* Fills what is around share `share` of `shares` of the planes, or of the rows of every plane, with
 * `byte`: 0 for floats, their zero point for slots of 8-bit integers. */
void cn_halo_clear(const cn_view *view, size_t share, size_t shares, bool by_planes, uint8_t byte);

#endif
