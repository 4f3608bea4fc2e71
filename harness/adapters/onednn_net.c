#include <string.h>

#include "adapters/onednn.h"
#include "condense/memory.h"

cn_status st_dnnl_check(const st_dnnl_net *net, dnnl_status_t status, const char *what,
                        cn_error *error)
{
    if (status == dnnl_success) return CN_OK;
    return cn_fail(error, status == dnnl_out_of_memory ? CN_ENOMEM : CN_EUNSUPPORTED,
                   "oneDNN, layer '%s': %s failed with status %d", net->layer, what, (int)status);
}

/* Room for one more item of `size` bytes in a list of `count`. */
static void *grown(void *items, int32_t count, int32_t *room, size_t size)
{
    if (count < *room) return items;
    int32_t more = *room ? *room * 2 : 64;
    void *larger = cn_recalloc(items, (size_t)count, (size_t)more, size);
    if (larger) *room = more;
    return larger;
}

static cn_status out_of_memory(const st_dnnl_net *net, cn_error *error)
{
    return cn_fail(error, CN_ENOMEM, "oneDNN, layer '%s': out of memory", net->layer);
}

cn_status st_dnnl_buffer(st_dnnl_net *net, size_t bytes, int32_t *buffer, cn_error *error)
{
    cn_block *buffers =
        grown(net->buffers, net->buffer_count, &net->buffer_room, sizeof *net->buffers);
    if (!buffers) return out_of_memory(net, error);
    net->buffers = buffers;
    buffers[net->buffer_count] =
        (cn_block){(bytes + CN_ALIGNMENT - 1) / CN_ALIGNMENT * CN_ALIGNMENT, net->call_count,
                   net->call_count, 0};
    *buffer = net->buffer_count++;
    return CN_OK;
}

cn_status st_dnnl_new_value(st_dnnl_net *net, const dnnl_memory_desc_t *layout,
                            st_dnnl_value *value, cn_error *error)
{
    *value = (st_dnnl_value){.layout = *layout};
    return st_dnnl_buffer(net, dnnl_memory_desc_get_size(layout), &value->buffer, error);
}

cn_status st_dnnl_new_memory(st_dnnl_net *net, const dnnl_memory_desc_t *layout, int32_t buffer,
                             dnnl_memory_t *memory, cn_error *error)
{
    st_dnnl_memory *memories =
        grown(net->memories, net->memory_count, &net->memory_room, sizeof *net->memories);
    if (!memories) return out_of_memory(net, error);
    net->memories = memories;
    void *handle = buffer < 0 ? DNNL_MEMORY_ALLOCATE : DNNL_MEMORY_NONE;
    cn_status status = st_dnnl_check(net, dnnl_memory_create(memory, layout, net->engine, handle),
                                     "memory", error);
    if (!status) memories[net->memory_count++] = (st_dnnl_memory){*memory, buffer};
    return status;
}

cn_status st_dnnl_record(st_dnnl_net *net, dnnl_primitive_desc_t descriptor, st_dnnl_call **call,
                         cn_error *error)
{
    const dnnl_memory_desc_t *scratch =
        dnnl_primitive_desc_query_md(descriptor, dnnl_query_scratchpad_md, 0);
    size_t bytes = scratch ? dnnl_memory_desc_get_size(scratch) : 0;
    if (bytes > net->scratch_bytes) net->scratch_bytes = bytes;
    dnnl_primitive_t primitive = NULL;
    dnnl_status_t made = dnnl_primitive_create(&primitive, descriptor);
    dnnl_primitive_desc_destroy(descriptor);
    cn_status status = st_dnnl_check(net, made, "making a primitive", error);
    if (status) return status;
    st_dnnl_call *calls = grown(net->calls, net->call_count, &net->call_room, sizeof *net->calls);
    if (!calls) {
        dnnl_primitive_destroy(primitive);
        return out_of_memory(net, error);
    }
    net->calls = calls;
    calls[net->call_count] = (st_dnnl_call){.primitive = primitive};
    if (call) *call = &calls[net->call_count];
    net->call_count++;
    return CN_OK;
}

void st_dnnl_pass_memory(st_dnnl_net *net, int index, dnnl_memory_t memory)
{
    st_dnnl_call *call = &net->calls[net->call_count - 1];
    call->arguments[call->argument_count++] = (dnnl_exec_arg_t){index, memory};
}

cn_status st_dnnl_pass(st_dnnl_net *net, int index, const st_dnnl_value *value, cn_error *error)
{
    dnnl_memory_t memory;
    cn_status status = st_dnnl_new_memory(net, &value->layout, value->buffer, &memory, error);
    if (status) return status;
    st_dnnl_pass_memory(net, index, memory);
    net->buffers[value->buffer].last = net->call_count - 1;
    return CN_OK;
}

cn_status st_dnnl_reorder(st_dnnl_net *net, const st_dnnl_value *from,
                          const dnnl_memory_desc_t *layout, bool copy, st_dnnl_value *to,
                          cn_error *error)
{
    if (!copy && dnnl_memory_desc_equal(&from->layout, layout)) {
        *to = *from;
        return CN_OK;
    }
    return st_dnnl_convert(net, from, (cn_scale){0}, layout, (cn_scale){0}, to, error);
}

cn_scale st_dnnl_levels(const st_dnnl_net *net, int32_t index)
{
    return net->quantization ? net->quantization->outputs[index] : (cn_scale){0};
}

dnnl_data_type_t st_dnnl_type(cn_scale levels)
{
    return levels.scale > 0 ? dnnl_u8 : dnnl_f32;
}

static dnnl_status_t set_levels(dnnl_primitive_attr_t attribute, cn_scale from, cn_scale to)
{
    float scale = (from.scale > 0 ? from.scale : 1) / (to.scale > 0 ? to.scale : 1);
    dnnl_status_t status = dnnl_primitive_attr_set_output_scales(attribute, 1, 0, &scale);
    if (status == dnnl_success && from.zero)
        status = dnnl_primitive_attr_set_zero_points(attribute, DNNL_ARG_FROM, 1, 0, &from.zero);
    if (status == dnnl_success && to.zero)
        status = dnnl_primitive_attr_set_zero_points(attribute, DNNL_ARG_TO, 1, 0, &to.zero);
    return status;
}

cn_status st_dnnl_convert(st_dnnl_net *net, const st_dnnl_value *from, cn_scale from_levels,
                          const dnnl_memory_desc_t *layout, cn_scale to_levels, st_dnnl_value *to,
                          cn_error *error)
{
    dnnl_primitive_desc_t descriptor;
    dnnl_primitive_attr_t attribute;
    cn_layer none = cn_layer_defaults(CN_OP_INPUT);
    cn_status status = st_dnnl_attribute(net, &none, &attribute, error);
    if (status) return status;
    if (from_levels.scale > 0 || to_levels.scale > 0)
        status = st_dnnl_check(net, set_levels(attribute, from_levels, to_levels), "levels", error);
    if (status) {
        dnnl_primitive_attr_destroy(attribute);
        return status;
    }
    status =
        st_dnnl_check(net,
                      dnnl_reorder_primitive_desc_create(&descriptor, &from->layout, net->engine,
                                                         layout, net->engine, attribute),
                      "reorder", error);
    dnnl_primitive_attr_destroy(attribute);
    if (status) return status;
    status = st_dnnl_new_value(net, layout, to, error);
    if (status) {
        dnnl_primitive_desc_destroy(descriptor);
        return status;
    }
    status = st_dnnl_record(net, descriptor, NULL, error);
    if (!status) status = st_dnnl_pass(net, DNNL_ARG_FROM, from, error);
    return status ? status : st_dnnl_pass(net, DNNL_ARG_TO, to, error);
}

cn_status st_dnnl_plain(const st_dnnl_net *net, int32_t rank, const dnnl_dims_t dims,
                        dnnl_data_type_t type, dnnl_memory_desc_t *layout, cn_error *error)
{
    static const dnnl_format_tag_t tags[] = {
        dnnl_format_tag_undef, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd, dnnl_abcde};
    return st_dnnl_check(net, dnnl_memory_desc_init_by_tag(layout, rank, dims, type, tags[rank]),
                         "layout", error);
}

dnnl_alg_kind_t st_dnnl_activation(cn_activation activation, float *alpha)
{
    *alpha = 0.0f;
    switch (activation) {
    case CN_ACT_RELU:
        return dnnl_eltwise_relu;
    case CN_ACT_RELU6:
        *alpha = 6.0f;
        return dnnl_eltwise_bounded_relu;
    case CN_ACT_SIGMOID:
        return dnnl_eltwise_logistic;
    case CN_ACT_TANH:
        return dnnl_eltwise_tanh;
    case CN_ACT_NONE:
        break;
    }
    return dnnl_alg_kind_undef;
}

cn_status st_dnnl_attribute(const st_dnnl_net *net, const cn_layer *layer,
                            dnnl_primitive_attr_t *attribute, cn_error *error)
{
    float alpha;
    dnnl_alg_kind_t algorithm = st_dnnl_activation(layer->activation, &alpha);
    dnnl_post_ops_t chain = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(attribute);
    if (status != dnnl_success) return st_dnnl_check(net, status, "attributes", error);
    status = dnnl_primitive_attr_set_scratchpad_mode(*attribute, dnnl_scratchpad_mode_user);
    if (status == dnnl_success) status = dnnl_post_ops_create(&chain);
    if (status == dnnl_success && layer->residual >= 0)
        status = dnnl_post_ops_append_sum(chain, 1.0f);
    if (status == dnnl_success && algorithm != dnnl_alg_kind_undef)
        status = dnnl_post_ops_append_eltwise(chain, 1.0f, algorithm, alpha, 0.0f);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*attribute, chain);
    dnnl_post_ops_destroy(chain);
    if (status == dnnl_success) return CN_OK;
    dnnl_primitive_attr_destroy(*attribute);
    *attribute = NULL;
    return st_dnnl_check(net, status, "attributes", error);
}
