/* Names: values of a frame, labels of layers, arguments of a call. */
#include <stdio.h>
#include <string.h>

#include "condense/nearest.h"
#include "lr/build.h"

const char *cn_suggest(const char *word, const char *const *candidates, int32_t count,
                       const char *otherwise, char buffer[192])
{
    const char *nearest = cn_nearest(word, candidates, (size_t)count);
    if (!nearest) return otherwise;
    snprintf(buffer, 192, "did you mean '%s'?", nearest);
    return buffer;
}

const cn_value *cn_frame_find(const cn_frame *frame, const char *name)
{
    for (int32_t i = 0; i < frame->count; i++)
        if (!strcmp(frame->names[i], name)) return &frame->values[i];
    return NULL;
}

bool cn_frame_set(cn_builder *builder, cn_frame *frame, const char *name, cn_value value,
                  cn_place at)
{
    int32_t i = 0;
    while (i < frame->count && strcmp(frame->names[i], name) != 0)
        i++;
    if (i == CN_TEXT_MAX_ITEMS)
        return cn_text_fail(builder->text, CN_EFORMAT, at, "more than %d names; use a block",
                            CN_TEXT_MAX_ITEMS);
    frame->names[i] = name;
    frame->values[i] = value;
    if (i == frame->count) frame->count++;
    return true;
}

/* FNV-1a. */
static uint32_t hash(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    return h;
}

/* The place of `name` in the table: its entry, or the free one where it belongs. */
static cn_label *label_entry(const cn_builder *builder, const char *name)
{
    uint32_t mask = builder->label_capacity - 1;
    uint32_t i = hash(name) & mask;
    while (builder->labels[i].name && strcmp(builder->labels[i].name, name) != 0)
        i = (i + 1) & mask;
    return &builder->labels[i];
}

static bool grow_labels(cn_builder *builder, cn_place at)
{
    cn_label *old = builder->labels;
    uint32_t old_capacity = builder->label_capacity;
    uint32_t capacity = old_capacity ? old_capacity * 2 : 256;
    cn_label *labels = cn_text_alloc(builder->text, capacity, sizeof *labels, at);
    if (!labels) return false;
    builder->labels = labels;
    builder->label_capacity = capacity;
    for (uint32_t i = 0; i < old_capacity; i++)
        if (old[i].name) *label_entry(builder, old[i].name) = old[i];
    return true;
}

bool cn_label_set(cn_builder *builder, const char *full_name, int32_t layer, cn_place at)
{
    if (builder->label_count * 2 >= builder->label_capacity && !grow_labels(builder, at))
        return false;
    cn_label *entry = label_entry(builder, full_name);
    if (entry->name)
        return cn_text_fail(builder->text, CN_EFORMAT, at,
                            "the name '%s' is taken; names are unique, give this one another",
                            full_name);
    *entry = (cn_label){full_name, layer};
    builder->label_count++;
    return true;
}

int32_t cn_label_find(cn_builder *builder, const cn_scope *scope, const char *name, cn_place at)
{
    if (!builder->label_capacity) return -1;
    for (const cn_naming *n = scope->naming; n; n = n->parent) {
        char full[2 * CN_TEXT_MAX_STRING + 2];
        int length = snprintf(full, sizeof full, "%s%s", n->prefix, name);
        if (length >= (int)sizeof full || !cn_builder_step(builder, at)) return -1;
        const cn_label *entry = label_entry(builder, full);
        if (entry->name) return entry->layer;
        if (n == scope->frame->outermost) break;
    }
    return -1;
}

/* The slot that an argument is for; -1 with a message where there is none. */
static int32_t slot_of(cn_builder *builder, const char *what, const char *const *names,
                       int32_t count, const cn_argument *a, int32_t position)
{
    if (!a->name && position < count) return position;
    if (!a->name) {
        cn_text_fail(builder->text, CN_EFORMAT, a->at, "%s takes %d arguments at most", what,
                     count);
        return -1;
    }
    for (int32_t i = 0; i < count; i++)
        if (!strcmp(names[i], a->name)) return i;
    char list[160] = "it takes none", buffer[192];
    for (int32_t i = 0, used = 0; i < count && used < (int32_t)sizeof list; i++)
        used += snprintf(list + used, sizeof list - (size_t)used, "%s%s", i ? ", " : "it takes ",
                         names[i]);
    cn_text_fail(builder->text, CN_EFORMAT, a->at, "%s takes no '%s'; %s", what, a->name,
                 cn_suggest(a->name, names, count, list, buffer));
    return -1;
}

bool cn_bind(cn_builder *builder, const char *what, const char *const *names, int32_t count,
             const cn_argument *arguments, int32_t argument_count, const cn_argument **bound)
{
    for (int32_t i = 0; i < count; i++)
        bound[i] = NULL;
    for (int32_t i = 0; i < argument_count; i++) {
        int32_t slot = slot_of(builder, what, names, count, &arguments[i], i);
        if (slot < 0) return false;
        if (bound[slot])
            return cn_text_fail(builder->text, CN_EFORMAT, arguments[i].at,
                                "'%s' is given twice; remove one", names[slot]);
        bound[slot] = &arguments[i];
    }
    return true;
}
