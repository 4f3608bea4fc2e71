/* Constraints on a layer's weights, and the Euclidean projections onto them.
 *
 * A pruning scheme divides a weight tensor into units that are kept or removed whole: single
 * weights, filters, kernels, the same place in eight filters. The nearest tensor with k units is
 * the one that keeps the k units of largest norm; pattern schemes first keep the four best places
 * of each 3 x 3 kernel that one pattern of a set allows. Levels say which values the weights that
 * are left may take. These are the closed-form second subproblems of ADMM (CADNN, section 3; the
 * structured schemes: "Towards Real-Time DNN Inference on Mobile Platforms with Model Pruning and
 * Compiler Optimization", section 2). */
#ifndef CONDENSE_SCHEME_H
#define CONDENSE_SCHEME_H

#include <stdbool.h>
#include <stdint.h>

#include "condense/graph.h"
#include "condense/status.h"
#include "condense/weights.h"

typedef enum cn_scheme {
    CN_SCHEME_NONE,                 /* every weight stays */
    CN_SCHEME_UNSTRUCTURED,         /* single weights */
    CN_SCHEME_FILTER,               /* output channels */
    CN_SCHEME_CHANNEL,              /* input channels */
    CN_SCHEME_COLUMN,               /* the same input channel and place in all filters */
    CN_SCHEME_CONNECTIVITY,         /* kernels: pairs of output and input channel */
    CN_SCHEME_PATTERN,              /* 4 of 9 places of every 3 x 3 kernel */
    CN_SCHEME_PATTERN_CONNECTIVITY, /* both */
    CN_SCHEME_BLOCK8,               /* the same weight of eight successive output channels */
    CN_SCHEME_PATTERN8,             /* eight filters share pattern and connectivity */
    CN_SCHEME_BLOCK8X4,             /* the same place of four successive input channels in eight
                                     * successive output channels: what one step of the sparse
                                     * kernels for 8-bit integers multiplies */
    CN_SCHEME_COUNT
} cn_scheme;

typedef enum cn_levels {
    CN_LEVELS_NONE,     /* any value */
    CN_LEVELS_LINEAR,   /* 2^b equally spaced values, none of them zero: q times +-1, +-2 ... where
                         * the scheme removes weights, else q times +-1/2, +-3/2 ... */
    CN_LEVELS_POWERS,   /* +-2^e, 2^(b - 1) successive exponents */
    CN_LEVELS_CODEBOOK, /* 2^b free values (k-means) */
    CN_LEVELS_COUNT
} cn_levels;

/* The names used in commands and records: "block8", "linear" ...; NULL past the last. */
const char *cn_scheme_name(cn_scheme scheme);
const char *cn_levels_name(cn_levels levels);

/* The scheme or levels called `name`; false where there is none. */
bool cn_scheme_find(const char *name, cn_scheme *scheme);
bool cn_levels_find(const char *name, cn_levels *levels);

/* Patterns: 9-bit masks of the places of a 3 x 3 kernel, bit 3 * row + column. */
enum { CN_MOST_PATTERNS = 16 };
typedef struct cn_patterns {
    uint16_t masks[CN_MOST_PATTERNS];
    int32_t count; /* at least 1 where a pattern scheme is used */
} cn_patterns;

typedef struct cn_constraint {
    cn_scheme scheme;
    double keep; /* share of the tensor's weights that may stay, in (0, 1] */
    cn_patterns patterns;
    cn_levels levels;
    int32_t bits;     /* 1 to 8 where there are levels */
    bool per_channel; /* levels of their own for each output channel */
} cn_constraint;

/* The scheme that `scheme` comes to on the tensor layer `index` of `graph`: itself, or what is done
 * instead where it does not fit, with the rule in *rule (static text; NULL where it fits):
 *   patterns where the kernel is not 3 x 3: none for "pattern", connectivity for both, blocks of
 *     eight for eight filters that share;
 *   blocks of four input channels where a filter reads fewer than four: blocks of eight;
 *   filters of the layer that gives the network's output: none;
 *   channels of a grouped convolution: filters, where each group has one input channel, else
 *   connectivity;
 *   channels of the layer that reads the network's input: none. */
cn_scheme cn_scheme_for(const cn_graph *graph, int32_t index, cn_scheme scheme, const char **rule);

/* How many units the tensor has under the scheme, how many weights the first of them has that may
 * stay (four of nine under a pattern), and how many units stay for `keep` of the weights: rounded
 * down, at least one; all of them for the scheme "pattern". */
int64_t cn_scheme_units(const cn_tensor *tensor, const cn_constraint *constraint);
int64_t cn_scheme_unit_size(const cn_tensor *tensor, const cn_constraint *constraint);
int64_t cn_scheme_units_kept(const cn_tensor *tensor, const cn_constraint *constraint);

/* Sets the constraint's `keep` so that `units` units stay. */
void cn_scheme_keep_units(const cn_tensor *tensor, cn_constraint *constraint, int64_t units);

/* Squared norms of the units, after the pattern where the scheme has one: cn_scheme_units of them.
 * `from` are values in the tensor's shape, which alone is taken from `tensor`. */
void cn_scheme_scores(const cn_tensor *tensor, const cn_constraint *constraint, const float *from,
                      double *scores);

/* to = the nearest tensor to `from` that the constraint's scheme allows; ties go to the earlier
 * unit. `to` may be `from`. Levels are not applied. CN_EINVAL for a pattern scheme without patterns,
 * which would allow no weight. */
cn_status cn_project_scheme(const cn_tensor *tensor, const cn_constraint *constraint,
                            const float *from, float *to, cn_error *error);

/* Levels are a codebook: for the whole tensor, or for each output channel, 2^bits values in
 * ascending order. cn_levels_groups says how many codebooks a tensor has; `codes` holds
 * groups << bits values. Zeros belong to no code: they are what pruning removed.
 *
 * cn_levels_fit chooses codes for the values that are not zero. Linear: the interval q that
 * minimizes sum (w - q l)^2 for the levels l that the weights are nearest to, q = sum |w| l /
 * sum l^2, and nearest levels again, in turn, from several starts. Powers: the best top exponent.
 * Codebook: Lloyd's algorithm. cn_levels_apply: to = the nearest code of each value that is not
 * zero; `to` may be `from`. */
int64_t cn_levels_groups(const cn_tensor *tensor, const cn_constraint *constraint);
cn_status cn_levels_fit(const cn_tensor *tensor, const cn_constraint *constraint, const float *from,
                        float *codes, cn_error *error);
void cn_levels_apply(const cn_tensor *tensor, const cn_constraint *constraint, const float *codes,
                     const float *from, float *to);

/* Both; without levels a copy. */
cn_status cn_project_levels(const cn_tensor *tensor, const cn_constraint *constraint,
                            const float *from, float *to, cn_error *error);

/* Scheme, then levels. */
cn_status cn_project(const cn_tensor *tensor, const cn_constraint *constraint, const float *from,
                     float *to, cn_error *error);

/* Patterns from text: hexadecimal masks divided by commas, for example "01b,036,0d8,1b0". False
 * where it is something else, a mask has not four places, or there are more than CN_MOST_PATTERNS.
 */
bool cn_patterns_parse(const char *text, cn_patterns *patterns);

/* Counts, over all 3 x 3 kernels of the graph's convolutions that have several input channels a
 * filter (of those that have one, where there are no others), the natural pattern of each: the four
 * places with the largest magnitudes, the centre always among them (PatDNN). The `most` (up to
 * CN_MOST_PATTERNS) that occur most become the set; fewer where fewer occur. */
void cn_patterns_learn(const cn_graph *graph, const cn_weights *weights, int32_t most,
                       cn_patterns *patterns);

#endif
