#include "condense/weights.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/random.h"

int64_t cn_tensor_count(const cn_tensor *tensor)
{
    int64_t count = 1;
    for (int32_t i = 0; i < tensor->rank; i++)
        count *= tensor->dims[i];
    return count;
}

/* The number of elements of a shape; false where a dimension is not positive or the tensor's bytes
 * would not fit in memory's address range. */
static bool checked_count(int32_t rank, const int32_t *dims, size_t *count)
{
    size_t product = sizeof(float);
    if (rank < 0 || rank > 4) return false;
    for (int32_t i = 0; i < rank; i++)
        if (dims[i] <= 0 || !cn_mul_size(product, (size_t)dims[i], &product)) return false;
    *count = product / sizeof(float);
    return product <= INT64_MAX / 2;
}

static cn_status grow(cn_weights *weights, cn_error *error)
{
    int32_t capacity = weights->capacity ? weights->capacity * 2 : 16;
    cn_tensor *tensors =
        cn_recalloc(weights->tensors, (size_t)weights->count, (size_t)capacity, sizeof *tensors);
    if (!tensors) return cn_fail(error, CN_ENOMEM, "out of memory for %d tensors", capacity);
    weights->tensors = tensors;
    weights->capacity = capacity;
    return CN_OK;
}

cn_status cn_weights_add(cn_weights *weights, const char *name, int32_t rank, const int32_t *dims,
                         cn_tensor **out, cn_error *error)
{
    size_t count;
    if (!checked_count(rank, dims, &count))
        return cn_fail(error, CN_EINVAL, "tensor '%s': impossible shape of rank %d", name, rank);
    if (cn_weights_find(weights, name))
        return cn_fail(error, CN_EINVAL, "tensor '%s' is there twice", name);
    if (weights->count == weights->capacity && grow(weights, error)) return CN_ENOMEM;

    cn_tensor tensor = {.name = cn_strdup(name), .rank = rank, .dims = {0}};
    tensor.data = cn_calloc(count, sizeof(float));
    if (!tensor.name || !tensor.data) {
        cn_free(tensor.name);
        cn_free(tensor.data);
        return cn_fail(error, CN_ENOMEM, "tensor '%s': out of memory for %zu values", name, count);
    }
    for (int32_t i = 0; i < rank; i++)
        tensor.dims[i] = dims[i];
    tensor.stored_bytes = (int64_t)(count * sizeof(float));
    weights->tensors[weights->count] = tensor;
    if (out) *out = &weights->tensors[weights->count];
    weights->count++;
    return CN_OK;
}

cn_tensor *cn_weights_find(const cn_weights *weights, const char *name)
{
    for (int32_t i = 0; i < weights->count; i++)
        if (!strcmp(weights->tensors[i].name, name)) return &weights->tensors[i];
    return NULL;
}

cn_tensor *cn_weights_of(const cn_weights *weights, const char *layer, const char *suffix)
{
    size_t length = strlen(layer);
    for (int32_t i = 0; i < weights->count; i++) {
        const char *name = weights->tensors[i].name;
        if (!strncmp(name, layer, length) && name[length] == '.' &&
            !strcmp(name + length + 1, suffix))
            return &weights->tensors[i];
    }
    return NULL;
}

/* "[64, 3, 7, 7]" into `text`. */
static const char *shape_text(char text[64], int32_t rank, const int32_t *dims)
{
    int used = snprintf(text, 64, "[");
    for (int32_t i = 0; i < rank; i++)
        used += snprintf(text + used, 64 - (size_t)used, i ? ", %d" : "%d", dims[i]);
    snprintf(text + used, 64 - (size_t)used, "]");
    return text;
}

static cn_status check_tensor(const cn_tensor *tensor, const cn_layer *layer,
                              const cn_weight_spec *spec, cn_error *error)
{
    char want[64], got[64];
    shape_text(want, spec->rank, spec->dims);
    if (!tensor)
        return cn_fail(error, CN_ENOTFOUND,
                       "layer '%s' (%s) needs the tensor '%s.%s' of shape %s and the weights have "
                       "none; were they made for this model and scale?",
                       layer->name, cn_op_name(layer->op), layer->name, spec->suffix, want);
    if (tensor->rank != spec->rank ||
        memcmp(tensor->dims, spec->dims, (size_t)spec->rank * sizeof *spec->dims) != 0)
        return cn_fail(error, CN_EFORMAT,
                       "layer '%s' (%s): '%s' should have shape %s and has %s; were the weights "
                       "made for this model and scale?",
                       layer->name, cn_op_name(layer->op), tensor->name, want,
                       shape_text(got, tensor->rank, tensor->dims));
    int64_t count = cn_tensor_count(tensor);
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(tensor->data[i]))
            return cn_fail(error, CN_EFORMAT,
                           "layer '%s': value %lld of '%s' is not a finite number", layer->name,
                           (long long)i, tensor->name);
    return CN_OK;
}

cn_status cn_weights_check(const cn_weights *weights, const cn_graph *graph, cn_error *error)
{
    for (int32_t i = 0; i < graph->count; i++) {
        cn_weight_spec specs[4];
        int32_t count = cn_layer_weights(graph, i, specs);
        for (int32_t k = 0; k < count; k++) {
            const cn_layer *layer = &graph->layers[i];
            const cn_tensor *tensor = cn_weights_of(weights, layer->name, specs[k].suffix);
            cn_status status = check_tensor(tensor, layer, &specs[k], error);
            if (status) return status;
        }
    }
    return CN_OK;
}

/* Normal values of the given deviation, two from each 64-bit draw (Box-Muller in single
 * precision, so that 100 million weights take a second or two; 24 bits reach 5.7 deviations). */
static void fill_normal(float *values, int64_t count, float deviation, cn_random random)
{
    for (int64_t i = 0; i < count; i += 2) {
        uint64_t bits = cn_random_u64(&random);
        float u = ((float)(bits >> 40) + 1.0f) * 0x1p-24f; /* (0, 1] */
        float angle = (float)(bits & 0xffffff) * (6.28318530718f * 0x1p-24f);
        float radius = deviation * sqrtf(-2.0f * logf(u));
        values[i] = radius * cosf(angle);
        if (i + 1 < count) values[i + 1] = radius * sinf(angle);
    }
}

/* What a tensor starts as: He for matrices and filters, else the identity of its role. */
static void initialise(cn_tensor *tensor, const cn_weight_spec *spec, uint64_t seed)
{
    int64_t count = cn_tensor_count(tensor);
    if (spec->rank >= 2) {
        int64_t fan_in = count / spec->dims[0];
        fill_normal(tensor->data, count, sqrtf(2.0f / (float)fan_in),
                    cn_random_named(seed, tensor->name));
        return;
    }
    bool one = !strcmp(spec->suffix, "weight") || !strcmp(spec->suffix, "running_var");
    for (int64_t i = 0; i < count; i++)
        tensor->data[i] = one ? 1.0f : 0.0f;
}

static cn_status set_label(cn_weights *weights, const char *label, cn_error *error)
{
    char *copy = label ? cn_strdup(label) : NULL;
    if (label && !copy) return cn_fail(error, CN_ENOMEM, "out of memory");
    cn_free(weights->label);
    weights->label = copy;
    return CN_OK;
}

static cn_status add_layer(cn_weights *weights, const cn_graph *graph, int32_t index, uint64_t seed,
                           cn_error *error)
{
    cn_weight_spec specs[4];
    int32_t count = cn_layer_weights(graph, index, specs);
    for (int32_t k = 0; k < count; k++) {
        char *name = cn_sprintf("%s.%s", graph->layers[index].name, specs[k].suffix);
        if (!name) return cn_fail(error, CN_ENOMEM, "out of memory");
        cn_tensor *tensor;
        cn_status status =
            cn_weights_add(weights, name, specs[k].rank, specs[k].dims, &tensor, error);
        cn_free(name);
        if (status) return status;
        initialise(tensor, &specs[k], seed);
    }
    return CN_OK;
}

cn_status cn_weights_random(cn_weights *weights, const cn_graph *graph, uint64_t seed,
                            cn_error *error)
{
    *weights = (cn_weights){0};
    cn_status status = set_label(weights, "random", error);
    for (int32_t i = 0; !status && i < graph->count; i++)
        status = add_layer(weights, graph, i, seed, error);
    if (status) cn_weights_clear(weights);
    return status;
}

cn_status cn_weights_copy(const cn_weights *weights, cn_weights *copy, cn_error *error)
{
    *copy = (cn_weights){0};
    cn_status status = set_label(copy, weights->label, error);
    for (int32_t i = 0; !status && i < weights->count; i++) {
        const cn_tensor *from = &weights->tensors[i];
        cn_tensor *to;
        status = cn_weights_add(copy, from->name, from->rank, from->dims, &to, error);
        if (status) break;
        memcpy(to->data, from->data, (size_t)cn_tensor_count(from) * sizeof *from->data);
        to->stored_bytes = from->stored_bytes;
    }
    if (status) cn_weights_clear(copy);
    return status;
}

void cn_weights_clear(cn_weights *weights)
{
    for (int32_t i = 0; i < weights->count; i++) {
        cn_free(weights->tensors[i].name);
        cn_free(weights->tensors[i].data);
    }
    cn_free(weights->tensors);
    cn_free(weights->label);
    *weights = (cn_weights){0};
}
