/* Tree to network: values, names, and the layers built so far. Private to engine/lr. */
#ifndef ENGINE_LR_BUILD_H
#define ENGINE_LR_BUILD_H

#include "condense/model.h"
#include "lr/ast.h"

typedef enum cn_value_kind {
    CN_VALUE_NUMBER,
    CN_VALUE_BOOL,
    CN_VALUE_STRING,
    CN_VALUE_LIST,
    CN_VALUE_LAYER
} cn_value_kind;

typedef struct cn_value {
    cn_value_kind kind;
    double number; /* also 0 or 1 of a bool, index of a layer */
    const char *text;
    const struct cn_value *items;
    int32_t count;
} cn_value;

/* Where layer names are made: every label and every group opens one below the last. */
typedef struct cn_naming {
    const struct cn_naming *parent;
    const char *prefix;           /* "layer1.0." */
    int32_t unnamed[CN_OP_COUNT]; /* layers without a label so far, by operator */
} cn_naming;

/* The values a block's statements see. */
typedef struct cn_frame {
    const char *names[CN_TEXT_MAX_ITEMS];
    cn_value values[CN_TEXT_MAX_ITEMS];
    int32_t count;
    const cn_naming *outermost; /* labels beyond it are not visible */
} cn_frame;

typedef struct cn_scope {
    cn_frame *frame;
    cn_naming *naming;
    int32_t cursor; /* the layer that the next one reads; -1: none yet */
} cn_scope;

typedef struct cn_label {
    const char *name; /* in full */
    int32_t layer;
} cn_label;

typedef struct cn_builder {
    cn_text *text;
    const cn_program *program;
    cn_graph *graph;
    cn_frame globals;
    cn_label *labels; /* hash table, open addressing, capacity a power of two */
    uint32_t label_count, label_capacity;
    int32_t steps, calls;
} cn_builder;

/* Counts one unit of work; false (with a message) when the text asks for too much. */
bool cn_builder_step(cn_builder *builder, cn_place at);

bool cn_value_of(cn_builder *builder, const cn_scope *scope, const cn_expression *e,
                 cn_value *value);

/* "number", "string", ... with its article. */
const char *cn_value_kind_name(cn_value_kind kind);

/* Evaluates to a value of one kind. */
bool cn_value_as(cn_builder *builder, const cn_scope *scope, const cn_expression *e,
                 cn_value_kind kind, cn_value *value);

/* The number of `value` as a whole number that fits an extent; false with a message. */
bool cn_value_whole(cn_builder *builder, const cn_value *value, cn_place at, int32_t *whole);

/* Values by name; NULL where there is none. Setting an existing name changes it. */
const cn_value *cn_frame_find(const cn_frame *frame, const char *name);
bool cn_frame_set(cn_builder *builder, cn_frame *frame, const char *name, cn_value value,
                  cn_place at);

/* Labels: `name` as written in `scope`, looked up outwards to the block's own; -1: none. */
int32_t cn_label_find(cn_builder *builder, const cn_scope *scope, const char *name, cn_place at);
bool cn_label_set(cn_builder *builder, const char *full_name, int32_t layer, cn_place at);

/* Sorts arguments, by position or by name, to the `count` names they are for: bound[i] is the
 * argument of names[i], or NULL. `what` names the called thing in messages. */
bool cn_bind(cn_builder *builder, const char *what, const char *const *names, int32_t count,
             const cn_argument *arguments, int32_t argument_count, const cn_argument **bound);

/* An operator by name, -1 where there is none; its attributes from arguments into `layer`. */
int cn_operator_find(const char *name);
bool cn_operator_set(cn_builder *builder, const cn_scope *scope, const cn_statement *s,
                     cn_layer *layer);

/* Preprocessing from the arguments of `definition`. */
bool cn_preprocess_set(cn_builder *builder, const cn_scope *scope, const cn_definition *definition,
                       cn_preprocess *preprocess);

/* Runs statements; scope->cursor ends at the last layer. */
bool cn_build_statements(cn_builder *builder, cn_scope *scope, const cn_statements *statements);

/* ", did you mean 'x'?" for the nearest of `count` candidates, or `otherwise`. */
const char *cn_suggest(const char *word, const char *const *candidates, int32_t count,
                       const char *otherwise, char buffer[192]);

#endif
