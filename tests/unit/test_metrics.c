/* Classification metrics against a count by hand and by brute force. */
#include <criterion/criterion.h>
#include <math.h>

#include "condense/random.h"
#include "measure/metrics.h"

static st_confusion confusion_of(int32_t classes)
{
    st_confusion confusion;
    cr_assert_eq(st_confusion_new(&confusion, classes, NULL), CN_OK);
    return confusion;
}

Test(metrics, by_hand)
{
    /* Three classes; class 2 never predicted. Confusion: truth 0: 2, 1, 0; 1: 0, 1, 0; 2: 1, 0, 0.
     */
    static const struct {
        float scores[3];
        int32_t truth;
    } images[] = {{{3, 2, 1}, 0}, {{3, 2, 1}, 0}, {{1, 2, 0}, 0}, {{1, 2, 0}, 1}, {{9, 2, 1}, 2}};
    st_confusion c = confusion_of(3);
    for (size_t i = 0; i < 5; i++)
        st_confusion_add(&c, images[i].scores, images[i].truth);
    st_metrics m = st_metrics_of(&c);
    cr_assert_float_eq(m.top1, 3 / 5.0, 1e-12);
    cr_assert(isnan(m.top5));
    cr_assert_float_eq(m.precision_macro, (2 / 3.0 + 1 / 2.0 + 0) / 3, 1e-12);
    cr_assert_float_eq(m.recall_macro, (2 / 3.0 + 1 + 0) / 3, 1e-12);
    cr_assert_float_eq(m.f1_macro, (2 / 3.0 + 2 / 3.0 + 0) / 3, 1e-12);
    st_confusion_clear(&c);
}

Test(metrics, ties_and_not_a_number)
{
    st_confusion c = confusion_of(7);
    const float tied[7] = {1, 1, 1, 1, 1, 1, 1};
    st_confusion_add(&c, tied, 0); /* the lower class wins a tie */
    st_confusion_add(&c, tied, 4); /* the fifth: in the first five */
    st_confusion_add(&c, tied, 5); /* the sixth: not */
    cr_assert_eq(c.top1_hits, 1);
    cr_assert_eq(c.top5_hits, 2);
    const float broken[7] = {NAN, NAN, 1, 2, -INFINITY, 0, NAN};
    st_confusion_add(&c, broken, 3);
    cr_assert_eq(c.counts[3 * 7 + 3], 1);
    st_confusion_add(&c, broken,
                     0); /* best of those that are not a number: after four, the fifth */
    cr_assert_eq(c.top5_hits, 4);
    st_confusion_add(&c, broken, 1);
    cr_assert_eq(c.top5_hits, 4);
    const float nothing[7] = {NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    st_confusion_add(&c, nothing, 6);
    cr_assert_eq(c.counts[6 * 7 + 0], 1);
    cr_assert_eq(c.images, 7);
    st_confusion_clear(&c);
}

Test(metrics, edges)
{
    st_confusion c = confusion_of(1);
    st_metrics m = st_metrics_of(&c);
    cr_assert(isnan(m.top1) && isnan(m.precision_macro) && isnan(m.f1_macro));
    const float score = -3;
    st_confusion_add(&c, &score, 0);
    m = st_metrics_of(&c);
    cr_assert(m.top1 == 1 && m.precision_macro == 1 && m.recall_macro == 1 && m.f1_macro == 1);
    st_confusion_clear(&c);
    cn_error error;
    cr_assert_eq(st_confusion_new(&c, 0, &error), CN_EINVAL);
    cr_assert_null(c.counts);
}

/* The definitions, word for word, on the list of images instead of a matrix. */
static st_metrics brute_force(const int32_t *truth, const int32_t *predicted, int count,
                              int classes)
{
    st_metrics m = {0};
    int present = 0;
    for (int c = 0; c < classes; c++) {
        int hits = 0, truths = 0, predictions = 0;
        for (int i = 0; i < count; i++) {
            hits += truth[i] == c && predicted[i] == c;
            truths += truth[i] == c;
            predictions += predicted[i] == c;
        }
        if (!truths) continue;
        double precision = predictions ? (double)hits / predictions : 0;
        double recall = (double)hits / truths;
        m.top1 += (double)hits / count;
        m.precision_macro += precision;
        m.recall_macro += recall;
        m.f1_macro += precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
        present++;
    }
    m.precision_macro /= present;
    m.recall_macro /= present;
    m.f1_macro /= present;
    return m;
}

Test(metrics, random_images_against_brute_force)
{
    enum { IMAGES = 60, MOST = 12 };
    cn_random random = cn_random_seed(5);
    for (int round = 0; round < 200; round++) {
        int32_t classes = 2 + (int32_t)cn_random_below(&random, MOST - 1);
        int32_t used = 1 + (int32_t)cn_random_below(&random, (uint32_t)classes); /* others absent */
        int32_t truth[IMAGES], predicted[IMAGES], top5 = 0;
        st_confusion c = confusion_of(classes);
        for (int i = 0; i < IMAGES; i++) {
            float scores[MOST];
            for (int32_t k = 0; k < classes; k++) /* few values: many ties */
                scores[k] = (float)cn_random_below(&random, 4);
            truth[i] = (int32_t)cn_random_below(&random, (uint32_t)used);
            if (i % 2) scores[truth[i]] += 2;
            st_confusion_add(&c, scores, truth[i]);
            predicted[i] = 0;
            int rank = 0;
            for (int32_t k = 0; k < classes; k++) {
                if (scores[k] > scores[predicted[i]]) predicted[i] = k;
                rank +=
                    scores[k] > scores[truth[i]] || (k < truth[i] && scores[k] == scores[truth[i]]);
            }
            top5 += rank < 5;
        }
        st_metrics got = st_metrics_of(&c), want = brute_force(truth, predicted, IMAGES, classes);
        cr_assert_float_eq(got.top1, want.top1, 1e-12);
        cr_assert_float_eq(got.precision_macro, want.precision_macro, 1e-12);
        cr_assert_float_eq(got.recall_macro, want.recall_macro, 1e-12);
        cr_assert_float_eq(got.f1_macro, want.f1_macro, 1e-12);
        if (classes > 5)
            cr_assert_float_eq(got.top5, top5 / (double)IMAGES, 1e-12);
        else
            cr_assert(isnan(got.top5));
        st_confusion_clear(&c);
    }
}
