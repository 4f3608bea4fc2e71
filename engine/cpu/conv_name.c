/* Names of the ways to do a convolution. */
#include <stdio.h>
#include <string.h>

#include "cpu/conv.h"

/* By their numbers; what is the algorithm's own rule goes unsaid. */
static const char *const algorithms[] = {"auto",      "panel",     "depthwise", "winograd2",
                                         "winograd4", "winograd6", "sparse1",   "sparse2",
                                         "sparse4",   "sparse8",   "bitmap"};
static const char *const vectors[] = {"", "/1_vector", "/2_vectors"};
static const char *const orders[] = {"", "/weights_outer"};
static const char *const splits[] = {"", "/by_pixels", "/by_channels"};
static const char *const inputs[] = {"", "/direct", "/packed"};
static const char *const codes[] = {"", "/generated"};
#define COUNT(table) ((int)(sizeof table / sizeof *table))

void cn_conv_way_name(cn_conv_way way, char name[CN_CONV_NAME_SIZE])
{
    snprintf(name, CN_CONV_NAME_SIZE, "%s%s%s%s%s%s", algorithms[way.algorithm],
             vectors[way.vectors], orders[way.weights_outer], splits[way.split], inputs[way.input],
             codes[way.generated]);
}

/* Takes a word of the table (not the empty one) off the text's front; 0 where there is none. */
static int take(const char **text, const char *const *table, int count)
{
    for (int i = 0; i < count; i++) {
        size_t length = strlen(table[i]), end = strcspn(*text + 1, "/") + 1;
        if (!length || end != length || strncmp(*text, table[i], length) != 0) continue;
        *text += length;
        return i;
    }
    return 0;
}

bool cn_conv_way_parse(const char *name, cn_conv_way *way)
{
    if (!*name) return false;
    way->algorithm = (cn_conv_algorithm)take(&name, algorithms, COUNT(algorithms));
    way->vectors = *name ? take(&name, vectors, COUNT(vectors)) : 0;
    way->weights_outer = *name ? take(&name, orders, COUNT(orders)) : 0;
    way->split = *name ? (cn_conv_split)take(&name, splits, COUNT(splits)) : CN_SPLIT_AUTO;
    way->input = *name ? (cn_conv_input)take(&name, inputs, COUNT(inputs)) : CN_INPUT_AUTO;
    way->generated = *name && take(&name, codes, COUNT(codes));
    return way->algorithm != CN_CONV_AUTO && !*name;
}
