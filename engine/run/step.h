/* One step of a session: an operator with its packed weights, bound to its views. */
#ifndef CONDENSE_RUN_STEP_H
#define CONDENSE_RUN_STEP_H

#include <stddef.h>
#include <stdint.h>

#include "condense/graph.h"
#include "condense/isa.h"
#include "condense/pool.h"
#include "condense/session.h"
#include "condense/status.h"
#include "condense/weights.h"
#include "cpu/conv.h"
#include "cpu/int8_conv.h"
#include "cpu/int8_simple.h"
#include "cpu/simple.h"
#include "cpu/view.h"
#include "plan/choice.h"
#include "plan/memory.h"
#include "run/integers.h"

/* What a convolution could have been. */
typedef struct cn_step_choice {
    char signature[CN_SIGNATURE_SIZE]; /* what wisdom knows it by */
    cn_conv_way ways[CN_MOST_WAYS];    /* that are worth timing, the static choice first */
    int32_t count;
    int64_t dense_products; /* of one image, the way that dense weights would go */
} cn_step_choice;

/* One of the operators is set; a fully connected layer is a convolution. */
typedef struct cn_step {
    int32_t layer; /* of the planned graph; a concat that copies takes several steps */
    cn_conv *conv;
    cn_simple *simple;
    cn_int8_conv *int8_conv;
    cn_int8_simple *int8_simple;
    cn_step_choice *choice;  /* NULL: there was nothing to choose; owned */
    cn_generator *generator; /* NULL: nothing is generated */
    cn_view *in;             /* the layer's inputs; owned */
    cn_view out;
    cn_view residual; /* data is NULL where there is none */
    size_t tasks;
    size_t halo_shares; /* in which the zeros around the output are written; 0: there are none */
    bool slots;         /* the output is of 8-bit integers */
    uint8_t zero;       /* then its zero point */
    bool by_planes;     /* tasks are shares of the planes, rather than of their rows */
} cn_step;

/* What layer `index` needs from the memory plan: whose memory it may take. */
cn_memory_need cn_step_need(const cn_graph *graph, int32_t index, const cn_integers *integers);

/* Widens `needs` of the layers that `index` reads by the zeros it wants around them. */
void cn_step_ask_halo(const cn_graph *graph, int32_t index, const cn_integers *integers,
                      cn_memory_need *needs);

/* The problem of the convolution `layer`, or of a fully connected one: its window is the whole
 * input. */
cn_conv_problem cn_step_conv_problem(const cn_graph *graph, const cn_layer *layer);

/* Makes the operator of layer `index`, of a concat that for its input `part`, as the options (isa,
 * threads, batch, wisdom) say; its tensors in `weights` are given free once packed. */
cn_status cn_step_make(cn_step *step, const cn_graph *graph, int32_t index, int32_t part,
                       cn_weights *weights, const cn_integers *integers,
                       const cn_session_options *options, cn_error *error);

/* Binds the step to its views: generates its kernels and cuts it into tasks for `threads`. `fresh`:
 * the output's block is new, so the zeros around its planes must be written. */
void cn_step_cut(cn_step *step, int32_t threads, bool fresh);

size_t cn_step_scratch(const cn_step *step); /* bytes a thread */
size_t cn_step_weight_bytes(const cn_step *step);
const char *cn_step_kernel(const cn_step *step);

/* `scratch`: thread t's memory starts at scratch + t * scratch_pitch. */
void cn_step_run(const cn_step *step, cn_pool *pool, char *scratch, size_t scratch_pitch);

void cn_step_clear(cn_step *step);

#endif
