/* A network on oneDNN: recorded calls of primitives over buffers that share one arena. */
#ifndef HARNESS_ADAPTERS_ONEDNN_H
#define HARNESS_ADAPTERS_ONEDNN_H

#include <dnnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "condense/graph.h"
#include "condense/quantize.h"
#include "condense/status.h"
#include "condense/weights.h"
#include "plan/arena.h"

enum { ST_DNNL_ARGUMENTS = 8 };

/* One execution: a primitive and its arguments. */
typedef struct st_dnnl_call {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t arguments[ST_DNNL_ARGUMENTS];
    int32_t argument_count;
} st_dnnl_call;

/* A tensor: its layout, with the type of its numbers, and the buffer it lies in. */
typedef struct st_dnnl_value {
    dnnl_memory_desc_t layout;
    int32_t buffer;
    bool shared; /* another layer's value lies in the same buffer */
} st_dnnl_value;

/* A memory object that lies in the arena, or, with buffer -1, owns its memory. */
typedef struct st_dnnl_memory {
    dnnl_memory_t memory;
    int32_t buffer;
} st_dnnl_memory;

typedef struct st_dnnl_net {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    const char *layer; /* being recorded; for messages */
    int32_t threads, batch;
    const cn_quantization *quantization; /* while recording; NULL: of floats */
    st_dnnl_call *calls;
    st_dnnl_memory *memories;
    cn_block *buffers; /* bytes, and the first and last call that use it */
    int32_t call_count, memory_count, buffer_count;
    int32_t call_room, memory_room, buffer_room;
    size_t scratch_bytes;
    void *arena, *scratch;
    int32_t input_buffer; /* the caller's memory: of no bytes in the arena */
    dnnl_memory_t scratchpad, output;
} st_dnnl_net;

/* CN_OK, or CN_EUNSUPPORTED or CN_ENOMEM with the layer and what failed. */
cn_status st_dnnl_check(const st_dnnl_net *net, dnnl_status_t status, const char *what,
                        cn_error *error);

/* A buffer of `bytes`; its index in *buffer. */
cn_status st_dnnl_buffer(st_dnnl_net *net, size_t bytes, int32_t *buffer, cn_error *error);

/* A value of `layout` in a new buffer. */
cn_status st_dnnl_new_value(st_dnnl_net *net, const dnnl_memory_desc_t *layout,
                            st_dnnl_value *value, cn_error *error);

/* A memory object of `layout` in `buffer` (-1: with memory of its own), owned by the net. */
cn_status st_dnnl_new_memory(st_dnnl_net *net, const dnnl_memory_desc_t *layout, int32_t buffer,
                             dnnl_memory_t *memory, cn_error *error);

/* Appends a call of the primitive that `descriptor` describes; takes the descriptor over. */
cn_status st_dnnl_record(st_dnnl_net *net, dnnl_primitive_desc_t descriptor, st_dnnl_call **call,
                         cn_error *error);

/* Gives the last recorded call the argument `index`: a value of the arena, or any memory. */
cn_status st_dnnl_pass(st_dnnl_net *net, int index, const st_dnnl_value *value, cn_error *error);
void st_dnnl_pass_memory(st_dnnl_net *net, int index, dnnl_memory_t memory);

/* *to: `from` in `layout`, by a recorded reorder where they differ (or where `copy`). */
cn_status st_dnnl_reorder(st_dnnl_net *net, const st_dnnl_value *from,
                          const dnnl_memory_desc_t *layout, bool copy, st_dnnl_value *to,
                          cn_error *error);

/* The same where numbers become others, too: floats levels, or levels floats (scale 0). */
cn_status st_dnnl_convert(st_dnnl_net *net, const st_dnnl_value *from, cn_scale from_levels,
                          const dnnl_memory_desc_t *layout, cn_scale to_levels, st_dnnl_value *to,
                          cn_error *error);

/* Of layer `index`'s output. */
cn_scale st_dnnl_levels(const st_dnnl_net *net, int32_t index);

/* The type of numbers that have such levels. */
dnnl_data_type_t st_dnnl_type(cn_scale levels);

/* Records layer `index` of `graph`. values: one a layer; values[index] is set. `last_read`: whether
 * the layer's fused residual is read here for the last time. */
cn_status st_dnnl_layer(st_dnnl_net *net, const cn_graph *graph, const cn_weights *weights,
                        int32_t index, st_dnnl_value *values, bool last_read, cn_error *error);

/* The same for convolution and fully connected. */
cn_status st_dnnl_tensor_layer(st_dnnl_net *net, const cn_graph *graph, const cn_weights *weights,
                               int32_t index, st_dnnl_value *values, bool last_read,
                               cn_error *error);

/* A primitive attribute with the scratchpad in user hands and, after an operator, residual addition
 * and activation. */
cn_status st_dnnl_attribute(const st_dnnl_net *net, const cn_layer *layer,
                            dnnl_primitive_attr_t *attribute, cn_error *error);

/* The element-wise algorithm of an activation and its first parameter. */
dnnl_alg_kind_t st_dnnl_activation(cn_activation activation, float *alpha);

/* Dense NCHW (or NC) layout. */
cn_status st_dnnl_plain(const st_dnnl_net *net, int32_t rank, const dnnl_dims_t dims,
                        dnnl_data_type_t type, dnnl_memory_desc_t *layout, cn_error *error);

/* A convolution or fully connected layer of integers: its sums times `scales`, one a channel of the
 * output, are what the post-operations work on. */
typedef struct st_dnnl_sums {
    cn_scale source, residual, target;
    float unit;       /* what one stands for before the activation */
    float *scales;    /* for cn_free */
    float *bias;      /* in units of the sums; with what the source's zero makes of them, where no
                       * padding does without; for cn_free */
    int8_t *weight;   /* the levels; for cn_free */
    bool source_zero; /* left to the primitive */
} st_dnnl_sums;

cn_status st_dnnl_sums_new(st_dnnl_sums *sums, const st_dnnl_net *net, const cn_graph *graph,
                           const cn_weights *weights, int32_t index, cn_error *error);
cn_status st_dnnl_sums_attribute(const st_dnnl_sums *sums, const st_dnnl_net *net,
                                 const cn_layer *layer, dnnl_primitive_attr_t *attribute,
                                 cn_error *error);
void st_dnnl_sums_clear(st_dnnl_sums *sums);

#endif
