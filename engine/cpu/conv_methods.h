/* The algorithms that do a convolution. Each is a file (conv_panel.c, conv_winograd.c,
 * conv_depthwise.c, conv_sparse.c, conv_bitmap.c); conv.c chooses among them. */
#ifndef CN_CPU_CONV_METHODS_H
#define CN_CPU_CONV_METHODS_H

#include "condense/memory.h"
#include "cpu/conv.h"
#include "cpu/kernels/kernels.h"

typedef struct cn_conv_method cn_conv_method;
typedef struct cn_generated cn_generated; /* cpu/generated.h */

/* Weights without their zeros, as the sparse kernels visit them (conv_sparse.c). */
typedef struct cn_sparse {
    cn_mask_blocks own; /* the mask's blocks */
    int32_t *offset;    /* of a step: what it reads, floats from a tile's first pixel */
    uint64_t *bits;     /* in their place: for each output, which taps have a step */
    int32_t *tap;       /* packed input: the taps that are used, by group, as floats from there */
    size_t *taps;       /* groups + 1: where each group's taps begin */
    int64_t nonzero;
    bool even;               /* blocks are shared out by their steps */
    bool bound;              /* before that offsets (packed: taps) are numbers of taps */
    ptrdiff_t row, plane;    /* of the view that it is bound to */
    cn_generated *generated; /* NULL: it runs on kernels of the registry */
} cn_sparse;

struct cn_conv {
    cn_conv_problem problem;
    const cn_kernels *kernels;
    const cn_conv_method *method;
    cn_conv_way way;             /* as asked for, with the method's algorithm */
    int32_t group_in, group_out; /* channels of a group */
    size_t depth;                /* products in one output */
    size_t blocks;               /* of output channels, in one group */
    size_t chunk;                /* Winograd: blocks whose products are held together */
    size_t weight_bytes;
    float *weight, *bias;
    cn_sparse *sparse; /* NULL: the weights are dense */
    char name[48];     /* of the kernel that does the arithmetic */
};

struct cn_conv_method {
    cn_conv_algorithm algorithm;
    int32_t tile;                /* Winograd: m, the edge of a tile of outputs */
    bool blocks, orders;         /* whether a way may choose vectors, weights_outer */
    void (*name)(cn_conv *conv); /* sets it */
    bool (*fits)(const cn_conv_problem *problem);
    /* About how many vector operations a batch takes. */
    double (*cost)(const cn_conv *conv, int32_t batch);
    /* As in cn_conv_traffic; for a convolution without weights, too. */
    cn_conv_traffic (*traffic)(const cn_conv *conv, int32_t batch);
    /* Allocates and fills weight, bias and what goes with them. */
    cn_status (*pack)(cn_conv *conv, const float *weight, const float *bias, cn_error *error);
    size_t (*scratch)(const cn_conv *conv, int32_t batch);
    /* These two do not look at the weights either. */
    size_t (*tasks)(const cn_conv *conv, int32_t batch, int32_t threads);
    /* Whether neighbouring tasks of `tasks` are about different channels; else about pixels. */
    bool (*by_channels)(const cn_conv *conv, int32_t batch, size_t tasks);
    void (*task)(const cn_conv *conv, const cn_view *in, const cn_view *out,
                 const cn_view *residual, size_t index, size_t tasks, void *scratch);
    int32_t rows; /* sparse: outputs of a block; 0: the weights are dense */
};

/* Where depthwise fits, no other does: its input has no zeros around the planes. */
extern const cn_conv_method cn_conv_panel, cn_conv_depthwise, cn_conv_winograd2, cn_conv_winograd4,
    cn_conv_winograd6, cn_conv_sparse1, cn_conv_sparse2, cn_conv_sparse4, cn_conv_sparse8,
    cn_conv_bitmap;

bool cn_conv_is_strided(const cn_conv_problem *problem);

/* CN_EINVAL where the problem contradicts itself. */
cn_status cn_conv_check(const cn_conv_problem *problem, cn_error *error);

/* Of one image by Winograd's filtering, without the transforms. */
int64_t cn_winograd_products(const cn_conv *conv);

/* How far windows reach past the planes: top, bottom, left, right. */
void cn_conv_reach(const cn_conv_problem *problem, int32_t halo[4]);

/* Zeroed memory for `weights` floats of packed weights and `outputs` biases. */
cn_status cn_conv_allocate(cn_conv *conv, size_t weights, size_t outputs, cn_error *error);

/* Pixels or tiles in a block, at most: of the kernel's, as many as the way says. */
int32_t cn_conv_width(const cn_conv *conv);

/* Number of tasks when `pieces` equal pieces of work may each be shared out into at most `most`
 * parts, which costs some of the work again: only as many as give each thread the same number of
 * tasks, or so many that one more or less does not matter. */
size_t cn_conv_share(size_t pieces, size_t most, int32_t threads);

/* Cuts output pixels first .. first + count - 1 (of all images, row by row) into segments that are
 * evenly spaced in memory; returns how many, at most `count`. `at` is where a pixel's window begins
 * in the input, from the window of pixel (0, 0) on; */
int32_t cn_conv_cut_input(const cn_conv *conv, const cn_view *in, size_t first, int32_t count,
                          cn_segment *segments);
/* or where the pixel lies in the output, `also` where in the residual, if there is one. */
int32_t cn_conv_cut_output(const cn_conv *conv, const cn_view *out, const cn_view *residual,
                           size_t first, int32_t count, cn_segment *segments);

/* What the pack kernel reads of a group's channels; segments and pitch are left to the caller. */
cn_pack cn_conv_pack(const cn_conv *conv, const cn_view *in, size_t group);

/* The pieces in which the vectors of a tile of `pixels` go to the segments, and the bounds that are
 * the activation.
 * False where the activation is no pair of bounds: then the store must not be used. */
bool cn_conv_store(const cn_conv *conv, int32_t pixels, const cn_segment *segments, int32_t count,
                   cn_store *store);

/* Asks for the lines that will be stored to (and added from) while the product is worked out: each
 * row is another plane, too far apart for the processor to guess. */
void cn_conv_expect(const cn_store *store);
enum { CN_LINE = CN_ALIGNMENT / sizeof(float) };

#endif
