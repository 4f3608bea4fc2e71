/* Kernels made for one convolution and its mask (plan/generate.h), in place of the kernel for
 * blocks of one output: every weight that is not zero is an instruction of its own, with the place
 * that it reads as a constant. So an input vector is loaded once for all outputs of a block,
 * however few of them use it, and nothing is spent on zeros, loops or tables of offsets.
 *
 * Such code is read once from the second-level cache or from memory for every pass over the
 * weights, so a block goes over many pixels before the next block does: a strip, whose sums lie in
 * a tile. The input is read where it lies, or with a stride as planes of its phases (phases.h),
 * which every task makes for itself. Every output is summed up in the order of its taps, to the bit
 * as the kernel for blocks of one output does it. */
#ifndef CN_CPU_GENERATED_H
#define CN_CPU_GENERATED_H

#include "cpu/sparse.h"

enum {
    CN_GENERATED_ROWS = 30,  /* outputs of a block, at most, whatever the level */
    CN_GENERATED_STRIP = 256 /* pixels that it goes over, at most */
};
enum { CN_GENERATED_PITCH = CN_GENERATED_STRIP + CN_PANEL_SLACK };

/* sums[o * CN_GENERATED_PITCH + i] = bias[o] + sum over the output's taps of weight x in[offset +
 * i], for the outputs o of a block and pixels i = 0 ... pixels - 1, a vector of them at least.
 * Where the last vector is not full it is the last `lanes` pixels, whose sums lie after those of
 * the others: pixels are computed twice, but no code is gone through again. The weights are those
 * that are not zero: offset by offset, and of one offset output by output. */
typedef void cn_generated_block(const float *in, const float *weight, const float *bias,
                                float *sums, size_t pixels);

struct cn_generated {
    cn_generated_block *const *run; /* of each group's blocks */
    size_t blocks;                  /* of a group: output group_out * i / blocks begins block i */
    void *library;                  /* given to `close` in the end */
    void (*close)(void *library);
    size_t code_bytes;
    float *weight;    /* as the blocks read them */
    size_t *first;    /* groups x blocks + 1: the weights before each block */
    size_t loads;     /* of a vector of pixels, by all blocks */
    int32_t *channel; /* a group's, as floats of the input from the first */
};

/* Outputs that a block may have at a level, as its registers allow; 0: nothing is generated. */
int32_t cn_generated_rows(cn_isa isa);

/* Whether code can be made for a convolution that is bound to its view: one of blocks of one
 * output, read directly, or with a stride packed, whose planes fill a vector. */
bool cn_generated_can(const cn_conv *conv);

/* Strips that the pixels of an image are cut into, of such a convolution. */
size_t cn_generated_strips(const cn_conv *conv);

/* A block's weights as its code visits them: for each offset, the outputs that have a weight. */
typedef struct cn_generated_walk {
    const cn_conv *conv;
    size_t group;
    int32_t outputs;              /* of the block */
    size_t at[CN_GENERATED_ROWS]; /* each output's next step */
    size_t end[CN_GENERATED_ROWS];
} cn_generated_walk;

/* Starts at the block `block` of `blocks` of group `group`; */
cn_generated_walk cn_generated_start(const cn_conv *conv, size_t group, size_t block,
                                     size_t blocks);
/* the next offset, which with a stride is one in the phases, and, as bits, the outputs that read
 * it; false at the end. The steps of these have just been passed: their weights are
 * conv->weight[at[o] - 1]. */
bool cn_generated_next(cn_generated_walk *walk, int32_t *offset, uint32_t *outputs);

/* Lets the convolution run on `code`, whose run, blocks, library, close and code_bytes are set and
 * which it owns from now on, on failure as well: CN_ENOMEM, nothing has changed. What the other
 * kernels need is kept until cn_generated_settle, so that cn_generated_undo can bring them back. */
cn_status cn_generated_use(cn_conv *conv, const cn_generated *code, cn_error *error);
void cn_generated_settle(cn_conv *conv);
void cn_generated_undo(cn_conv *conv);

/* Products of task `index` of `tasks`. */
double cn_generated_work(const cn_conv *conv, int32_t batch, size_t tasks, size_t index);

void cn_generated_free(cn_generated *code);

#endif
