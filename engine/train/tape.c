#include "train/tape.h"

#include <string.h>

#include "condense/clock.h"
#include "condense/memory.h"

static const char *const status_names[] = {"success",       "out of memory", "invalid arguments",
                                           "unimplemented", "iterator ends", "runtime error",
                                           "not required"};

cn_status tape_failed(tape *t, dnnl_status_t status, const char *call)
{
    size_t n = sizeof status_names / sizeof *status_names;
    const char *what = (size_t)status < n ? status_names[status] : "unknown failure";
    bool layer = t->graph && t->layer >= 0 && t->layer < t->graph->count;
    cn_status code = status == dnnl_out_of_memory   ? CN_ENOMEM
                     : status == dnnl_unimplemented ? CN_EUNSUPPORTED
                                                    : CN_EINVAL;
    return cn_fail(t->error, code, "layer %s: oneDNN says %s to %.60s",
                   layer ? t->graph->layers[t->layer].name : "(none)", what, call);
}

static cn_status no_memory(tape *t)
{
    return cn_fail(t->error, CN_ENOMEM,
                   "out of memory for training; a smaller --batch needs less of it");
}

/* Makes room for one more item. */
static cn_status grow(tape *t, void **items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) return CN_OK;
    size_t more = *capacity ? *capacity * 2 : 64;
    void *bigger = cn_recalloc(*items, *capacity, more, size);
    if (!bigger) return no_memory(t);
    *items = bigger;
    *capacity = more;
    return CN_OK;
}
#define GROW(t, items, count, capacity)                                                            \
    grow((t), (void **)&(items), (count), &(capacity), sizeof *(items))

cn_status tape_open(tape *t, const cn_graph *graph, cn_error *error)
{
    *t = (tape){.graph = graph, .layer = -1, .error = error};
    DNN(t, dnnl_engine_create(&t->engine, dnnl_cpu, 0));
    DNN(t, dnnl_stream_create(&t->stream, t->engine, dnnl_stream_default_flags));
    return CN_OK;
}

void tape_close(tape *t)
{
    for (int list = 0; list < TAPE_LISTS; list++) {
        for (size_t i = 0; i < t->lists[list].count; i++)
            cn_free(t->lists[list].items[i].args);
        cn_free(t->lists[list].items);
    }
    for (size_t i = 0; i < t->primitive_count; i++)
        dnnl_primitive_destroy(t->primitives[i]);
    for (size_t i = 0; i < t->desc_count; i++)
        dnnl_primitive_desc_destroy(t->descs[i]);
    for (size_t i = 0; i < t->memory_count; i++)
        dnnl_memory_destroy(t->memories[i]);
    for (size_t i = 0; i < t->block_count; i++)
        cn_free(t->blocks[i].data);
    cn_free(t->primitives);
    cn_free(t->descs);
    cn_free(t->memories);
    cn_free(t->blocks);
    if (t->stream) dnnl_stream_destroy(t->stream);
    if (t->engine) dnnl_engine_destroy(t->engine);
    *t = (tape){0};
}

cn_status tape_adopt(tape *t, dnnl_primitive_desc_t desc)
{
    cn_status status = GROW(t, t->descs, t->desc_count, t->desc_capacity);
    if (status != CN_OK) {
        dnnl_primitive_desc_destroy(desc);
        return status;
    }
    t->descs[t->desc_count++] = desc;
    return CN_OK;
}

cn_status tape_desc(tape *t, const void *op_desc, dnnl_primitive_attr_t attr,
                    dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *out)
{
    DNN(t, dnnl_primitive_desc_create(out, op_desc, attr, t->engine, hint));
    return tape_adopt(t, *out);
}

const dnnl_memory_desc_t *tape_query(dnnl_primitive_desc_t desc, dnnl_query_t what)
{
    return dnnl_primitive_desc_query_md(desc, what, 0);
}

static cn_status append(tape *t, tape_list lists, const tape_step *step)
{
    for (int list = 0; list < TAPE_LISTS; list++) {
        if (!((int)lists & 1 << list)) continue;
        tape_steps *steps = &t->lists[list];
        TRY(GROW(t, steps->items, steps->count, steps->capacity));
        tape_step *copy = &steps->items[steps->count];
        *copy = *step;
        copy->layer = t->layer;
        if (step->arg_count) {
            copy->args = cn_calloc((size_t)step->arg_count, sizeof *copy->args);
            if (!copy->args) return no_memory(t);
            memcpy(copy->args, step->args, (size_t)step->arg_count * sizeof *copy->args);
        }
        steps->count++;
    }
    return CN_OK;
}

/* What the time of a primitive counts as. */
static cn_status part_of(tape *t, dnnl_primitive_desc_t desc, cn_step_part *part)
{
    dnnl_primitive_kind_t kind;
    DNN(t, dnnl_primitive_desc_query(desc, dnnl_query_primitive_kind, 0, &kind));
    *part = kind == dnnl_reorder                      ? CN_STEP_REORDERS
            : kind == dnnl_sum || kind == dnnl_concat ? CN_STEP_JOINS
                                                      : CN_STEP_PRIMITIVES;
    return CN_OK;
}

cn_status tape_push(tape *t, tape_list lists, dnnl_primitive_desc_t desc,
                    const dnnl_exec_arg_t *args, int arg_count)
{
    enum { MOST = VALUE_PARTS + 1 };
    dnnl_exec_arg_t present[MOST];
    tape_step step = {.args = present};
    TRY(part_of(t, desc, &step.part));
    for (int i = 0; i < arg_count && step.arg_count < MOST; i++)
        if (args[i].memory) present[step.arg_count++] = args[i];
    TRY(GROW(t, t->primitives, t->primitive_count, t->primitive_capacity));
    DNN(t, dnnl_primitive_create(&step.primitive, desc));
    t->primitives[t->primitive_count++] = step.primitive;
    return append(t, lists, &step);
}

cn_status tape_call(tape *t, tape_list lists, void (*run)(void *context), void *context)
{
    return append(t, lists,
                  &(tape_step){.run = run, .context = context, .part = CN_STEP_FUNCTIONS});
}

void tape_lap(tape *t, cn_step_part part)
{
    if (!t->part_ns) return;
    int64_t now = cn_clock_ns();
    t->part_ns[part] += now - t->lap_ns;
    t->lap_ns = now;
}

static cn_status play(tape *t, const tape_step *step)
{
    t->layer = step->layer;
    if (step->run)
        step->run(step->context);
    else
        DNN(t, dnnl_primitive_execute(step->primitive, t->stream, step->arg_count, step->args));
    return CN_OK;
}

static const tape_steps *steps_of(const tape *t, tape_list list)
{
    return &t->lists[list == TAPE_TRAIN ? 0 : list == TAPE_INFER ? 1 : 2];
}

cn_status tape_play(tape *t, tape_list list, cn_error *error)
{
    const tape_steps *steps = steps_of(t, list);
    t->error = error;
    for (size_t i = 0; i < steps->count; i++) {
        TRY(play(t, &steps->items[i]));
        tape_lap(t, steps->items[i].part);
    }
    DNN(t, dnnl_stream_wait(t->stream));
    return CN_OK;
}

cn_status tape_play_primitives(tape *t, tape_list list, cn_error *error)
{
    const tape_steps *steps = steps_of(t, list);
    t->error = error;
    for (size_t i = 0; i < steps->count; i++)
        if (steps->items[i].part == CN_STEP_PRIMITIVES) TRY(play(t, &steps->items[i]));
    DNN(t, dnnl_stream_wait(t->stream));
    return CN_OK;
}

static cn_status add_block(tape *t, size_t size, tape_block **out)
{
    TRY(GROW(t, t->blocks, t->block_count, t->block_capacity));
    void *data = cn_calloc(size, 1);
    if (!data) return no_memory(t);
    *out = &t->blocks[t->block_count++];
    **out = (tape_block){.data = data, .size = size};
    return CN_OK;
}

cn_status tape_wrap(tape *t, const dnnl_memory_desc_t *md, void *data, dnnl_memory_t *out)
{
    TRY(GROW(t, t->memories, t->memory_count, t->memory_capacity));
    DNN(t, dnnl_memory_create(out, md, t->engine, data));
    t->memories[t->memory_count++] = *out;
    return CN_OK;
}

cn_status tape_memory(tape *t, const dnnl_memory_desc_t *md, dnnl_memory_t *out)
{
    tape_block *block;
    TRY(add_block(t, dnnl_memory_desc_get_size(md), &block));
    return tape_wrap(t, md, block->data, out);
}

cn_status tape_scratch(tape *t, const dnnl_memory_desc_t *md, dnnl_memory_t *out)
{
    size_t size = dnnl_memory_desc_get_size(md);
    tape_block *best = NULL;
    for (size_t i = 0; i < t->block_count; i++) {
        tape_block *b = &t->blocks[i];
        if (b->scratch && !b->holders && b->size >= size && (!best || b->size < best->size))
            best = b;
    }
    if (!best) TRY(add_block(t, size, &best));
    best->scratch = best->fresh = true;
    best->holders = 1;
    return tape_wrap(t, md, best->data, out);
}

void *tape_data(dnnl_memory_t memory)
{
    void *data = NULL;
    dnnl_memory_get_data_handle(memory, &data);
    return data;
}

const dnnl_memory_desc_t *tape_layout(dnnl_memory_t memory)
{
    const dnnl_memory_desc_t *md = NULL;
    dnnl_memory_get_memory_desc(memory, &md);
    return md;
}

/* Adds `change` to the holders of the scratch block under `memory`, if it is one. */
static void hold(tape *t, dnnl_memory_t memory, int change)
{
    const void *data = tape_data(memory);
    for (size_t i = 0; i < t->block_count; i++)
        if (t->blocks[i].scratch && t->blocks[i].data == data) t->blocks[i].holders += change;
}

void tape_scope_begin(tape *t)
{
    for (size_t i = 0; i < t->block_count; i++)
        t->blocks[i].fresh = false;
}

void tape_scope_end(tape *t)
{
    for (size_t i = 0; i < t->block_count; i++)
        if (t->blocks[i].fresh) {
            t->blocks[i].fresh = false;
            t->blocks[i].holders--;
        }
}

cn_status tape_reorder(tape *t, tape_list lists, dnnl_memory_t from, dnnl_memory_t to)
{
    dnnl_primitive_desc_t desc;
    DNN(t, dnnl_reorder_primitive_desc_create(&desc, tape_layout(from), t->engine, tape_layout(to),
                                              t->engine, NULL));
    TRY(tape_adopt(t, desc));
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    return tape_push(t, lists, desc, args, 2);
}

cn_status tape_gradient_as(tape *t, dnnl_memory_t from, const dnnl_memory_desc_t *md,
                           dnnl_memory_t *out)
{
    *out = from;
    if (dnnl_memory_desc_equal(tape_layout(from), md)) return CN_OK;
    TRY(tape_scratch(t, md, out));
    return tape_reorder(t, TAPE_BACKWARD, from, *out);
}

value value_over(dnnl_memory_t memory)
{
    return (value){.memory = memory, .md = *tape_layout(memory)};
}

cn_status value_new(tape *t, const dnnl_memory_desc_t *md, value *out)
{
    dnnl_memory_t memory;
    TRY(tape_memory(t, md, &memory));
    *out = value_over(memory);
    return CN_OK;
}

cn_status value_as(tape *t, tape_list lists, value *v, const dnnl_memory_desc_t *md,
                   dnnl_memory_t *out)
{
    *out = v->memory;
    if (dnnl_memory_desc_equal(&v->md, md)) return CN_OK;
    for (int i = 0; i < v->copy_count; i++) {
        *out = v->copies[i];
        if (dnnl_memory_desc_equal(tape_layout(*out), md)) return CN_OK;
    }
    TRY(tape_memory(t, md, out));
    if (v->copy_count < VALUE_LAYOUTS) v->copies[v->copy_count++] = *out;
    return tape_reorder(t, lists, v->memory, *out);
}

cn_status value_add_gradient(tape *t, value *v, dnnl_memory_t gradient)
{
    if (v->part_count == VALUE_PARTS)
        return cn_fail(t->error, CN_EUNSUPPORTED,
                       "layer %s: its input is read by more than %d layers",
                       t->graph->layers[t->layer].name, VALUE_PARTS);
    hold(t, gradient, 1);
    v->parts[v->part_count++] = gradient;
    return CN_OK;
}

cn_status md_flat(tape *t, const dnnl_memory_desc_t *md, dnnl_memory_desc_t *out)
{
    return md_plain(t, 1, (dnnl_dims_t){(int64_t)(dnnl_memory_desc_get_size(md) / sizeof(float))},
                    out);
}

/* The same memory as a vector. */
static cn_status flat_view(tape *t, dnnl_memory_t memory, dnnl_memory_t *out)
{
    dnnl_memory_desc_t flat;
    TRY(md_flat(t, tape_layout(memory), &flat));
    return tape_wrap(t, &flat, tape_data(memory), out);
}

cn_status tape_sum(tape *t, tape_list lists, const dnnl_memory_t *from, int count, dnnl_memory_t to)
{
    float scales[VALUE_PARTS];
    dnnl_memory_desc_t mds[VALUE_PARTS];
    dnnl_exec_arg_t args[VALUE_PARTS + 1];
    for (int i = 0; i < count; i++) {
        args[i].arg = DNNL_ARG_MULTIPLE_SRC + i;
        TRY(flat_view(t, from[i], &args[i].memory));
        mds[i] = *tape_layout(args[i].memory);
        scales[i] = 1;
    }
    args[count].arg = DNNL_ARG_DST;
    TRY(flat_view(t, to, &args[count].memory));
    dnnl_primitive_desc_t desc;
    DNN(t, dnnl_sum_primitive_desc_create(&desc, &mds[0], count, scales, mds, NULL, t->engine));
    TRY(tape_adopt(t, desc));
    return tape_push(t, lists, desc, args, count + 1);
}

cn_status value_gradient(tape *t, value *v, dnnl_memory_t *out)
{
    *out = v->parts[0];
    if (v->part_count == 1) return CN_OK;
    dnnl_memory_t parts[VALUE_PARTS];
    for (int i = 0; i < v->part_count; i++)
        TRY(tape_gradient_as(t, v->parts[i], &v->md, &parts[i]));
    TRY(tape_scratch(t, &v->md, out));
    return tape_sum(t, TAPE_BACKWARD, parts, v->part_count, *out);
}

void value_drop_gradients(tape *t, value *v)
{
    for (int i = 0; i < v->part_count; i++)
        hold(t, v->parts[i], -1);
    v->part_count = 0;
}

cn_status md_plain(tape *t, int rank, const int64_t *dims, dnnl_memory_desc_t *out)
{
    static const dnnl_format_tag_t tags[] = {0, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd, dnnl_abcde};
    DNN(t, dnnl_memory_desc_init_by_tag(out, rank, dims, dnnl_f32, tags[rank]));
    return CN_OK;
}

dnnl_memory_desc_t md_any(const dnnl_memory_desc_t *md)
{
    dnnl_memory_desc_t any = {0};
    dnnl_memory_desc_init_by_tag(&any, md->ndims, md->dims, dnnl_f32, dnnl_format_tag_any);
    return any;
}
