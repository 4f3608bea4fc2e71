#include "measure/metrics.h"

#include <math.h>
#include <stdbool.h>

#include "condense/memory.h"

enum { TOP = 5 };

cn_status st_confusion_new(st_confusion *confusion, int32_t classes, cn_error *error)
{
    *confusion = (st_confusion){.classes = classes};
    if (classes < 1) return cn_fail(error, CN_EINVAL, "%d classes; at least 1 is needed", classes);
    size_t cells;
    if (cn_mul_size((size_t)classes, (size_t)classes, &cells))
        confusion->counts = cn_calloc(cells, sizeof *confusion->counts);
    if (!confusion->counts)
        return cn_fail(error, CN_ENOMEM, "out of memory for the confusion of %d classes", classes);
    return CN_OK;
}

void st_confusion_clear(st_confusion *confusion)
{
    cn_free(confusion->counts);
    *confusion = (st_confusion){0};
}

/* Whether class a ranks before class b. */
static bool before(const float *scores, int32_t a, int32_t b)
{
    if (isnan(scores[a]) != isnan(scores[b])) return isnan(scores[b]);
    if (isnan(scores[a]) || scores[a] == scores[b]) return a < b;
    return scores[a] > scores[b];
}

void st_confusion_add(st_confusion *confusion, const float *scores, int32_t truth)
{
    int32_t predicted = 0, rank = 0; /* classes that rank before the true one */
    for (int32_t i = 0; i < confusion->classes; i++) {
        if (before(scores, i, predicted)) predicted = i;
        rank += before(scores, i, truth);
    }
    confusion->counts[(size_t)truth * (size_t)confusion->classes + (size_t)predicted]++;
    confusion->images++;
    confusion->top1_hits += rank == 0;
    confusion->top5_hits += rank < TOP;
}

static double share(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

st_metrics st_metrics_of(const st_confusion *confusion)
{
    st_metrics m = {NAN, NAN, NAN, NAN, NAN};
    if (confusion->images == 0) return m;
    m.top1 = share(confusion->top1_hits, confusion->images);
    if (confusion->classes > TOP) m.top5 = share(confusion->top5_hits, confusion->images);

    double precisions = 0, recalls = 0, f1s = 0;
    int32_t present = 0;
    size_t n = (size_t)confusion->classes;
    for (size_t c = 0; c < n; c++) {
        int64_t hits = confusion->counts[c * n + c], truths = 0, predictions = 0;
        for (size_t other = 0; other < n; other++) {
            truths += confusion->counts[c * n + other];
            predictions += confusion->counts[other * n + c];
        }
        if (truths == 0) continue;
        present++;
        precisions += share(hits, predictions);
        recalls += share(hits, truths);
        /* 2 p r / (p + r) with the fractions written out, which needs no case for 0 / 0. */
        f1s += share(2 * hits, truths + predictions);
    }
    m.precision_macro = precisions / present;
    m.recall_macro = recalls / present;
    m.f1_macro = f1s / present;
    return m;
}
