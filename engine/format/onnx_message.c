#include "format/onnx_message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "condense/memory.h"

struct cn_onnx_block {
    cn_onnx_block *next;
    _Alignas(16) unsigned char bytes[];
};

static void *allocate(cn_onnx *onnx, size_t size)
{
    size_t whole;
    cn_onnx_block *block = NULL;
    if (cn_add_size(size, sizeof *block, &whole)) block = cn_calloc(whole, 1);
    if (!block) {
        onnx->failed = true;
        return NULL;
    }
    block->next = onnx->blocks;
    onnx->blocks = block;
    return block->bytes;
}

static void *copy(cn_onnx *onnx, const void *values, size_t bytes)
{
    void *own = allocate(onnx, bytes);
    if (own && bytes) memcpy(own, values, bytes);
    return own;
}

void cn_onnx_clear(cn_onnx *onnx)
{
    while (onnx->blocks) {
        cn_onnx_block *next = onnx->blocks->next;
        cn_free(onnx->blocks);
        onnx->blocks = next;
    }
    *onnx = (cn_onnx){0};
}

const char *cn_onnx_text(cn_onnx *onnx, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : allocate(onnx, (size_t)length + 1);
    if (!text) return "";
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

/* protobuf-c's structs have no const; the packer writes to none of what they point at. */
static char *not_const(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* Appends `item` to a list of `count` pointers with `capacity` places. */
static void append(cn_onnx *onnx, void ***list, size_t *count, size_t *capacity, void *item)
{
    if (*count == *capacity) {
        size_t more = *capacity ? 2 * *capacity : 8;
        void **grown = allocate(onnx, more * sizeof *grown);
        if (!grown) return;
        if (*count) memcpy(grown, *list, *count * sizeof *grown);
        *list = grown;
        *capacity = more;
    }
    (*list)[(*count)++] = item;
}

Onnx__NodeProto *cn_onnx_node(cn_onnx *onnx, const char *op, const char *output,
                              const char *const *inputs, size_t count)
{
    Onnx__NodeProto *node = allocate(onnx, sizeof *node);
    if (!node) return NULL;
    onnx__node_proto__init(node);
    node->name = not_const(output);
    node->op_type = not_const(op);
    node->input = copy(onnx, inputs, count * sizeof *inputs);
    node->output = copy(onnx, &output, sizeof output);
    if (onnx->failed) return NULL;
    node->n_input = count;
    node->n_output = 1;
    append(onnx, (void ***)&onnx->graph.node, &onnx->graph.n_node, &onnx->nodes, node);
    return node;
}

static Onnx__AttributeProto *attribute(cn_onnx *onnx, Onnx__NodeProto *node, const char *name,
                                       Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *attribute = allocate(onnx, sizeof *attribute);
    if (!attribute || !node) return NULL;
    onnx__attribute_proto__init(attribute);
    attribute->name = not_const(name);
    attribute->has_type = true;
    attribute->type = type;
    /* A node has a handful: the list grows by a place each time. */
    size_t capacity = node->n_attribute;
    Onnx__AttributeProto **list = allocate(onnx, (capacity + 1) * sizeof *list);
    if (!list) return NULL;
    if (capacity) memcpy(list, node->attribute, capacity * sizeof *list);
    list[node->n_attribute++] = attribute;
    node->attribute = list;
    return attribute;
}

void cn_onnx_int(cn_onnx *onnx, Onnx__NodeProto *node, const char *name, int64_t value)
{
    Onnx__AttributeProto *a =
        attribute(onnx, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (!a) return;
    a->has_i = true;
    a->i = value;
}

void cn_onnx_ints(cn_onnx *onnx, Onnx__NodeProto *node, const char *name, const int64_t *values,
                  size_t count)
{
    int64_t *own = copy(onnx, values, count * sizeof *values);
    Onnx__AttributeProto *a =
        attribute(onnx, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    if (!a || !own) return;
    a->n_ints = count;
    a->ints = own;
}

void cn_onnx_float(cn_onnx *onnx, Onnx__NodeProto *node, const char *name, float value)
{
    Onnx__AttributeProto *a =
        attribute(onnx, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    if (!a) return;
    a->has_f = true;
    a->f = value;
}

void cn_onnx_string(cn_onnx *onnx, Onnx__NodeProto *node, const char *name, const char *value)
{
    Onnx__AttributeProto *a =
        attribute(onnx, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    if (!a) return;
    a->has_s = true;
    a->s = (ProtobufCBinaryData){strlen(value), (uint8_t *)not_const(value)};
}

void cn_onnx_constant(cn_onnx *onnx, const char *name, Onnx__TensorProto__DataType type,
                      const int64_t *dims, size_t rank, const void *values, size_t bytes,
                      bool copied)
{
    /* raw_data is little-endian by definition, and so are all machines this is built for. */
    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "swap the bytes of raw_data");
    Onnx__TensorProto *tensor = allocate(onnx, sizeof *tensor);
    if (!tensor) return;
    onnx__tensor_proto__init(tensor);
    tensor->name = not_const(name);
    tensor->has_data_type = true;
    tensor->data_type = (int32_t)type;
    tensor->dims = copy(onnx, dims, rank * sizeof *dims);
    tensor->n_dims = tensor->dims ? rank : 0;
    tensor->has_raw_data = true;
    tensor->raw_data.data =
        copied ? copy(onnx, values, bytes) : (uint8_t *)not_const((const char *)values);
    tensor->raw_data.len = tensor->raw_data.data ? bytes : 0;
    append(onnx, (void ***)&onnx->graph.initializer, &onnx->graph.n_initializer,
           &onnx->initializers, tensor);
}

/* What a value of rank at most 4 is made of; the list of one is what the graph holds. */
typedef struct value {
    Onnx__ValueInfoProto info, *list[1];
    Onnx__TypeProto type;
    Onnx__TypeProto__Tensor tensor;
    Onnx__TensorShapeProto shape;
    Onnx__TensorShapeProto__Dimension dims[4], *places[4];
} value;

Onnx__ValueInfoProto **cn_onnx_value(cn_onnx *onnx, const char *name, const int32_t *dims,
                                     size_t rank)
{
    value *v = allocate(onnx, sizeof *v);
    if (!v) return NULL;
    onnx__value_info_proto__init(&v->info);
    onnx__type_proto__init(&v->type);
    onnx__type_proto__tensor__init(&v->tensor);
    onnx__tensor_shape_proto__init(&v->shape);
    for (size_t i = 0; i <= rank; i++) {
        Onnx__TensorShapeProto__Dimension *dim = v->places[i] = &v->dims[i];
        onnx__tensor_shape_proto__dimension__init(dim);
        dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        dim->dim_value = i ? dims[i - 1] : onnx->batch;
    }
    if (!onnx->batch) {
        v->dims[0].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
        v->dims[0].dim_param = not_const("N");
    }
    v->shape.n_dim = rank + 1;
    v->shape.dim = v->places;
    v->tensor.has_elem_type = true;
    v->tensor.elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    v->tensor.shape = &v->shape;
    v->type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    v->type.tensor_type = &v->tensor;
    v->info.name = not_const(name);
    v->info.type = &v->type;
    v->list[0] = &v->info;
    return v->list;
}
