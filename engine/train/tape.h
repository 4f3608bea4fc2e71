/* The tape: the work of one training step, recorded once and replayed for every batch.
 *
 * Setting a network up appends oneDNN primitives and plain functions to three lists: forward in
 * training mode, forward in inference mode, backward. Memory is recorded with them: what forward
 * writes lives as long as the tape, what backward passes from layer to layer is recycled. */
#ifndef TRAIN_TAPE_H
#define TRAIN_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <oneapi/dnnl/dnnl.h>

#include "condense/graph.h"
#include "condense/status.h"
#include "condense/train.h"

/* Which lists a step belongs to. */
typedef enum tape_list {
    TAPE_TRAIN = 1,
    TAPE_INFER = 2,
    TAPE_FORWARD = TAPE_TRAIN | TAPE_INFER,
    TAPE_BACKWARD = 4
} tape_list;
enum { TAPE_LISTS = 3 };

typedef struct tape_step {
    dnnl_primitive_t primitive; /* or NULL, and `run` is called with `context` */
    dnnl_exec_arg_t *args;
    int arg_count;
    void (*run)(void *context);
    void *context;
    int32_t layer;     /* index in the graph, for messages */
    cn_step_part part; /* what its time counts as */
} tape_step;

typedef struct tape_steps {
    tape_step *items;
    size_t count, capacity;
} tape_steps;

/* A buffer that steps write. Scratch buffers go back to the free ones when nobody holds them. */
typedef struct tape_block {
    void *data;
    size_t size;
    int holders;
    bool scratch, fresh; /* fresh: made since tape_scope_begin */
} tape_block;

/* A tensor with its copies in other layouts. */
enum { VALUE_LAYOUTS = 6, VALUE_PARTS = 64 };
typedef struct value {
    dnnl_memory_t memory; /* in the layout its producer chose */
    dnnl_memory_desc_t md;
    dnnl_memory_t copies[VALUE_LAYOUTS];
    int copy_count;
    bool wants_gradient;
    dnnl_memory_t parts[VALUE_PARTS]; /* gradients from its consumers, to be summed */
    int part_count;
} value;

typedef struct tape {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    tape_steps lists[TAPE_LISTS];
    dnnl_primitive_t *primitives;
    size_t primitive_count, primitive_capacity;
    dnnl_primitive_desc_t *descs;
    size_t desc_count, desc_capacity;
    dnnl_memory_t *memories;
    size_t memory_count, memory_capacity;
    tape_block *blocks;
    size_t block_count, block_capacity;
    const cn_graph *graph; /* for messages */
    int32_t layer;         /* the layer being recorded or played */
    cn_error *error;       /* where recording reports; set by whoever records */
    int64_t *part_ns;      /* time of each part of a step; NULL: no clock runs */
    int64_t lap_ns;        /* when the last part ended */
} tape;

/* Passes a failed cn_status on; turns a failed oneDNN call into one. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        cn_status try_status = (call);                                                             \
        if (try_status != CN_OK) return try_status;                                                \
    } while (0)
#define DNN(t, call)                                                                               \
    do {                                                                                           \
        dnnl_status_t dnn_status = (call);                                                         \
        if (dnn_status != dnnl_success) return tape_failed((t), dnn_status, #call);                \
    } while (0)

cn_status tape_failed(tape *t, dnnl_status_t status, const char *call);
cn_status tape_open(tape *t, const cn_graph *graph, cn_error *error);
void tape_close(tape *t);

/* A primitive descriptor from an operation descriptor, kept by the tape; `hint` may be NULL. */
cn_status tape_desc(tape *t, const void *op_desc, dnnl_primitive_attr_t attr,
                    dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *out);
/* Hands a descriptor made elsewhere (sum, concat) to the tape. */
cn_status tape_adopt(tape *t, dnnl_primitive_desc_t desc);
const dnnl_memory_desc_t *tape_query(dnnl_primitive_desc_t desc, dnnl_query_t what);

/* Appends the primitive of `desc` to the lists. `args` are copied; entries whose memory is NULL are
 * left out. */
cn_status tape_push(tape *t, tape_list lists, dnnl_primitive_desc_t desc,
                    const dnnl_exec_arg_t *args, int arg_count);
cn_status tape_call(tape *t, tape_list lists, void (*run)(void *context), void *context);
cn_status tape_play(tape *t, tape_list list, cn_error *error);

/* Plays only the steps that count as CN_STEP_PRIMITIVES. */
cn_status tape_play_primitives(tape *t, tape_list list, cn_error *error);

/* Charges the time since the last lap to `part`, where a clock runs. */
void tape_lap(tape *t, cn_step_part part);

/* Memory of layout `md`: of its own, scratch (backward), or over the caller's data. */
cn_status tape_memory(tape *t, const dnnl_memory_desc_t *md, dnnl_memory_t *out);
cn_status tape_scratch(tape *t, const dnnl_memory_desc_t *md, dnnl_memory_t *out);
cn_status tape_wrap(tape *t, const dnnl_memory_desc_t *md, void *data, dnnl_memory_t *out);
void *tape_data(dnnl_memory_t memory);
const dnnl_memory_desc_t *tape_layout(dnnl_memory_t memory);

/* Scratch made between begin and end is given back at the end unless somebody holds it. */
void tape_scope_begin(tape *t);
void tape_scope_end(tape *t);

/* Copies `from` into `to`, whatever their layouts. */
cn_status tape_reorder(tape *t, tape_list lists, dnnl_memory_t from, dnnl_memory_t to);

/* to = the sum of `count` (at most VALUE_PARTS) memories of the same shape and layout, their
 * padding included: it holds zeros, and oneDNN takes slow code to step over it. */
cn_status tape_sum(tape *t, tape_list lists, const dnnl_memory_t *from, int count,
                   dnnl_memory_t to);

/* A gradient in layout `md`: itself where it has it, else scratch that a reorder fills. */
cn_status tape_gradient_as(tape *t, dnnl_memory_t from, const dnnl_memory_desc_t *md,
                           dnnl_memory_t *out);

/* A value in new memory of layout `md`, or over existing memory. */
cn_status value_new(tape *t, const dnnl_memory_desc_t *md, value *out);
value value_over(dnnl_memory_t memory);

/* The value in layout `md`, by a reorder on `lists` where it is not there yet. */
cn_status value_as(tape *t, tape_list lists, value *v, const dnnl_memory_desc_t *md,
                   dnnl_memory_t *out);

/* One more gradient of v, in any layout. It must not be written again after this. */
cn_status value_add_gradient(tape *t, value *v, dnnl_memory_t gradient);

/* The sum of the gradients so far, in any layout. */
cn_status value_gradient(tape *t, value *v, dnnl_memory_t *out);
void value_drop_gradients(tape *t, value *v);

/* Descriptors: rank dimensions in plain row-major layout, and the same with the layout left to
 * oneDNN. */
cn_status md_plain(tape *t, int rank, const int64_t *dims, dnnl_memory_desc_t *out);
/* The whole buffer of `md`, padding included, as a vector. */
cn_status md_flat(tape *t, const dnnl_memory_desc_t *md, dnnl_memory_desc_t *out);
dnnl_memory_desc_t md_any(const dnnl_memory_desc_t *md);

#endif
