/* Attributes of operators and of preprocessing as tables: one row drives reading, checking, the
 * canonical text and the messages. Private to engine/lr. */
#ifndef ENGINE_LR_ATTRIBUTES_H
#define ENGINE_LR_ATTRIBUTES_H

#include "lr/build.h"

typedef enum cn_attribute_kind {
    CN_ATTRIBUTE_WHOLE,   /* int32_t */
    CN_ATTRIBUTE_REAL,    /* float */
    CN_ATTRIBUTE_BOOL,    /* bool */
    CN_ATTRIBUTE_PAIR,    /* two int32_t: a number for both, or [height, width] */
    CN_ATTRIBUTE_TRIPLE,  /* three floats: a number for all, or [a, b, c] */
    CN_ATTRIBUTE_PADDING, /* a cn_layer's pads: n, [height, width], [top, bottom, left, right], same
                           */
    CN_ATTRIBUTE_RESIZE,  /* cn_resize: "nearest" or "bilinear" */
    CN_ATTRIBUTE_ORDER    /* bool: "bgr" is true, "rgb" false */
} cn_attribute_kind;

typedef struct cn_attribute {
    const char *name;
    cn_attribute_kind kind;
    size_t offset; /* in cn_layer or cn_preprocess */
    bool required;
} cn_attribute;

typedef struct cn_attributes {
    const cn_attribute *rows;
    int32_t count;
} cn_attributes;

cn_attributes cn_operator_attributes(cn_op op);
cn_attributes cn_preprocess_attributes(void);

#endif
