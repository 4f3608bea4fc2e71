/* The zeros around planes. The arena's blocks take turns in the same memory, so whoever writes a
 * tensor into a block first writes the zeros around it too. */
#ifndef CONDENSE_RUN_HALO_H
#define CONDENSE_RUN_HALO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/view.h"

bool cn_halo_any(const cn_view *view);

/* Writes the zeros around share `share` of `shares` of the planes, or of the rows of every plane.
 */
void cn_halo_clear(const cn_view *view, size_t share, size_t shares, bool by_planes);

#endif
