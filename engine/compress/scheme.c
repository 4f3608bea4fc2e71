#include "condense/scheme.h"

#include <string.h>

#include "compress/units.h"

/* How a unit extends: over how many output channels and input channels (0: all), over one place of
 * the kernel or all; and whether a pattern is chosen first. */
static const struct row {
    const char *name;
    sharing sharing;
} rows[CN_SCHEME_COUNT] = {
    [CN_SCHEME_NONE] = {"none", {1, 1, false, false}},
    [CN_SCHEME_UNSTRUCTURED] = {"unstructured", {1, 1, false, false}},
    [CN_SCHEME_FILTER] = {"filter", {1, 0, true, false}},
    [CN_SCHEME_CHANNEL] = {"channel", {0, 1, true, false}},
    [CN_SCHEME_COLUMN] = {"column", {0, 1, false, false}},
    [CN_SCHEME_CONNECTIVITY] = {"connectivity", {1, 1, true, false}},
    [CN_SCHEME_PATTERN] = {"pattern", {1, 1, true, true}},
    [CN_SCHEME_PATTERN_CONNECTIVITY] = {"pattern+connectivity", {1, 1, true, true}},
    [CN_SCHEME_BLOCK8] = {"block8", {8, 1, false, false}},
    [CN_SCHEME_PATTERN8] = {"pattern8", {8, 1, true, true}},
    [CN_SCHEME_BLOCK8X4] = {"block8x4", {8, 4, false, false}},
};

static const char *const levels_names[CN_LEVELS_COUNT] = {"none", "linear", "powers", "codebook"};

const char *cn_scheme_name(cn_scheme scheme)
{
    return (unsigned)scheme < CN_SCHEME_COUNT ? rows[scheme].name : NULL;
}

const char *cn_levels_name(cn_levels levels)
{
    return (unsigned)levels < CN_LEVELS_COUNT ? levels_names[levels] : NULL;
}

bool cn_scheme_find(const char *name, cn_scheme *scheme)
{
    for (int i = 0; i < CN_SCHEME_COUNT; i++)
        if (!strcmp(name, rows[i].name)) {
            *scheme = (cn_scheme)i;
            return true;
        }
    return false;
}

bool cn_levels_find(const char *name, cn_levels *levels)
{
    for (int i = 0; i < CN_LEVELS_COUNT; i++)
        if (!strcmp(name, levels_names[i])) {
            *levels = (cn_levels)i;
            return true;
        }
    return false;
}

units units_of(const cn_tensor *tensor, cn_scheme scheme)
{
    const sharing *s = &rows[scheme].sharing;
    units u = {.outputs = tensor->dims[0],
               .inputs = tensor->rank > 1 ? tensor->dims[1] : 1,
               .places = tensor->rank == 4 ? (int64_t)tensor->dims[2] * tensor->dims[3] : 1};
    u.share_outputs = s->outputs ? s->outputs : u.outputs;
    u.share_inputs = s->inputs ? s->inputs : u.inputs;
    u.share_places = s->all_places ? u.places : 1;
    u.pattern = s->pattern && tensor->rank == 4 && tensor->dims[2] == 3 && tensor->dims[3] == 3;
    u.rows = (u.outputs + u.share_outputs - 1) / u.share_outputs;
    u.columns = (u.inputs + u.share_inputs - 1) / u.share_inputs;
    u.depth = u.places / u.share_places;
    u.count = u.rows * u.columns * u.depth;
    return u;
}

/* Nothing after the layer mixes channels again: it gives the network's output. */
static bool gives_output(const cn_graph *graph, int32_t index)
{
    for (int32_t i = index + 1; i < graph->count; i++)
        if (cn_op_is_tensor(graph->layers[i].op)) return false;
    return true;
}

static bool reads_input(const cn_graph *graph, int32_t index)
{
    for (int32_t i = graph->layers[index].inputs[0]; i > 0; i = graph->layers[i].inputs[0])
        if (cn_op_is_tensor(graph->layers[i].op)) return false;
    return true;
}

cn_scheme cn_scheme_for(const cn_graph *graph, int32_t index, cn_scheme scheme, const char **rule)
{
    const cn_layer *layer = &graph->layers[index];
    bool three =
        layer->op == CN_OP_CONV && layer->window.kernel_h == 3 && layer->window.kernel_w == 3;
    int32_t inputs = graph->layers[layer->inputs[0]].shape.c;
    *rule = NULL;
    if (rows[scheme].sharing.pattern && !three) {
        *rule = scheme == CN_SCHEME_PATTERN8  ? "no 3 x 3 kernels: blocks of eight"
                : scheme == CN_SCHEME_PATTERN ? "no 3 x 3 kernels: nothing is removed"
                                              : "no 3 x 3 kernels: whole kernels";
        return scheme == CN_SCHEME_PATTERN8  ? CN_SCHEME_BLOCK8
               : scheme == CN_SCHEME_PATTERN ? CN_SCHEME_NONE
                                             : CN_SCHEME_CONNECTIVITY;
    }
    if (scheme == CN_SCHEME_BLOCK8X4 && layer->op == CN_OP_CONV && inputs / layer->groups < 4) {
        *rule = "fewer than four input channels a filter: blocks of eight";
        return CN_SCHEME_BLOCK8;
    }
    if (scheme == CN_SCHEME_FILTER && gives_output(graph, index)) {
        *rule = "gives the network's output: no filter can go";
        return CN_SCHEME_NONE;
    }
    if (scheme == CN_SCHEME_CHANNEL && reads_input(graph, index)) {
        *rule = "reads the network's input: no channel can go";
        return CN_SCHEME_NONE;
    }
    if (scheme == CN_SCHEME_CHANNEL && layer->op == CN_OP_CONV && layer->groups > 1) {
        bool depthwise = layer->groups == inputs;
        *rule = depthwise ? "depthwise: a channel is a filter" : "grouped: kernels for channels";
        return depthwise ? CN_SCHEME_FILTER : CN_SCHEME_CONNECTIVITY;
    }
    return scheme;
}
