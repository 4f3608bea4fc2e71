/* Which way each convolution goes (docs/tuning.md): the candidates that are worth timing, and the
 * choice among them. */
#ifndef CONDENSE_PLAN_CHOICE_H
#define CONDENSE_PLAN_CHOICE_H

#include <stdint.h>

#include "condense/wisdom.h"
#include "cpu/conv.h"

enum { CN_SIGNATURE_SIZE = 256 };

/* The ways that are worth timing for `batch` images. The first is the static choice: the one of the
 * least estimated cost for one image, so that without wisdom no result depends on the batch. `ways`
 * has room for CN_CONV_ALGORITHMS; returns how many there are, at least one. */
int32_t cn_plan_candidates(const cn_conv_problem *problem, cn_isa isa, int32_t batch,
                           cn_conv_algorithm *ways);

/* What wisdom knows the convolution by: its shapes and its residual, not its activation. */
void cn_plan_signature(const cn_conv_problem *problem, char signature[CN_SIGNATURE_SIZE]);

/* What `wisdom` says, if this build can do it, else (and for NULL) CN_CONV_AUTO: the static choice.
 * The key's signature is set here. */
cn_conv_algorithm cn_plan_choose(const cn_conv_problem *problem, const cn_wisdom *wisdom,
                                 cn_wisdom_key key);

#endif
