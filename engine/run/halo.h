/* The zeros around planes. The arena's blocks take turns in the same memory, so whoever writes a
 * tensor into a block first writes the zeros around it too. */
#ifndef CONDENSE_RUN_HALO_H
#define CONDENSE_RUN_HALO_H

#include <stddef.h>
#include <stdint.h>

#include "cpu/view.h"

/* Into how many tasks the zeros around the view's planes are cut; 0 where there are none. */
size_t cn_halo_tasks(const cn_view *view, int32_t threads);

/* Task `index` of `tasks`. */
void cn_halo_task(const cn_view *view, size_t index, size_t tasks);

#endif
