#include "measure/storage.h"

#include <math.h>

#include "condense/compact.h"
#include "condense/memory.h"
#include "measure/sizes.h"

enum { PATTERNS = 8 };

/* A set of the projected weights alone. */
static cn_status project_layers(const cn_model *model, const cn_weights *weights, cn_scheme scheme,
                                double keep, cn_weights *projected, cn_error *error)
{
    cn_constraint constraint = {.keep = keep};
    cn_status status = CN_OK;
    cn_patterns_learn(&model->graph, weights, PATTERNS, &constraint.patterns);
    for (int32_t i = 0; i < model->graph.count && !status; i++) {
        const cn_layer *layer = &model->graph.layers[i];
        if (!cn_op_is_tensor(layer->op)) continue;
        const cn_tensor *from = cn_weights_of(weights, layer->name, "weight");
        const char *rule;
        cn_tensor *to;
        constraint.scheme = cn_scheme_for(&model->graph, i, scheme, &rule);
        status = cn_weights_add(projected, from->name, from->rank, from->dims, &to, error);
        if (!status) status = cn_project_scheme(from, &constraint, from->data, to->data, error);
    }
    return status;
}

static void add_layer(const cn_tensor *tensor, const cn_compact_size *size, st_storage *storage)
{
    int64_t nonzero = st_count_nonzero(tensor), csr = st_csr_bytes(tensor, nonzero);
    storage->weights += cn_tensor_count(tensor);
    storage->nonzero += nonzero;
    storage->csr_bytes += csr;
    storage->compact_bytes += size->bytes;
    storage->index_bytes += size->index_bytes;
    storage->value_bytes += size->value_bytes;
    storage->worst = fmax(storage->worst, (double)size->bytes / (double)csr);
}

cn_status st_storage_measure(const cn_model *model, const cn_weights *weights, cn_scheme scheme,
                             double keep, st_storage *storage, cn_error *error)
{
    cn_weights projected = {0};
    cn_compact_size whole, *sizes = NULL;
    *storage = (st_storage){.scheme = scheme, .keep = keep};
    cn_status status = project_layers(model, weights, scheme, keep, &projected, error);
    if (!status) {
        sizes = cn_calloc((size_t)projected.count, sizeof *sizes);
        status = sizes ? cn_compact_measure(&projected, false, &whole, sizes, error)
                       : cn_fail(error, CN_ENOMEM, "out of memory");
    }
    for (int32_t i = 0; i < projected.count && !status; i++)
        add_layer(&projected.tensors[i], &sizes[i], storage);
    cn_free(sizes);
    cn_weights_clear(&projected);
    return status;
}
