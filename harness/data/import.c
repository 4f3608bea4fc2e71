#include "data/import.h"

#include <fnmatch.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "condense/memory.h"
#include "data/json.h"
#include "data/template.h"
#include "data/transform.h"

/* An import under way. */
typedef struct import {
    const cn_graph *graph;
    const cn_weights *source;
    bool *used; /* by tensor of the source */
    cn_weights *weights;
    cn_error *error;
} import;

/* One rule of the map at one value of its variable. */
typedef struct mapping {
    const cJSON *json;
    char layer[ST_NAME_SIZE], from[ST_NAME_SIZE];
    char norm[ST_NAME_SIZE]; /* batch norm that takes the bias; empty: none */
    bool folded; /* batch norm may lack statistics: they are in its scale and shift already */
    st_transform transform;
} mapping;

/* The variance v for which the float v + epsilon is exactly 1, so that a batch norm of mean 0 and
 * scale 1 passes its input through. */
static float identity_variance(float epsilon)
{
    float variance = 1.0f - epsilon;
    while (variance + epsilon < 1.0f)
        variance = nextafterf(variance, 2.0f);
    while (variance + epsilon > 1.0f)
        variance = nextafterf(variance, 0.0f);
    return variance;
}

static cn_status add_target(import *in, const char *layer, const cn_weight_spec *spec,
                            cn_tensor **out)
{
    char name[2 * ST_NAME_SIZE];
    snprintf(name, sizeof name, "%s.%s", layer, spec->suffix);
    if (cn_weights_find(in->weights, name))
        return cn_fail(in->error, CN_EFORMAT, "two rules fill '%s'", name);
    return cn_weights_add(in->weights, name, spec->rank, spec->dims, out, in->error);
}

static cn_status fill_target(import *in, const char *layer, const cn_weight_spec *spec, float value)
{
    cn_tensor *tensor;
    cn_status status = add_target(in, layer, spec, &tensor);
    for (int64_t i = 0; !status && i < cn_tensor_count(tensor); i++)
        tensor->data[i] = value;
    return status;
}

/* The tensor that the source has for `suffix`: the map's "tensors" may call it something else. */
static cn_status find_source(import *in, const mapping *rule, const char *suffix,
                             const cn_tensor **out)
{
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(rule->json, "tensors");
    const char *foreign = st_json_text(names, suffix);
    *out = cn_weights_of(in->source, rule->from, foreign ? foreign : suffix);
    if (!*out)
        return cn_fail(in->error, CN_EFORMAT, "the source has no tensor '%s.%s' for '%s'",
                       rule->from, foreign ? foreign : suffix, rule->layer);
    in->used[*out - in->source->tensors] = true;
    return CN_OK;
}

static cn_status copy_target(import *in, const mapping *rule, const char *layer,
                             const cn_weight_spec *spec)
{
    const cn_tensor *from;
    cn_tensor *to;
    cn_status status = find_source(in, rule, spec->suffix, &from);
    if (!status) status = add_target(in, layer, spec, &to);
    return status ? status : st_transform_apply(&rule->transform, from, to, in->error);
}

static cn_status find_layer(import *in, const char *name, int32_t *index)
{
    *index = cn_graph_find(in->graph, name);
    if (*index >= 0) return CN_OK;
    return cn_fail(in->error, CN_EFORMAT, "the model has no layer '%s'", name);
}

/* The batch norm after a convolution whose own was folded away: it passes its input through and
 * adds the source's bias. */
static cn_status fill_norm(import *in, const mapping *rule)
{
    int32_t index;
    cn_status status = find_layer(in, rule->norm, &index);
    if (status) return status;
    if (in->graph->layers[index].op != CN_OP_BATCH_NORM)
        return cn_fail(in->error, CN_EFORMAT, "layer '%s' is no batch norm", rule->norm);
    float variance = identity_variance(in->graph->layers[index].epsilon);
    cn_weight_spec specs[4];
    int32_t count = cn_layer_weights(in->graph, index, specs);
    for (int32_t i = 0; !status && i < count; i++) {
        if (!strcmp(specs[i].suffix, "bias"))
            status = copy_target(in, rule, rule->norm, &specs[i]);
        else if (!strcmp(specs[i].suffix, "weight"))
            status = fill_target(in, rule->norm, &specs[i], 1);
        else
            status = fill_target(in, rule->norm, &specs[i],
                                 !strcmp(specs[i].suffix, "running_var") ? variance : 0);
    }
    return status;
}

static bool has_statistics(const import *in, const mapping *rule)
{
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(rule->json, "tensors");
    const char *foreign = st_json_text(names, "running_mean");
    return cn_weights_of(in->source, rule->from, foreign ? foreign : "running_mean");
}

static cn_status apply_rule(import *in, const mapping *rule)
{
    int32_t index;
    cn_status status = find_layer(in, rule->layer, &index);
    if (status) return status;
    const cn_layer *layer = &in->graph->layers[index];
    bool folded = rule->folded && layer->op == CN_OP_BATCH_NORM && !has_statistics(in, rule);
    cn_weight_spec specs[4];
    int32_t count = cn_layer_weights(in->graph, index, specs);
    for (int32_t i = 0; !status && i < count; i++) {
        if (folded && !strcmp(specs[i].suffix, "running_mean"))
            status = fill_target(in, rule->layer, &specs[i], 0);
        else if (folded && !strcmp(specs[i].suffix, "running_var"))
            status = fill_target(in, rule->layer, &specs[i], identity_variance(layer->epsilon));
        else
            status = copy_target(in, rule, rule->layer, &specs[i]);
    }
    if (!status && rule->norm[0]) status = fill_norm(in, rule);
    return status;
}

static cn_status read_and_apply(import *in, const cJSON *json, const st_binding *binding)
{
    mapping rule = {.json = json, .folded = cJSON_IsTrue(cJSON_GetObjectItem(json, "folded"))};
    const char *layer = st_json_text(json, "layer"), *from = st_json_text(json, "from");
    const char *norm = st_json_text(json, "into_norm");
    if (!layer || !from)
        return cn_fail(in->error, CN_EFORMAT, "a rule needs the texts 'layer' and 'from'");
    cn_status status = st_template_fill(layer, binding, rule.layer, in->error);
    if (!status) status = st_template_fill(from, binding, rule.from, in->error);
    if (!status && norm) status = st_template_fill(norm, binding, rule.norm, in->error);
    if (!status) status = st_transform_read(&rule.transform, json, in->error);
    return status ? status : apply_rule(in, &rule);
}

/* A rule for every layer with weights whose name fits `glob`. */
static cn_status for_layers(import *in, const cJSON *json, st_binding *binding, const char *glob)
{
    cn_status status = CN_OK;
    for (int32_t i = 0; !status && i < in->graph->count; i++) {
        cn_weight_spec specs[4];
        binding->text = in->graph->layers[i].name;
        if (cn_layer_weights(in->graph, i, specs) && !fnmatch(glob, binding->text, 0))
            status = read_and_apply(in, json, binding);
    }
    return status;
}

/* "for": {"i": [1, 13]} counts, {"n": ["3a", "3b"]} lists, {"layer": "conv*"} goes over the model's
 * layers with weights. */
static cn_status expand_rule(import *in, const cJSON *json)
{
    const cJSON *loop = cJSON_GetObjectItemCaseSensitive(json, "for");
    const cJSON *values = loop ? loop->child : NULL, *value;
    st_binding binding = {.name = values ? values->string : NULL};
    cn_status status = CN_OK;
    if (!values) return read_and_apply(in, json, &binding);
    if (cJSON_IsString(values)) return for_layers(in, json, &binding, values->valuestring);
    if (cJSON_GetArraySize(values) == 2 && cJSON_IsNumber(values->child)) {
        int64_t end = (int64_t)fmin(values->child->next->valuedouble, 100000);
        binding.number = (int64_t)fmax(values->child->valuedouble, 0);
        for (; !status && binding.number <= end; binding.number++)
            status = read_and_apply(in, json, &binding);
        return status;
    }
    cJSON_ArrayForEach(value, values)
    {
        binding.text = cJSON_GetStringValue(value);
        if (!binding.text) return cn_fail(in->error, CN_EFORMAT, "a rule's 'for' is malformed");
        if ((status = read_and_apply(in, json, &binding))) return status;
    }
    return CN_OK;
}

/* Every tensor of the source must have been used, or fit a pattern of "ignore". */
static cn_status check_used(const import *in, const cJSON *map)
{
    const cJSON *ignored = cJSON_GetObjectItemCaseSensitive(map, "ignore"), *pattern;
    for (int32_t i = 0; i < in->source->count; i++) {
        const char *name = in->source->tensors[i].name;
        bool fine = in->used[i];
        cJSON_ArrayForEach(pattern, ignored) fine =
            fine || (cJSON_IsString(pattern) && !fnmatch(pattern->valuestring, name, 0));
        if (!fine)
            return cn_fail(in->error, CN_EFORMAT,
                           "no rule uses the source's tensor '%s'; is this the map for these "
                           "weights? If it is not needed, list it under \"ignore\"",
                           name);
    }
    return CN_OK;
}

static cn_status apply_map(import *in, const cJSON *map)
{
    const cJSON *rules = cJSON_GetObjectItemCaseSensitive(map, "rules"), *json;
    int number = 1;
    cJSON_ArrayForEach(json, rules)
    {
        cn_status status = expand_rule(in, json);
        if (status) return cn_fail_in(in->error, status, "rule %d", number);
        number++;
    }
    cn_status status = check_used(in, map);
    return status ? status : cn_weights_check(in->weights, in->graph, in->error);
}

static bool lists_model(const cJSON *map, const char *model)
{
    const cJSON *name;
    cJSON_ArrayForEach(name, cJSON_GetObjectItemCaseSensitive(map, "models"))
    {
        if (cJSON_IsString(name) && !strcmp(name->valuestring, model)) return true;
    }
    return false;
}

cn_status st_import(const cn_model *model, const cn_weights *source, const char *path,
                    cn_weights *weights, cn_error *error)
{
    *weights = (cn_weights){0};
    cJSON *map;
    cn_status status = st_json_read(path, &map, error);
    if (status) return status;
import in = {.graph = & model->graph, .source = source, .weights = weights, .error = error };
    in.used = cn_calloc((size_t)source->count, sizeof *in.used);
    if (!in.used)
        status = cn_fail(error, CN_ENOMEM, "out of memory");
    else if (!lists_model(map, model->name))
        status =
            cn_fail(error, CN_EINVAL, "%s: its \"models\" do not list '%s'", path, model->name);
    else if ((status = apply_map(&in, map)))
        cn_fail_in(error, status, "%s", path);
    cn_free(in.used);
    cJSON_Delete(map);
    if (status) cn_weights_clear(weights);
    return status;
}
