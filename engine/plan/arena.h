/* Places blocks with known lifetimes in one arena. */
#ifndef CONDENSE_PLAN_ARENA_H
#define CONDENSE_PLAN_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "condense/status.h"

/* `bytes` (a multiple of CN_ALIGNMENT, may be 0) needed from step `first` to step `last`, both
 * included. `offset` is the result. */
typedef struct cn_block {
    size_t bytes;
    int32_t first, last;
    size_t offset;
} cn_block;

/* Gives every block an offset such that no two blocks that live at one time overlap. *total: the
 * arena's bytes. */
cn_status cn_arena_place(cn_block *blocks, int32_t count, size_t *total, cn_error *error);

/* The largest sum of the bytes of blocks that live at one time. */
size_t cn_arena_live_peak(const cn_block *blocks, int32_t count);

#endif
