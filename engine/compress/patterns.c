#include <math.h>
#include <stdlib.h>

#include "condense/scheme.h"

enum { CENTRE = 4, MASKS = 1 << 9 };

bool cn_patterns_parse(const char *text, cn_patterns *patterns)
{
    *patterns = (cn_patterns){0};
    for (const char *at = text;; at++) {
        char *end;
        long mask = strtol(at, &end, 16);
        if (end == at || (*end && *end != ',') || mask < 0 || mask >= MASKS ||
            __builtin_popcount((unsigned)mask) != 4 || patterns->count == CN_MOST_PATTERNS)
            return false;
        patterns->masks[patterns->count++] = (uint16_t)mask;
        if (!*end) return true;
        at = end;
    }
}

/* The centre and the three other places of largest magnitude. */
static uint16_t natural_pattern(const float *kernel)
{
    uint16_t mask = 1 << CENTRE;
    for (int chosen = 0; chosen < 3; chosen++) {
        int best = -1;
        for (int place = 0; place < 9; place++)
            if (!(mask >> place & 1) && (best < 0 || fabsf(kernel[place]) > fabsf(kernel[best])))
                best = place;
        mask |= (uint16_t)(1 << best);
    }
    return mask;
}

static void count_kernels(const cn_tensor *tensor, int64_t counts[MASKS])
{
    int64_t kernels = (int64_t)tensor->dims[0] * tensor->dims[1];
    for (int64_t i = 0; i < kernels; i++) {
        const float *kernel = tensor->data + 9 * i;
        bool empty = true;
        for (int place = 0; place < 9; place++)
            empty = empty && kernel[place] == 0;
        if (!empty) counts[natural_pattern(kernel)]++;
    }
}

/* Of the 3 x 3 kernels of convolutions with several input channels a filter, or with one; whether
 * there were any. */
static bool count_all(const cn_graph *graph, const cn_weights *weights, bool several,
                      int64_t counts[MASKS])
{
    bool any = false;
    for (int32_t i = 0; i < graph->count; i++) {
        const cn_layer *layer = &graph->layers[i];
        const cn_tensor *tensor = cn_weights_of(weights, layer->name, "weight");
        if (layer->op != CN_OP_CONV || !tensor || tensor->dims[2] != 3 || tensor->dims[3] != 3 ||
            (tensor->dims[1] > 1) != several)
            continue;
        count_kernels(tensor, counts);
        any = true;
    }
    return any;
}

void cn_patterns_learn(const cn_graph *graph, const cn_weights *weights, int32_t most,
                       cn_patterns *patterns)
{
    int64_t counts[MASKS] = {0};
    if (!count_all(graph, weights, true, counts)) count_all(graph, weights, false, counts);
    *patterns = (cn_patterns){0};
    while (patterns->count < most && patterns->count < CN_MOST_PATTERNS) {
        int best = 0;
        for (int mask = 1; mask < MASKS; mask++)
            if (counts[mask] > counts[best]) best = mask;
        if (!counts[best]) break;
        counts[best] = 0;
        patterns->masks[patterns->count++] = (uint16_t)best;
    }
}
