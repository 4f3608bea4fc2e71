#include "plan/memory.h"

#include <string.h>

#include "condense/memory.h"
#include "plan/arena.h"

/* A plan at work. While storage is shared out, places[i].root is a parent (itself: a root) and
 * places[i].channel is relative to it; settle() makes both absolute. */
typedef struct planner {
    const cn_graph *graph;
    const cn_memory_need *needs;
    cn_memory_plan *plan;
    cn_memory_place *places;
    int32_t *last_read;            /* the last layer that reads a layer's output */
    int32_t *first_use, *last_use; /* of a root's block, by all that share it */
} planner;

static int32_t larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static int32_t find_root(const planner *p, int32_t index, int32_t *channel)
{
    *channel = 0;
    while (p->places[index].root != index) {
        *channel += p->places[index].channel;
        index = p->places[index].root;
    }
    return index;
}

/* Puts the block of root `child` into that of root `parent`. */
static void attach(planner *p, int32_t child, int32_t parent, int32_t channel)
{
    p->places[child].root = parent;
    p->places[child].channel = channel;
    if (p->first_use[child] < p->first_use[parent]) p->first_use[parent] = p->first_use[child];
    p->last_use[parent] = larger(p->last_use[parent], p->last_use[child]);
}

static bool covers_block(const planner *p, int32_t index, int32_t *root)
{
    int32_t channel;
    *root = find_root(p, index, &channel);
    return channel == 0 && p->graph->layers[*root].shape.c == p->graph->layers[index].shape.c;
}

/* A concat's inputs that own their block whole move into the concat's. */
static void place_concat(planner *p, int32_t index)
{
    const cn_layer *layer = &p->graph->layers[index];
    int32_t channel = 0, root;
    for (int32_t k = 0; k < layer->input_count; k++) {
        int32_t input = layer->inputs[k];
        if (covers_block(p, input, &root) && root != index) attach(p, root, index, channel);
        channel += p->graph->layers[input].shape.c;
    }
}

/* Takes over an input's memory if nothing in its block is read after this layer. */
static void share(planner *p, int32_t index)
{
    const cn_layer *layer = &p->graph->layers[index];
    const cn_memory_need *need = &p->needs[index];
    int32_t channel, own;
    for (int32_t k = need->share_first; k < need->share_end; k++) {
        int32_t input = layer->inputs[k];
        int32_t root = find_root(p, input, &channel);
        const cn_shape *a = &layer->shape, *b = &p->graph->layers[input].shape;
        if (p->last_use[root] > index || a->c != b->c || a->h != b->h || a->w != b->w) continue;
        if (need->apart && find_root(p, layer->inputs[0], &own) == root) continue;
        attach(p, index, input, 0);
        p->last_use[root] = larger(p->last_use[root], p->last_use[index]);
        p->places[index].shared = k;
        return;
    }
}

static void share_out(planner *p)
{
    for (int32_t i = 0; i < p->graph->count; i++) {
        p->places[i] = (cn_memory_place){.root = i, .shared = -1};
        p->first_use[i] = i;
        p->last_use[i] = p->last_read[i];
    }
    for (int32_t i = 0; i < p->graph->count; i++)
        if (p->graph->layers[i].op == CN_OP_CONCAT)
            place_concat(p, i);
        else
            share(p, i);
}

/* Roots, absolute; every root's block takes the widest halo of its members. */
static void settle(planner *p)
{
    int32_t count = p->graph->count;
    for (int32_t i = count - 1; i >= 0; i--) {
        int32_t channel, root = find_root(p, i, &channel);
        for (int k = 0; k < 4; k++)
            p->places[root].halo[k] = larger(p->places[root].halo[k], p->needs[i].halo[k]);
    }
    cn_memory_place *absolute = p->plan->places;
    for (int32_t i = 0; i < count; i++) {
        int32_t channel, root = find_root(p, i, &channel);
        absolute[i] = p->places[i];
        absolute[i].root = root;
        absolute[i].channel = channel;
        absolute[i].channels = p->graph->layers[i].shape.c;
    }
}

static size_t round16(size_t floats)
{
    return (floats + 15) / 16 * 16;
}

/* Strides of a root's block and its bytes. */
static cn_status lay_out(planner *p, int32_t root, size_t *bytes, cn_error *error)
{
    enum { CACHE_SETS = 1024 }; /* floats in 4 KiB */
    cn_memory_place *place = &p->plan->places[root];
    const cn_layer *layer = &p->graph->layers[root];
    const int32_t *halo = place->halo;
    place->row = (size_t)layer->shape.w + (size_t)larger(halo[2], halo[3]);
    place->plane =
        round16(((size_t)layer->shape.h + (size_t)larger(halo[0], halo[1])) * place->row);
    if (place->plane % CACHE_SETS == 0) place->plane += 16;
    place->lead = round16((size_t)halo[0] * place->row + (size_t)halo[2]);
    size_t planes = (size_t)place->channels * (size_t)p->plan->batch, floats;
    if (!cn_mul_size(planes, place->plane, &floats) || !cn_add_size(floats, place->lead, &floats) ||
        !cn_mul_size(floats, sizeof(float), bytes))
        return cn_fail(error, CN_ENOMEM, "layer '%s': %d outputs do not fit into memory",
                       layer->name, p->plan->batch);
    return CN_OK;
}

/* Places the roots' blocks in the arena. */
static cn_status place_blocks(planner *p, cn_error *error)
{
    int32_t count = p->graph->count;
    cn_block *blocks = cn_calloc((size_t)count, sizeof *blocks);
    if (!blocks) return cn_fail(error, CN_ENOMEM, "no memory for %d blocks", count);
    cn_status status = CN_OK;
    for (int32_t i = 0; i < count && !status; i++) {
        blocks[i].first = p->first_use[i];
        blocks[i].last = p->last_use[i];
        if (p->plan->places[i].root == i) status = lay_out(p, i, &blocks[i].bytes, error);
    }
    if (!status) status = cn_arena_place(blocks, count, &p->plan->arena, error);
    for (int32_t i = 0; i < count; i++)
        p->plan->places[i].offset = blocks[i].offset;
    cn_free(blocks);
    return status;
}

static bool overlap(const cn_memory_place *a, const cn_memory_place *b)
{
    return a->root == b->root && a->channel < b->channel + b->channels &&
           b->channel < a->channel + a->channels;
}

/* The last use of what layer `index` writes, under whatever name it is read. */
static int32_t last_use_of(const planner *p, int32_t index, const cn_memory_place *piece)
{
    int32_t last = index;
    for (int32_t i = 0; i < p->graph->count; i++)
        if (overlap(piece, &p->plan->places[i])) last = larger(last, p->last_read[i]);
    return last;
}

/* The pieces that layer `index` writes, one block of `blocks` each; returns how many. A layer
 * writes its output; a layer in place and a concat's input in place write nothing new. */
static int32_t pieces_of(const planner *p, int32_t index, cn_block *blocks)
{
    const cn_layer *layer = &p->graph->layers[index];
    cn_memory_place piece = p->plan->places[index];
    size_t plane = p->plan->places[piece.root].plane * (size_t)p->plan->batch * sizeof(float);
    if (piece.shared >= 0) return 0;
    if (layer->op != CN_OP_CONCAT) {
        blocks[0] =
            (cn_block){(size_t)piece.channels * plane, index, last_use_of(p, index, &piece), 0};
        return 1;
    }
    int32_t count = 0;
    for (int32_t k = 0; k < layer->input_count; k++) {
        piece.channels = p->graph->layers[layer->inputs[k]].shape.c;
        if (!cn_memory_concat_in_place(p->plan, p->graph, index, k))
            blocks[count++] =
                (cn_block){(size_t)piece.channels * plane, index, last_use_of(p, index, &piece), 0};
        piece.channel += piece.channels;
    }
    return count;
}

static cn_status measure_live(planner *p, cn_error *error)
{
    size_t most = 0;
    for (int32_t i = 0; i < p->graph->count; i++)
        most += 1 + (size_t)p->graph->layers[i].input_count;
    cn_block *blocks = cn_calloc(most, sizeof *blocks);
    if (!blocks) return cn_fail(error, CN_ENOMEM, "no memory for %zu blocks", most);
    int32_t count = 0;
    for (int32_t i = 0; i < p->graph->count; i++)
        count += pieces_of(p, i, blocks + count);
    p->plan->live_peak = cn_arena_live_peak(blocks, count);
    cn_free(blocks);
    return CN_OK;
}

/* The network's output is read after the last layer; an output that nobody reads lives for its own
 * step. */
static void find_last_reads(planner *p)
{
    int32_t count = p->graph->count;
    for (int32_t i = 0; i < count; i++) {
        const cn_layer *layer = &p->graph->layers[i];
        p->last_read[i] = i == count - 1 ? count : i;
        for (int32_t k = 0; k < layer->input_count; k++)
            p->last_read[layer->inputs[k]] = i;
    }
}

cn_status cn_memory_plan_make(cn_memory_plan *plan, const cn_graph *graph,
                              const cn_memory_need *needs, int32_t batch, cn_error *error)
{
    size_t count = (size_t)graph->count;
    *plan = (cn_memory_plan){.count = graph->count, .batch = batch};
    planner p = {.graph = graph, .needs = needs, .plan = plan};
    int32_t *numbers = cn_calloc(count, 3 * sizeof *numbers);
    p.places = cn_calloc(count, sizeof *p.places);
    plan->places = cn_calloc(count, sizeof *plan->places);
    cn_status status = CN_OK;
    if (!numbers || !p.places || !plan->places)
        status = cn_fail(error, CN_ENOMEM, "no memory to plan %d layers", graph->count);
    if (!status) {
        p.last_read = numbers;
        p.first_use = numbers + count;
        p.last_use = numbers + 2 * count;
        find_last_reads(&p);
        share_out(&p);
        settle(&p);
        status = place_blocks(&p, error);
    }
    if (!status) status = measure_live(&p, error);
    cn_free(numbers);
    cn_free(p.places);
    if (status) cn_memory_plan_clear(plan);
    return status;
}

cn_view cn_memory_view(const cn_memory_plan *plan, const cn_graph *graph, int32_t index,
                       void *arena)
{
    const cn_memory_place *place = &plan->places[index], *root = &plan->places[place->root];
    const cn_shape *shape = &graph->layers[index].shape;
    float *block = (float *)((char *)arena + root->offset);
    return (cn_view){.data = block + root->lead + (size_t)place->channel * root->plane,
                     .n = plan->batch,
                     .c = shape->c,
                     .h = shape->h,
                     .w = shape->w,
                     .row = (ptrdiff_t)root->row,
                     .plane = (ptrdiff_t)root->plane,
                     .image = (ptrdiff_t)(root->plane * (size_t)root->channels),
                     .halo_top = root->halo[0],
                     .halo_bottom = root->halo[1],
                     .halo_left = root->halo[2],
                     .halo_right = root->halo[3]};
}

bool cn_memory_concat_in_place(const cn_memory_plan *plan, const cn_graph *graph, int32_t index,
                               int32_t k)
{
    const cn_layer *layer = &graph->layers[index];
    const cn_memory_place *place = &plan->places[layer->inputs[k]];
    int32_t channel = plan->places[index].channel;
    for (int32_t i = 0; i < k; i++)
        channel += graph->layers[layer->inputs[i]].shape.c;
    return place->root == plan->places[index].root && place->channel == channel;
}

void cn_memory_plan_clear(cn_memory_plan *plan)
{
    cn_free(plan->places);
    *plan = (cn_memory_plan){0};
}
