/* Which way each convolution goes (docs/tuning.md): the candidates that are worth timing, and the
 * choice among them. */
#ifndef CONDENSE_PLAN_CHOICE_H
#define CONDENSE_PLAN_CHOICE_H

#include <stdint.h>

#include "condense/session.h"
#include "condense/wisdom.h"
#include "cpu/conv.h"

enum { CN_SIGNATURE_SIZE = 256 };

/* What a session runs with, as far as ways depend on it. */
typedef struct cn_plan_setting {
    cn_isa isa;
    int32_t batch, threads;
    bool generate; /* kernels may be generated */
} cn_plan_setting;

/* The ways that are worth timing. The first is the static choice: the algorithm of the least
 * estimated cost for one image, with its own rules for the rest, so that without wisdom no result
 * depends on batch or threads. Where that skips zeros, the best one that does not is among them.
 * Returns how many there are, at least one. */
int32_t cn_plan_candidates(const cn_conv_problem *problem, cn_plan_setting setting,
                           cn_conv_way ways[CN_MOST_WAYS]);

/* What wisdom knows the convolution by: its shapes and its residual, not its activation; and, with
 * a mask, the percentages of the steps that blocks of 1, 2, 4 and 8 outputs take. */
void cn_plan_signature(const cn_conv_problem *problem, char signature[CN_SIGNATURE_SIZE]);

/* What `wisdom` says, if this build can do it and cn_conv_spares, else (and for NULL) all zeros: the
 * static choice. The key's signature is set here. */
cn_conv_way cn_plan_choose(const cn_conv_problem *problem, const cn_wisdom *wisdom,
                           cn_wisdom_key key);

#endif
