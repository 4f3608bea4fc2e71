/* condense show MODEL: the layers of one network. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cli/options.h"
#include "commands/commands.h"
#include "condense/memory.h"
#include "data/catalog.h"

static const char *shape_text(cn_shape s, char text[48])
{
    snprintf(text, 48, "%dx%dx%d", s.c, s.h, s.w);
    return text;
}

static bool has_window(cn_op op)
{
    return op == CN_OP_CONV || op == CN_OP_MAX_POOL || op == CN_OP_AVG_POOL;
}

/* "3x3 /2 pad 1 g32": only what differs from the plain case; pads of unlike sides one by one. */
static const char *window_text(const cn_layer *layer, char text[96])
{
    const cn_window *w = &layer->window;
    int used = 0;
    text[0] = '\0';
    if (!has_window(layer->op)) return text;
    used += snprintf(text + used, 96 - (size_t)used, "%dx%d", w->kernel_h, w->kernel_w);
    if (w->stride_h != w->stride_w)
        used += snprintf(text + used, 96 - (size_t)used, " /%dx%d", w->stride_h, w->stride_w);
    else if (w->stride_h != 1)
        used += snprintf(text + used, 96 - (size_t)used, " /%d", w->stride_h);
    bool square =
        w->pad_top == w->pad_bottom && w->pad_left == w->pad_right && w->pad_top == w->pad_left;
    if (!square)
        used += snprintf(text + used, 96 - (size_t)used, " pad %d,%d,%d,%d", w->pad_top,
                         w->pad_bottom, w->pad_left, w->pad_right);
    else if (w->pad_top)
        used += snprintf(text + used, 96 - (size_t)used, " pad %d", w->pad_top);
    if (w->dilation_h != 1 || w->dilation_w != 1)
        used += snprintf(text + used, 96 - (size_t)used, " dilation %dx%d", w->dilation_h,
                         w->dilation_w);
    if (layer->groups > 1)
        used += snprintf(text + used, 96 - (size_t)used, " groups %d", layer->groups);
    if (layer->ceil_mode) snprintf(text + used, 96 - (size_t)used, " ceil");
    return text;
}

/* Bytes of the layer's output, float32, one image. */
static int64_t output_bytes(const cn_layer *layer)
{
    return cn_shape_count(layer->shape) * (int64_t)sizeof(float);
}

static void print_rows(const cn_graph *graph)
{
    int widest = 5;
    for (int32_t i = 0; i < graph->count; i++)
        if ((int)strlen(graph->layers[i].name) > widest)
            widest = (int)strlen(graph->layers[i].name);
    printf("%-*s %-15s %-14s %-24s %11s %12s %11s\n", widest, "layer", "operator", "output",
           "window", "parameters", "macs", "bytes");
    int64_t bytes = 0;
    for (int32_t i = 0; i < graph->count; i++) {
        const cn_layer *layer = &graph->layers[i];
        char shape[48], window[96];
        bytes += output_bytes(layer);
        printf("%-*s %-15s %-14s %-24s %11" PRId64 " %12" PRId64 " %11" PRId64 "\n", widest,
               layer->name, cn_op_name(layer->op), shape_text(layer->shape, shape),
               window_text(layer, window), cn_layer_parameters(graph, i), cn_layer_macs(graph, i),
               output_bytes(layer));
    }
    printf("%-*s %-15s %-14s %-24s %11" PRId64 " %12" PRId64 " %11" PRId64 "\n", widest, "total",
           "", "", "", cn_graph_parameters(graph), cn_graph_macs(graph), bytes);
}

static cJSON *window_json(const cn_window *w)
{
    const struct {
        const char *name;
        int values[4], count;
    } parts[] = {{"kernel", {w->kernel_h, w->kernel_w}, 2},
                 {"stride", {w->stride_h, w->stride_w}, 2},
                 {"dilation", {w->dilation_h, w->dilation_w}, 2},
                 {"pad", {w->pad_top, w->pad_bottom, w->pad_left, w->pad_right}, 4}};
    cJSON *object = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        cJSON_AddItemToObject(object, parts[i].name,
                              cJSON_CreateIntArray(parts[i].values, parts[i].count));
    return object;
}

static cJSON *layer_json(const cn_graph *graph, int32_t index)
{
    const cn_layer *layer = &graph->layers[index];
    int sides[] = {layer->shape.c, layer->shape.h, layer->shape.w};
    cJSON *row = cJSON_CreateObject(), *inputs = cJSON_CreateArray();
    cJSON_AddStringToObject(row, "layer", layer->name);
    cJSON_AddStringToObject(row, "op", cn_op_name(layer->op));
    for (int32_t i = 0; i < layer->input_count; i++)
        cJSON_AddItemToArray(inputs, cJSON_CreateString(graph->layers[layer->inputs[i]].name));
    cJSON_AddItemToObject(row, "inputs", inputs);
    cJSON_AddItemToObject(row, "shape", cJSON_CreateIntArray(sides, 3));
    if (has_window(layer->op)) cJSON_AddItemToObject(row, "window", window_json(&layer->window));
    if (layer->op == CN_OP_CONV) cJSON_AddNumberToObject(row, "groups", layer->groups);
    cJSON_AddNumberToObject(row, "parameters", (double)cn_layer_parameters(graph, index));
    cJSON_AddNumberToObject(row, "macs", (double)cn_layer_macs(graph, index));
    cJSON_AddNumberToObject(row, "bytes", (double)output_bytes(layer));
    return row;
}

static bool print_json(const cn_model *model)
{
    cJSON *object = cJSON_CreateObject(), *layers = cJSON_CreateArray();
    cJSON_AddStringToObject(object, "model", model->name);
    cJSON_AddStringToObject(object, "scale", model->scale);
    cJSON_AddStringToObject(object, "dataset", model->dataset);
    cJSON_AddNumberToObject(object, "classes", model->classes);
    cJSON_AddNumberToObject(object, "parameters", (double)cn_graph_parameters(&model->graph));
    cJSON_AddNumberToObject(object, "macs", (double)cn_graph_macs(&model->graph));
    for (int32_t i = 0; i < model->graph.count; i++)
        cJSON_AddItemToArray(layers, layer_json(&model->graph, i));
    cJSON_AddItemToObject(object, "layers", layers);
    char *text = cJSON_Print(object);
    if (text) puts(text);
    cJSON_free(text);
    cJSON_Delete(object);
    return text != NULL;
}

static bool print_canonical(const cn_model *model)
{
    char *text;
    if (cn_model_canonical(model, &text, NULL)) return false;
    fputs(text, stdout);
    cn_free(text);
    return true;
}

int st_command_show(int argc, char **argv)
{
    const char *scale = NULL;
    bool json = false, canonical = false;
    const st_option options[] = {
        {"scale", ST_TEXT, &scale, "S", "imagenet, fashion, ...; the model's first by default"},
        {"json", ST_FLAG, &json, NULL, "print one object with every layer's attributes"},
        {"canonical", ST_FLAG, &canonical, NULL, "print the network written out layer by layer"},
        {0}};
    const st_usage usage = {
        "show",
        "condense show MODEL [--scale S] [--json | --canonical]",
        "Prints the layers of a network: output shape, window, parameters, multiply-accumulates "
        "and\n"
        "bytes of the output, for one picture. MODEL is a name that 'condense models' lists, or "
        "the\n"
        "path of a model text (docs/model-language.md).\n"
        "Examples: condense show resnet50; condense show my.lr --scale fashion --json",
        options,
        1,
        1};
    int exit_status = st_options_parse(&usage, argc, argv, NULL);
    if (exit_status >= 0) return exit_status;

    cn_model model;
    cn_error error = {0};
    if (st_catalog_load(argv[0], scale, NULL, 0, &model, &error))
        return st_complain("show", st_exit_status(error.code), "%s", error.message);
    bool printed = true;
    if (json)
        printed = print_json(&model);
    else if (canonical)
        printed = print_canonical(&model);
    else
        print_rows(&model.graph);
    cn_model_clear(&model);
    return printed ? ST_EXIT_OK : st_complain("show", ST_EXIT_FAILED, "out of memory");
}
