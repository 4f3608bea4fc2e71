/* Convolution on the CPU: any window, stride, dilation, groups and padding, with bias, residual
 * addition and activation in the store: out = activation(conv(in) + bias + residual).
 *
 * NaN and infinities go through as in the plain formula; relu(x) and relu6(x) of NaN are NaN. The
 * result does not depend on the number of tasks or threads: every output is one sum in one order.
 */
#ifndef CN_CPU_CONV_H
#define CN_CPU_CONV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "condense/graph.h"
#include "condense/isa.h"
#include "condense/status.h"
#include "cpu/mask.h"
#include "cpu/view.h"

typedef struct cn_conv_problem {
    cn_window window;
    int32_t in_c, out_c, groups; /* groups divides both; depthwise is groups == in_c */
    cn_shape in, out;            /* of one image */
    cn_activation activation;
    bool residual; /* an addend of the output's shape comes with every run */
    /* Which weights are not zero, for the algorithms that skip the others; NULL: these are out of
     * the question. Not needed once the convolution is made. */
    const cn_mask *mask;
} cn_conv_problem;

typedef struct cn_conv cn_conv;

/* Winograd's are for square windows without dilation that have three taps in each phase of the
 * stride (1, 2 or 4), as 3x3 with stride 1, 5x5 with 2 and 11x11 with 4; F(4x4) also for four, as
 * 7x7 with 2. They round differently, and a NaN or an infinity spreads as NaN over the m x m
 * outputs of its tiles. */
typedef enum cn_conv_algorithm {
    CN_CONV_AUTO, /* the one of the least cost for one image */
    CN_CONV_PANEL,
    CN_CONV_DEPTHWISE,
    CN_CONV_WINOGRAD2, /* F(2x2, 3x3) */
    CN_CONV_WINOGRAD4, /* F(4x4, 3x3), F(4x4, 4x4) */
    CN_CONV_WINOGRAD6,
    CN_CONV_SPARSE1, /* skips the steps of a mask's blocks of one output */
    CN_CONV_SPARSE2,
    CN_CONV_SPARSE4,
    CN_CONV_SPARSE8,
    CN_CONV_BITMAP,    /* to one pixel; where weights are not zero is a bit for each */
    CN_CONV_ALGORITHMS /* not one: how many there are */
} cn_conv_algorithm;

/* How the work is shared out among threads. */
typedef enum cn_conv_split {
    CN_SPLIT_AUTO,     /* by the algorithm's own rule */
    CN_SPLIT_PIXELS,   /* each thread does some of the pixels, all channels of them where it can */
    CN_SPLIT_CHANNELS, /* each thread does some of the channels of all the pixels */
} cn_conv_split;

/* Where a sparse algorithm reads its input. */
typedef enum cn_conv_input {
    CN_INPUT_AUTO,   /* what is estimated to take less */
    CN_INPUT_DIRECT, /* in the planes, where they lie; not with strides */
    CN_INPUT_PACKED, /* in panels, one for each tile of pixels, of the taps that any output uses;
                      * not for pictures of one pixel */
} cn_conv_input;

/* A way to do it (docs/tuning.md): an algorithm and what it leaves open, which changes no bit of
 * the result. All zeros: the static choice. */
typedef struct cn_conv_way {
    cn_conv_algorithm algorithm;
    /* Vectors of pixels (panels) or tiles (Winograd) that meet the weights at a time, at most: 1,
     * 2; 0: as many as the kernel's tile has. */
    int32_t vectors;
    /* Panels: a task holds several blocks of pixels and lets each block of weights meet them all,
     * rather than one that meets all weights. */
    bool weights_outer;
    cn_conv_split split;
    cn_conv_input input; /* sparse algorithms */
    bool generated; /* sparse1, read directly: on kernels made for the mask, where there are some
                     * (plan/generate.h) */
} cn_conv_way;

/* The way's name in wisdom: the algorithm's, then "/" and what is not its own rule, in this order:
 * "panel", "winograd6/2_vectors", "panel/1_vector/weights_outer/by_channels",
 * "depthwise/by_pixels", "sparse8/by_channels/packed", "sparse1/generated". Another spelling is no
 * name. */
enum { CN_CONV_NAME_SIZE = 64 };
void cn_conv_way_name(cn_conv_way way, char name[CN_CONV_NAME_SIZE]);
bool cn_conv_way_parse(const char *name, cn_conv_way *way);

/* Whether the problem can be done that way. */
bool cn_conv_can(const cn_conv_problem *problem, cn_conv_way way);

/* Whether the way's packed weights, with the code of generated kernels, take no more memory than
 * the dense way's would: then a network without its zeros is never the larger one. CN_CONV_AUTO
 * takes only such ways. The problem can be done that way. */
bool cn_conv_spares(const cn_conv_problem *problem, cn_conv_way way, cn_isa isa);

/* About how many vector operations of `isa` a batch takes by an algorithm, with what the kernel's
 * rows and lanes leave empty and with the wait for weights from memory. The problem is one that
 * cn_conv_new takes, and `algorithm` (not CN_CONV_AUTO) can do it. */
double cn_conv_cost(const cn_conv_problem *problem, cn_conv_algorithm algorithm, cn_isa isa,
                    int32_t batch);

/* What a way does with caches and threads. */
typedef struct cn_conv_traffic {
    size_t weights; /* bytes that meet each block of pixels */
    size_t blocks;  /* of pixels: how often the weights are read */
    size_t held;    /* bytes that a block of pixels keeps in the caches meanwhile */
    size_t tasks;
    bool by_channels; /* as cn_conv_by_channels */
    bool packed;      /* sparse algorithms: the input is packed */
} cn_conv_traffic;

/* As cn_conv_cost; `way` is one that the problem can be done. */
cn_conv_traffic cn_conv_traffic_of(const cn_conv_problem *problem, cn_conv_way way, cn_isa isa,
                                   int32_t batch, int32_t threads);

/* Picks a kernel not above `isa` and packs the weights: `weight` is out_c x in_c/groups x kernel_h
 * x kernel_w, `bias` is out_c or NULL for none; neither is needed afterwards. CN_EINVAL where the
 * problem contradicts itself or the way, CN_ENOMEM. */
cn_status cn_conv_new(cn_conv **out, const cn_conv_problem *problem, cn_conv_way way,
                      const float *weight, const float *bias, cn_isa isa, cn_error *error);

/* The way it is done; its algorithm is not CN_CONV_AUTO. */
cn_conv_way cn_conv_way_of(const cn_conv *conv);

/* Registry name of the kernel that does the arithmetic, for example "f32_conv_8x48_avx512". */
const char *cn_conv_kernel(const cn_conv *conv);

/* The zeros that the input view must offer around each plane: top, bottom, left, right. */
void cn_conv_halo(const cn_conv_problem *problem, int32_t halo[4]);

/* Bytes a thread, aligned to CN_ALIGNMENT. */
size_t cn_conv_scratch(const cn_conv *conv, int32_t batch);
size_t cn_conv_weight_bytes(const cn_conv *conv); /* packed */

/* Multiplications of one image, without the transforms': those of direct convolution, or fewer. */
int64_t cn_conv_products(const cn_conv *conv);

/* The same for the way that dense weights would go by themselves. */
int64_t cn_conv_dense_products(const cn_conv_problem *problem, cn_isa isa);

/* Into how many independent tasks a run over `batch` images should be cut for `threads`. */
size_t cn_conv_tasks(const cn_conv *conv, int32_t batch, int32_t threads);

/* Tells it the strides of the views that it will read. Once, before the first run. */
void cn_conv_bind(cn_conv *conv, const cn_view *in);

/* Input vectors that are loaded for each product of a vector with a weight that is not zero; of
 * dense weights as the panel kernel loads them, whatever the algorithm. */
double cn_conv_loads(const cn_conv *conv);

/* The products of the busiest of `threads` over the mean of all, when each does its share of the
 * tasks; at least 1. */
double cn_conv_imbalance(const cn_conv *conv, int32_t batch, int32_t threads);

/* Whether the first tasks of `tasks` do the first channels of all rows, rather than the first rows
 * of all channels. */
bool cn_conv_by_channels(const cn_conv *conv, int32_t batch, size_t tasks);

/* Task `index` of `tasks` (a result of cn_conv_tasks for in->n). `residual` is NULL unless the
 * problem has one. The views may not overlap, but `residual` may be `out` itself: each pixel is
 * read before it is written. */
void cn_conv_task(const cn_conv *conv, const cn_view *in, const cn_view *out,
                  const cn_view *residual, size_t index, size_t tasks, void *scratch);

void cn_conv_free(cn_conv *conv);

#endif
