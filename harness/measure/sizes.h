/* How large a network is, in weights and in work. */
#ifndef HARNESS_MEASURE_SIZES_H
#define HARNESS_MEASURE_SIZES_H

#include <stdint.h>

#include "condense/graph.h"
#include "condense/session.h"
#include "condense/weights.h"

typedef struct st_sizes {
    int64_t parameters;     /* learned numbers */
    int64_t nonzero;        /* of them */
    int64_t macs;           /* of one picture */
    int64_t effective_macs; /* those with a weight that is not zero */
    int64_t dense_bytes;    /* parameters as float32 */
    int64_t stored_bytes;   /* tensors as the variant's file keeps them */
    int64_t csr_bytes; /* convolutions and fully connected as compressed sparse rows with 32-bit
                          indices, everything else dense */
} st_sizes;

/* Counts the weights that `graph` names; all must be there. */
st_sizes st_sizes_of(const cn_graph *graph, const cn_weights *weights);

/* Bytes of memory that a session adds to a process at the peak of an inference, measured in a
 * process of its own: growth of its resident set from before the session is made to the highest
 * point of two runs. Weights as loaded are not in it, the session's own copy is. -1 and a reason
 * where it cannot be measured. */
int64_t st_peak_memory(const cn_graph *graph, const cn_weights *weights,
                       const cn_session_options *options, char reason[256]);

#endif
