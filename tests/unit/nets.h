/* Small networks for tests, between them with every operator, odd sizes and every kind of edge. */
#ifndef TESTS_UNIT_NETS_H
#define TESTS_UNIT_NETS_H

#include "condense/graph.h"
#include "condense/weights.h"

typedef struct test_net {
    const char *name;
    cn_graph (*make)(void);
} test_net;

/* All of them; ends with a row whose name is NULL. */
extern const test_net test_nets[];

/* Appends a layer and returns its index; a refusal fails the test. `inputs` ends with -1. */
int32_t test_add(cn_graph *graph, cn_layer layer, const char *name, const int32_t *inputs);
#define READS(...) ((const int32_t[]){__VA_ARGS__, -1})

cn_layer test_conv(int32_t units, int32_t kernel, int32_t stride, int32_t pad);
cn_layer test_pool(cn_op op, int32_t kernel, int32_t stride, int32_t pad);
cn_graph test_graph(int32_t c, int32_t h, int32_t w);

/* Weights that leave nothing at its default: biases, statistics and scales are drawn too. */
cn_weights test_weights(const cn_graph *graph, uint64_t seed);

/* `count` normal numbers; free with cn_free. */
float *test_values(int64_t count, uint64_t seed);

/* The largest difference over the largest magnitude of `right`; infinite where one is not finite.
 */
double test_error(const float *got, const double *right, int64_t count);

#endif
