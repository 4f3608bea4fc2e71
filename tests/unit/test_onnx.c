/* ONNX: what is written is read back; what it means is held against ONNX Runtime, where that is at
 * hand, in test_engines.c. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "condense/memory.h"
#include "condense/onnx.h"
#include "condense/passes.h"
#include "integers.h"
#include "nets.h"
#include "onnx.pb-c.h"

static Onnx__ModelProto *pack(const cn_graph *graph, const cn_weights *weights, int32_t batch)
{
    unsigned char *bytes = NULL;
    size_t size;
    cn_error error = {0};
    cr_assert_eq(cn_onnx_pack(graph, weights, NULL, "net", batch, &bytes, &size, &error), CN_OK,
                 "%s", error.message);
    Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, size, bytes);
    cr_assert_not_null(model);
    cn_free(bytes);
    return model;
}

static bool is_made_before(const Onnx__GraphProto *graph, size_t node, const char *value)
{
    if (!*value || !strcmp(value, graph->input[0]->name)) return true;
    for (size_t i = 0; i < graph->n_initializer; i++)
        if (!strcmp(value, graph->initializer[i]->name)) return true;
    for (size_t i = 0; i < node; i++)
        if (!strcmp(value, graph->node[i]->output[0])) return true;
    return false;
}

static size_t size_of(int32_t type)
{
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
        return 8;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8:
        return 1;
    default:
        return 4;
    }
}

/* Every value that is read was made before, once; every constant is as long as its shape says. */
static void check_graph(const Onnx__GraphProto *graph)
{
    for (size_t i = 0; i < graph->n_node; i++) {
        const Onnx__NodeProto *node = graph->node[i];
        for (size_t k = 0; k < node->n_input; k++)
            cr_assert(is_made_before(graph, i, node->input[k]), "%s reads %s", node->name,
                      node->input[k]);
        cr_assert(!is_made_before(graph, i, node->output[0]), "%s is made twice", node->output[0]);
    }
    cr_assert(is_made_before(graph, graph->n_node, graph->output[0]->name));
    for (size_t i = 0; i < graph->n_initializer; i++) {
        const Onnx__TensorProto *tensor = graph->initializer[i];
        size_t bytes = size_of(tensor->data_type);
        for (size_t k = 0; k < tensor->n_dims; k++)
            bytes *= (size_t)tensor->dims[k];
        cr_assert_eq(bytes, tensor->raw_data.len, "%s", tensor->name);
    }
}

Test(onnx, every_network_makes_a_closed_graph)
{
    for (const test_net *net = test_nets; net->name; net++) {
        cn_graph graph = net->make(), fused;
        cn_weights weights = test_weights(&graph, 3), folded;
        for (int32_t batch = 0; batch < 3; batch += 2) {
            Onnx__ModelProto *model = pack(&graph, &weights, batch);
            cr_assert_eq(model->opset_import[0]->version, 13);
            check_graph(model->graph);
            onnx__model_proto__free_unpacked(model, NULL);
        }
        cr_assert_eq(cn_passes_apply(&graph, &weights, CN_PASS_ALL, &fused, &folded, NULL), CN_OK);
        Onnx__ModelProto *model = pack(&fused, &folded, 1);
        check_graph(model->graph);
        onnx__model_proto__free_unpacked(model, NULL);
        cn_graph_clear(&graph);
        cn_graph_clear(&fused);
        cn_weights_clear(&weights);
        cn_weights_clear(&folded);
    }
}

static const Onnx__AttributeProto *find(const Onnx__NodeProto *node, const char *name)
{
    for (size_t i = 0; i < node->n_attribute; i++)
        if (!strcmp(node->attribute[i]->name, name)) return node->attribute[i];
    cr_assert_fail("%s has no %s", node->name, name);
    return NULL;
}

Test(onnx, attributes_and_weights_come_through)
{
    cn_graph graph = test_graph(4, 9, 8);
    cn_layer conv = test_conv(6, 3, 2, 1);
    conv.window.pad_right = 2;
    conv.window.kernel_w = 1;
    conv.window.dilation_h = 2;
    conv.groups = 2;
    conv.bias = true;
    test_add(&graph, conv, "c", READS(0));
    cn_weights weights = test_weights(&graph, 3);
    Onnx__ModelProto *model = pack(&graph, &weights, 0);
    const Onnx__NodeProto *node = model->graph->node[0];
    cr_assert_str_eq(node->op_type, "Conv");
    cr_assert_str_eq(node->name, "c");
    cr_assert_eq(node->n_input, 3);
    const int64_t pads[] = {1, 1, 1, 2}, kernel[] = {3, 1}, dilations[] = {2, 1};
    cr_assert_arr_eq(find(node, "pads")->ints, pads, sizeof pads);
    cr_assert_arr_eq(find(node, "kernel_shape")->ints, kernel, sizeof kernel);
    cr_assert_arr_eq(find(node, "dilations")->ints, dilations, sizeof dilations);
    cr_assert_eq(find(node, "group")->i, 2);
    const cn_tensor *bias = cn_weights_find(&weights, "c.bias");
    for (size_t i = 0; i < model->graph->n_initializer; i++) {
        const Onnx__TensorProto *tensor = model->graph->initializer[i];
        if (!strcmp(tensor->name, "c.bias"))
            cr_assert_arr_eq(tensor->raw_data.data, bias->data, 6 * sizeof(float));
    }
    const Onnx__TensorShapeProto *shape = model->graph->input[0]->type->tensor_type->shape;
    cr_assert_eq(shape->n_dim, 4);
    cr_assert_str_eq(shape->dim[0]->dim_param, "N");
    cr_assert_eq(shape->dim[3]->dim_value, 8);
    onnx__model_proto__free_unpacked(model, NULL);
    cn_graph_clear(&graph);
    cn_weights_clear(&weights);
}

Test(onnx, a_file_is_what_memory_is)
{
    cn_graph graph = test_nets[0].make();
    cn_weights weights = test_weights(&graph, 3);
    unsigned char *bytes = NULL, *read = NULL;
    size_t size;
    char path[] = "/tmp/condense-onnx-XXXXXX";
    int made = mkstemp(path);
    cr_assert_geq(made, 0);
    close(made);
    cr_assert_eq(cn_onnx_pack(&graph, &weights, NULL, "net", 1, &bytes, &size, NULL), CN_OK);
    cr_assert_eq(cn_onnx_write(path, &graph, &weights, NULL, "net", 1, NULL), CN_OK);
    FILE *file = fopen(path, "rb");
    read = cn_calloc(size + 1, 1);
    cr_assert_eq(fread(read, 1, size + 1, file), size);
    cr_assert_arr_eq(read, bytes, size);
    fclose(file);
    unlink(path);
    cr_assert_eq(cn_onnx_write("/nowhere/x.onnx", &graph, &weights, NULL, "net", 1, NULL), CN_EIO);
    cn_free(read);
    cn_free(bytes);
    cn_graph_clear(&graph);
    cn_weights_clear(&weights);
}

Test(onnx, more_than_two_gibibytes_are_refused)
{
    /* The tensor's memory is never read, so a shape is enough. */
    cn_graph graph = test_graph(1 << 15, 1, 1);
    cn_layer fc = cn_layer_defaults(CN_OP_FC);
    fc.units = 1 << 15;
    test_add(&graph, fc, "big", READS(0));
    cn_tensor tensor = {.name = cn_strdup("big.weight"), .rank = 2, .dims = {1 << 15, 1 << 15}};
    cn_weights weights = {.tensors = &tensor, .count = 1};
    cn_error error = {0};
    unsigned char *bytes = NULL;
    size_t size;
    cr_assert_eq(cn_onnx_pack(&graph, &weights, NULL, "net", 1, &bytes, &size, &error),
                 CN_EUNSUPPORTED);
    cr_assert(strstr(error.message, "2 GiB"), "%s", error.message);
    cn_free(tensor.name);
    cn_graph_clear(&graph);
}

static const Onnx__NodeProto *node_of(const Onnx__GraphProto *graph, const char *output)
{
    for (size_t i = 0; i < graph->n_node; i++)
        if (!strcmp(graph->node[i]->output[0], output)) return graph->node[i];
    return NULL;
}

/* Every layer that has a scale is rounded to its levels, and its weights are integers. */
static void check_levels(const test_quantized *q, const Onnx__GraphProto *graph)
{
    for (int32_t l = 0; l < q->folded.count; l++) {
        const cn_layer *layer = &q->folded.layers[l];
        char name[80];
        snprintf(name, sizeof name, l ? "%s" : "%s.rounded", layer->name);
        const Onnx__NodeProto *node = node_of(graph, name);
        bool scaled = q->quantization.outputs[l].scale > 0;
        if (scaled) {
            cr_assert_not_null(node, "%s", name);
            cr_assert_str_eq(node->op_type, "DequantizeLinear", "%s", name);
            cr_assert_str_eq(node_of(graph, node->input[0])->op_type, "QuantizeLinear");
        } else if (node) {
            cr_assert_str_neq(node->op_type, "DequantizeLinear", "%s", name);
        }
        snprintf(name, sizeof name, "%s.weight_value", layer->name);
        cr_assert_eq(node_of(graph, name) != NULL, cn_op_is_tensor(layer->op), "%s", name);
    }
}

Test(onnx, quantized_networks_round_to_their_levels)
{
    for (const test_net *net = test_nets; net->name; net++) {
        test_quantized q = test_quantize(net->make());
        unsigned char *bytes = NULL;
        size_t size;
        cr_assert_eq(
            cn_onnx_pack(&q.folded, &q.folded_weights, &q.weights, "net", 0, &bytes, &size, NULL),
            CN_OK);
        Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, size, bytes);
        cr_assert_not_null(model);
        check_graph(model->graph);
        check_levels(&q, model->graph);
        onnx__model_proto__free_unpacked(model, NULL);
        cn_free(bytes);
        test_quantized_free(&q);
    }
}
