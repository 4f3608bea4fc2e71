/* A session: a network planned for one machine, batch and thread count, ready to infer. */
#ifndef CONDENSE_SESSION_H
#define CONDENSE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "condense/generate.h"
#include "condense/graph.h"
#include "condense/isa.h"
#include "condense/status.h"
#include "condense/weights.h"
#include "condense/wisdom.h"

typedef struct cn_session cn_session;

typedef struct cn_session_options {
    int32_t threads; /* 0: all processors */
    int32_t batch;   /* images a run; at least 1 */
    unsigned passes; /* mask of cn_pass; CN_PASS_ALL by default */
    cn_isa isa;      /* the highest level to use; CN_ISA_BEST by default */
    bool profile;    /* time each layer; read with cn_session_profile */
    bool sparse;   /* kernels that skip zero weights, where the planner expects that to pay; true by
                    * default */
    bool reorder;  /* these may visit output channels in an order that groups like ones and gives
                    * threads equal work, rather than in the network's; true by default */
    bool integers; /* weights that come with scales (condense/quantize.h) make a network of 8-bit
                    * integers, where the passes are those of cn_post_fold or all; true by default.
                    * Else they are the floats that they are */
    cn_generator *generator; /* makes kernels for layers whose way in wisdom is a generated one
                              * (docs/generated.md); NULL, the default: they go the static way.
                              * Only used by cn_session_new */
    const cn_wisdom *wisdom; /* which way each layer goes; NULL: the static choice everywhere. Only
                                read by cn_session_new */
} cn_session_options;

/* One thread, batch 1, everything on. */
cn_session_options cn_session_defaults(void);

/* Plans `graph`: passes, kernels, packed weights, one arena. Neither graph nor weights are needed
 * afterwards. */
cn_status cn_session_new(cn_session **out, const cn_graph *graph, const cn_weights *weights,
                         const cn_session_options *options, cn_error *error);

/* One forward pass. `input`: batch x C x H x W float32, dense, row-major; `output` likewise, of
 * cn_session_output_shape. The buffers are the caller's and may not overlap. The result depends
 * neither on the number of threads nor on how images are split into batches. Numbers below 2^-126
 * are read and written as zero (docs/engine.md); NaN and infinities go through. */
cn_status cn_session_run(cn_session *session, const float *input, float *output, cn_error *error);

/* One forward pass that looks at every layer's output: *layer becomes the name of the first layer,
 * in execution order, with a value that is not finite, or NULL where all are finite. The name is
 * the session's. */
cn_status cn_session_find_nonfinite(cn_session *session, const float *input, const char **layer,
                                    cn_error *error);

cn_shape cn_session_input_shape(const cn_session *session);
cn_shape cn_session_output_shape(const cn_session *session);

/* What a layer of the planned (fused) network is and took in the last run with `profile`. */
typedef struct cn_layer_profile {
    const char *name; /* of the layer; of the first of a fused chain */
    cn_op op;
    const char *kernel; /* registry name, for example "f32_conv_8x48_avx512", or "in_place" */
    int64_t ns;
    int64_t macs;             /* of the whole batch */
    int64_t nonzero;          /* weights that are not zero */
    int64_t bytes;            /* weights read once + input read once + output written once */
    int64_t activation_bytes; /* of these input and output */
    int64_t packed_bytes;     /* of the weights as packed for the kernel */
    /* Multiplications of the whole batch as the kernel does them: the MACs, or fewer (Winograd). */
    int64_t products;
    int64_t dense_products; /* as the kernel that the layer would run on if no weight were zero */
    double loads;           /* input vectors loaded a fused multiply-add; 0 where it is not known */
    double imbalance; /* products of the busiest thread over the mean of all; 1: even; 0: unknown */
    cn_shape shape;   /* of the output of one image */
    /* Where there are ways to choose from, else NULL: what wisdom knows the layer by, and the way
     * that was taken. */
    const char *signature, *choice;
} cn_layer_profile;

/* The layers in execution order; *count of them. Owned by the session, their strings, too; times
 * are valid until the next run. */
const cn_layer_profile *cn_session_profile(const cn_session *session, int32_t *count);

/* The ways of doing layer `layer` of the profile that are worth timing, by their names in wisdom,
 * the static choice first; returns how many, 0 where there is nothing to choose. */
enum { CN_MOST_WAYS = 8, CN_WAY_SIZE = 64 };
int32_t cn_session_ways(const cn_session *session, int32_t layer,
                        char names[CN_MOST_WAYS][CN_WAY_SIZE]);

/* Bytes: the activation arena as planned; the largest set of activations alive at one time (no
 * allocator can do with less); packed weights; per-thread scratch. */
typedef struct cn_session_memory {
    size_t arena, live_peak, weights, scratch;
} cn_session_memory;
cn_session_memory cn_session_memory_use(const cn_session *session);

/* The ISA level of the kernels in use. */
cn_isa cn_session_isa(const cn_session *session);

void cn_session_free(cn_session *session);

/* The plain reference: every layer in double precision, straight loops, no passes, no planning.
 * For tests and for `condense audit`. input/output as in cn_session_run, batch images. If
 * `layer_outputs` is not NULL it receives graph->count arrays of batch * cn_shape_count doubles
 * (free each, then the list, with cn_free). */
cn_status cn_reference_run(const cn_graph *graph, const cn_weights *weights, int32_t batch,
                           const float *input, double *output, double ***layer_outputs,
                           cn_error *error);

#endif
