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
    int64_t stored_bytes;   /* tensors as the file keeps them that they were read from */
    int64_t csr_bytes;     /* convolutions and fully connected as compressed sparse rows with 32-bit
                              indices, everything else dense */
    int64_t compact_bytes; /* of the set as a compact container without entropy coding; -1:
                              not known, with a reason */
    int64_t compact_value_bytes; /* of that the values alone, without indices */
    char compact_reason[256];
} st_sizes;

/* Counts the weights that `graph` names; all must be there. What compact containers take is not
 * known yet. */
st_sizes st_sizes_of(const cn_graph *graph, const cn_weights *weights);

/* Works that out, from every tensor of the set. It takes seconds for large networks, and memory. */
void st_sizes_compact(st_sizes *sizes, const cn_weights *weights);

/* A matrix or filters as compressed sparse rows, one row an output channel: value and column of
 * each weight that is not zero, and where each row begins. */
int64_t st_csr_bytes(const cn_tensor *tensor, int64_t nonzero);
int64_t st_count_nonzero(const cn_tensor *tensor);

/* Bytes of memory that a session adds to a process at the peak of an inference, measured in a
 * process of its own: growth of its resident set from before the session is made to the highest
 * point of two runs, after what making it has freed went back to the system. Weights as loaded are
 * not in it, the session's own copy is. -1 and a reason where it cannot be measured. */
int64_t st_peak_memory(const cn_graph *graph, const cn_weights *weights,
                       const cn_session_options *options, char reason[256]);

#endif
