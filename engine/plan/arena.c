/* Blocks are placed one after the other, each into the lowest gap that holds it between the blocks
 * already placed that live at the same time. What matters is the order: largest first leaves small
 * gaps to fill, longest-lived first keeps what stays at the bottom, first-needed first follows the
 * network. No order is best for every network, so all are tried, then largest-first with the sizes
 * blurred at random, until an arena is as small as the blocks alive at one time. */
#include "plan/arena.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "condense/memory.h"
#include "condense/random.h"

typedef enum order { BY_SIZE, BY_LIFE, BY_AREA, BY_START, BLURRED } order;
enum { TRIES = 300 };

/* A block in the queue; larger ranks are placed first. */
typedef struct waiting {
    double rank;
    cn_block *block;
} waiting;

static double rank_of(const cn_block *block, order by, cn_random *random)
{
    double bytes = (double)block->bytes, life = (double)block->last - block->first + 1;
    switch (by) {
    case BY_SIZE:
        return bytes;
    case BY_LIFE:
        return life;
    case BY_AREA:
        return bytes * life;
    case BY_START:
        return -(double)block->first;
    case BLURRED:
        break;
    }
    return bytes * exp2(3 * cn_random_uniform(random));
}

/* Equal ranks: larger, then earlier blocks first, so that the queue does not depend on qsort. */
static int compare(const void *a, const void *b)
{
    const waiting *x = a, *y = b;
    if (x->rank != y->rank) return x->rank < y->rank ? 1 : -1;
    if (x->block->bytes != y->block->bytes) return x->block->bytes < y->block->bytes ? 1 : -1;
    return (x->block > y->block) - (x->block < y->block);
}

static bool overlap_in_time(const cn_block *a, const cn_block *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* Puts `block` into the lowest gap. `placed`: `count` blocks in the order of their offsets; the
 * block is inserted. */
static void place(cn_block **placed, int32_t count, cn_block *block)
{
    size_t at = 0;
    for (int32_t i = 0; i < count; i++) {
        if (!overlap_in_time(placed[i], block)) continue;
        if (placed[i]->offset >= at + block->bytes) break;
        size_t end = placed[i]->offset + placed[i]->bytes;
        if (end > at) at = end;
    }
    block->offset = at;
    int32_t slot = count;
    for (; slot > 0 && placed[slot - 1]->offset > at; slot--)
        placed[slot] = placed[slot - 1];
    placed[slot] = block;
}

/* Places all, number `attempt` of TRIES; returns the arena's bytes. An attempt always comes out the
 * same. */
static size_t place_all(cn_block *blocks, int32_t count, int attempt, waiting *queue,
                        cn_block **placed)
{
    cn_random random = cn_random_seed((uint64_t)attempt);
    order by = attempt < BLURRED ? (order)attempt : BLURRED;
    for (int32_t i = 0; i < count; i++)
        queue[i] = (waiting){rank_of(&blocks[i], by, &random), &blocks[i]};
    qsort(queue, (size_t)count, sizeof *queue, compare);
    size_t total = 0;
    for (int32_t i = 0; i < count; i++) {
        place(placed, i, queue[i].block);
        size_t end = queue[i].block->offset + queue[i].block->bytes;
        if (end > total) total = end;
    }
    return total;
}

cn_status cn_arena_place(cn_block *blocks, int32_t count, size_t *total, cn_error *error)
{
    size_t sum = 0, least = cn_arena_live_peak(blocks, count), smallest = SIZE_MAX;
    for (int32_t i = 0; i < count; i++)
        if (!cn_add_size(sum, blocks[i].bytes, &sum))
            return cn_fail(error, CN_ENOMEM, "the activations do not fit into memory");
    waiting *queue = cn_calloc((size_t)count, sizeof *queue);
    cn_block **placed = cn_calloc((size_t)count, sizeof *placed);
    int best = 0;
    for (int attempt = 0; queue && placed && attempt < TRIES && smallest > least; attempt++) {
        size_t bytes = place_all(blocks, count, attempt, queue, placed);
        if (bytes >= smallest) continue;
        smallest = bytes;
        best = attempt;
    }
    cn_status status =
        queue && placed ? CN_OK : cn_fail(error, CN_ENOMEM, "no memory to plan %d blocks", count);
    if (!status) *total = place_all(blocks, count, best, queue, placed);
    cn_free(queue);
    cn_free(placed);
    return status;
}

size_t cn_arena_live_peak(const cn_block *blocks, int32_t count)
{
    size_t peak = 0;
    for (int32_t i = 0; i < count; i++) { /* a maximum begins where some block begins */
        size_t live = 0;
        for (int32_t k = 0; k < count; k++)
            if (blocks[k].first <= blocks[i].first && blocks[i].first <= blocks[k].last)
                live += blocks[k].bytes;
        if (live > peak) peak = live;
    }
    return peak;
}
