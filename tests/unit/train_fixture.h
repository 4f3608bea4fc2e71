/* A tiny network and a tiny problem for the tests of training. */
#ifndef TESTS_TRAIN_FIXTURE_H
#define TESTS_TRAIN_FIXTURE_H

#include <criterion/criterion.h>
#include <stdio.h>

#include "condense/random.h"
#include "condense/train.h"

enum { FIXTURE_COUNT = 48, FIXTURE_BATCH = 8, FIXTURE_SIZE = 6, FIXTURE_PIXELS = 36 };

typedef struct fixture {
    cn_graph graph;
    cn_weights weights;
    float images[FIXTURE_COUNT * FIXTURE_PIXELS];
    int32_t labels[FIXTURE_COUNT];
    cn_examples examples;
} fixture;

static inline int32_t fixture_add(cn_graph *graph, cn_layer layer, const char *name)
{
    int32_t input = graph->count - 1, index;
    cn_error error = {0};
    cn_status status = cn_graph_add(graph, &layer, name, &input, input >= 0, &index, &error);
    cr_assert_eq(status, CN_OK, "%s", error.message);
    return index;
}

/* 6x6 pictures whose bright half (top, bottom, left) is the class, under noise;
 * conv 3x3 to 8, batch norm, relu, max pool, dropout, fc, softmax. */
static inline void fixture_make(fixture *f)
{
    *f = (fixture){0};
    cn_layer layer = cn_layer_defaults(CN_OP_INPUT);
    layer.shape = (cn_shape){1, FIXTURE_SIZE, FIXTURE_SIZE};
    fixture_add(&f->graph, layer, "input");
    layer = cn_layer_defaults(CN_OP_CONV);
    layer.units = 8;
    layer.window.kernel_h = layer.window.kernel_w = 3;
    layer.same = true;
    fixture_add(&f->graph, layer, "conv");
    fixture_add(&f->graph, cn_layer_defaults(CN_OP_BATCH_NORM), "bn");
    fixture_add(&f->graph, cn_layer_defaults(CN_OP_RELU), "relu");
    layer = cn_layer_defaults(CN_OP_MAX_POOL);
    layer.window.kernel_h = layer.window.kernel_w = layer.window.stride_h = layer.window.stride_w =
        2;
    fixture_add(&f->graph, layer, "pool");
    layer = cn_layer_defaults(CN_OP_DROPOUT);
    layer.rate = 0.25f;
    fixture_add(&f->graph, layer, "drop");
    layer = cn_layer_defaults(CN_OP_FC);
    layer.units = 3;
    layer.bias = true;
    fixture_add(&f->graph, layer, "fc");
    fixture_add(&f->graph, cn_layer_defaults(CN_OP_SOFTMAX), "softmax");
    cn_error error = {0};
    cr_assert_eq(cn_weights_random(&f->weights, &f->graph, 1, &error), CN_OK, "%s", error.message);
    cn_random random = cn_random_seed(2);
    for (int32_t i = 0; i < FIXTURE_COUNT; i++) {
        f->labels[i] = i % 3;
        for (int32_t y = 0; y < FIXTURE_SIZE; y++)
            for (int32_t x = 0; x < FIXTURE_SIZE; x++) {
                int32_t bright = i % 3 == 0 ? y < 3 : i % 3 == 1 ? y >= 3 : x < 3;
                f->images[(i * FIXTURE_SIZE + y) * FIXTURE_SIZE + x] =
                    (float)(bright + 0.3 * cn_random_normal(&random));
            }
    }
    f->examples = (cn_examples){f->images, f->labels, FIXTURE_COUNT};
    cn_train_threads(1);
}

static inline cn_trainer *fixture_trainer(const fixture *f)
{
    cn_trainer *trainer;
    cn_error error = {0};
    cr_assert_eq(cn_trainer_new(&trainer, &f->graph, &f->weights, FIXTURE_BATCH, 5, &error), CN_OK,
                 "%s", error.message);
    return trainer;
}

static inline void fixture_clear(fixture *f)
{
    cn_weights_clear(&f->weights);
    cn_graph_clear(&f->graph);
}

#endif
