/* The memory plan: where every layer's output lies in one arena.
 *
 * Planes are laid out as cpu/view.h demands: zero-haloed, `plane` a multiple of 16 floats and no
 * multiple of 4 KiB, so that channels do not fall into the same cache sets. Rows are separated by
 * one gap that is the right halo of the row before it and the left halo of the row after it; planes
 * share their rows of zeros in the same way. A concat's inputs are written straight into its planes
 * where they can be, and an operator that works in place takes the memory of an input that nobody
 * reads any more. */
#ifndef CONDENSE_PLAN_MEMORY_H
#define CONDENSE_PLAN_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "condense/graph.h"
#include "condense/status.h"
#include "cpu/view.h"

/* What a layer asks for. Its output may take the memory of inputs[share_first .. share_end) if that
 * input is no longer needed and, with `apart`, lies apart from inputs[0]. */
typedef struct cn_memory_need {
    int32_t halo[4]; /* zeros around the output's planes: top, bottom, left, right */
    int32_t share_first, share_end;
    bool apart;
} cn_memory_need;

/* Where one layer's output is: channels channel .. channel + c of the block of layer `root`. */
typedef struct cn_memory_place {
    int32_t root, channel;
    int32_t shared; /* position of the input whose memory this is, or -1 */
    /* of the block; set where root is the layer itself */
    int32_t channels;
    int32_t halo[4];
    size_t row, plane, lead; /* floats; lead: before pixel (0, 0) of the first plane */
    size_t offset;           /* bytes from the arena's start */
} cn_memory_place;

typedef struct cn_memory_plan {
    cn_memory_place *places; /* one a layer */
    int32_t count, batch;
    size_t arena;     /* bytes */
    size_t live_peak; /* bytes of outputs alive at one time, at most: no plan can do with less */
} cn_memory_plan;

/* Plans `graph` for `batch` images. `needs`: one a layer. CN_ENOMEM where sizes do not fit. */
cn_status cn_memory_plan_make(cn_memory_plan *plan, const cn_graph *graph,
                              const cn_memory_need *needs, int32_t batch, cn_error *error);

/* The view of layer `index`'s output in the arena that starts at `arena`. */
cn_view cn_memory_view(const cn_memory_plan *plan, const cn_graph *graph, int32_t index,
                       void *arena);

/* Whether input `k` of the concat `index` is already in place once it is computed. */
bool cn_memory_concat_in_place(const cn_memory_plan *plan, const cn_graph *graph, int32_t index,
                               int32_t k);

void cn_memory_plan_clear(cn_memory_plan *plan);

#endif
