#include "data/examples.h"

#include <stdio.h>

#include "condense/memory.h"

static cn_status copy(const st_dataset *set, size_t size, cn_examples *examples, cn_error *error)
{
    int32_t count = st_dataset_count(set);
    size_t values;
    if (!cn_mul_size((size_t)count, size, &values))
        return cn_fail(error, CN_ENOMEM, "the pictures do not fit into memory");
    float *images = cn_calloc(values, sizeof *images);
    int32_t *labels = cn_calloc((size_t)count, sizeof *labels);
    *examples = (cn_examples){images, labels, count};
    if (!images || !labels) return cn_fail(error, CN_ENOMEM, "the pictures do not fit into memory");
    for (int32_t i = 0; i < count; i++) {
        cn_status status = st_dataset_get(set, i, images + (size_t)i * size, &labels[i], error);
        if (status != CN_OK) return status;
    }
    return CN_OK;
}

cn_status st_examples_load(const cn_model *model, const char *dataset, st_split split,
                           cn_examples *examples, char *hash, cn_error *error)
{
    *examples = (cn_examples){0};
    cn_shape shape = model->graph.layers[0].shape;
    st_dataset *set;
    cn_status status = st_dataset_open(&set, dataset, split, &model->preprocess, shape, error);
    if (status != CN_OK) return status;
    if (hash) snprintf(hash, 65, "%s", st_dataset_hash(set));
    status = copy(set, (size_t)cn_shape_count(shape), examples, error);
    st_dataset_free(set);
    if (status != CN_OK) st_examples_clear(examples);
    return status;
}

void st_examples_clear(cn_examples *examples)
{
    cn_free((void *)examples->images);
    cn_free((void *)examples->labels);
    *examples = (cn_examples){0};
}
