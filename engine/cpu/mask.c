#include "cpu/mask.h"

#include <stdlib.h>
#include <string.h>

#include "condense/memory.h"

/* How far down the sorted list an output is looked for that fits a block. */
enum { WINDOW = 64 };

static uint64_t *row_of(const cn_mask *m, int32_t output)
{
    return m->bits + (size_t)output * m->words;
}

/* The ones in x, by sums of ever longer runs of bits: without the instruction for it the compiler
 * would call a function. */
static size_t ones(uint64_t x)
{
    x -= x >> 1 & 0x5555555555555555;
    x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return x * 0x0101010101010101 >> 56;
}

static size_t count_bits(const uint64_t *bits, size_t words)
{
    size_t count = 0;
    for (size_t w = 0; w < words; w++)
        count += ones(bits[w]);
    return count;
}

static void find_nonzero(cn_mask *m, const float *weight)
{
    int32_t outputs = m->groups * m->group_out;
    for (int32_t o = 0; o < outputs; o++) {
        uint64_t *row = row_of(m, o);
        const float *from = weight + (size_t)o * m->depth;
        for (size_t k = 0; k < m->depth; k++)
            row[k / 64] |= (uint64_t)(from[k] != 0) << (k % 64);
        m->nonzero += (int64_t)count_bits(row, m->words);
    }
}

/* An output on its way into a block. */
typedef struct waiting {
    const cn_mask *mask;
    int32_t output;
    size_t nonzero;
} waiting;

/* Many weights first; like masks beside each other. */
static int compare(const void *a, const void *b)
{
    const waiting *x = a, *y = b;
    if (x->nonzero != y->nonzero) return x->nonzero < y->nonzero ? 1 : -1;
    const uint64_t *p = row_of(x->mask, x->output), *q = row_of(y->mask, y->output);
    for (size_t w = 0; w < x->mask->words; w++)
        if (p[w] != q[w]) return p[w] < q[w] ? 1 : -1;
    return (x->output > y->output) - (x->output < y->output);
}

/* How many taps `row` adds to the union, and how many it leaves unused. */
static size_t distance(const uint64_t *all, const uint64_t *row, size_t words)
{
    size_t count = 0;
    for (size_t w = 0; w < words; w++)
        count += ones(all[w] ^ row[w]);
    return count;
}

/* Fills a block's places after the first with the nearest of the outputs that wait. */
static void fill_block(const cn_mask *m, waiting *list, int32_t *count, int32_t rows, uint64_t *all,
                       int32_t *block)
{
    block[0] = list[0].output;
    memcpy(all, row_of(m, block[0]), m->words * sizeof *all);
    memmove(list, list + 1, (size_t)-- * count * sizeof *list);
    for (int32_t r = 1; r < rows && *count; r++) {
        int32_t best = 0;
        size_t least = SIZE_MAX;
        for (int32_t i = 0; i < *count && i < WINDOW && least; i++) {
            size_t far = distance(all, row_of(m, list[i].output), m->words);
            if (far >= least) continue;
            least = far;
            best = i;
        }
        block[r] = list[best].output;
        for (size_t w = 0; w < m->words; w++)
            all[w] |= row_of(m, block[r])[w];
        memmove(list + best, list + best + 1, (size_t)(--*count - best) * sizeof *list);
    }
}

/* Puts outputs of a group that have like masks into one block. */
static void group_alike(const cn_mask *m, int32_t group, int32_t rows, waiting *list, uint64_t *all,
                        int32_t *outputs)
{
    int32_t count = m->group_out;
    for (int32_t i = 0; i < count; i++) {
        int32_t o = group * m->group_out + i;
        list[i] = (waiting){m, o, count_bits(row_of(m, o), m->words)};
    }
    qsort(list, (size_t)count, sizeof *list, compare);
    for (int32_t at = 0; count; at += rows)
        fill_block(m, list, &count, rows, all, outputs + at);
}

static void in_order(const cn_mask *m, int32_t group, int32_t *outputs)
{
    for (int32_t i = 0; i < m->group_out; i++)
        outputs[i] = group * m->group_out + i;
}

void cn_mask_block_taps(const cn_mask *m, const cn_mask_blocks *b, size_t block, uint64_t *bits)
{
    memset(bits, 0, m->words * sizeof *bits);
    for (int32_t r = 0; r < b->rows; r++) {
        int32_t output = b->outputs[block * (size_t)b->rows + (size_t)r];
        for (size_t w = 0; output >= 0 && w < m->words; w++)
            bits[w] |= row_of(m, output)[w];
    }
}

void cn_mask_group_taps(const cn_mask *m, int32_t group, uint64_t *bits)
{
    memset(bits, 0, m->words * sizeof *bits);
    for (int32_t i = 0; i < m->group_out; i++)
        for (size_t w = 0; w < m->words; w++)
            bits[w] |= row_of(m, group * m->group_out + i)[w];
}

/* Counts the steps of a group's blocks into first[1 ...]; returns their sum. */
static size_t count_steps(const cn_mask *m, const cn_mask_blocks *b, size_t block, uint64_t *all)
{
    size_t sum = 0;
    for (size_t i = block; i < block + b->blocks; i++) {
        cn_mask_block_taps(m, b, i, all);
        size_t steps = count_bits(all, m->words);
        b->first[i + 1] = b->first[i] + steps;
        sum += steps;
    }
    return sum;
}

/* Blocks of successive outputs, or others where these take fewer steps. */
static void make_group(const cn_mask *m, cn_mask_blocks *b, int32_t group, waiting *list,
                       uint64_t *all)
{
    size_t block = (size_t)group * b->blocks;
    int32_t *outputs = b->outputs + block * (size_t)b->rows;
    in_order(m, group, outputs);
    size_t steps = count_steps(m, b, block, all), least = 0;
    for (int32_t i = 0; i < m->group_out; i++)
        least += count_bits(row_of(m, group * m->group_out + i), m->words);
    if (!m->reordered || steps * (size_t)b->rows <= least) return;
    group_alike(m, group, b->rows, list, all, outputs);
    if (count_steps(m, b, block, all) < steps) return;
    in_order(m, group, outputs);
    count_steps(m, b, block, all);
}

static bool make_blocks(const cn_mask *m, cn_mask_blocks *b, int32_t rows, waiting *list,
                        uint64_t *all)
{
    b->rows = rows;
    b->blocks = (size_t)(m->group_out + rows - 1) / (size_t)rows;
    size_t blocks = (size_t)m->groups * b->blocks;
    b->outputs = cn_calloc(blocks * (size_t)rows, sizeof *b->outputs);
    b->first = cn_calloc(blocks + 1, sizeof *b->first);
    if (!b->outputs || !b->first) return false;
    memset(b->outputs, -1, blocks * (size_t)rows * sizeof *b->outputs);
    for (int32_t g = 0; g < m->groups; g++)
        make_group(m, b, g, list, all);
    return true;
}

cn_status cn_mask_new(cn_mask **out, const float *weight, int32_t groups, int32_t group_out,
                      size_t depth, bool reorder, cn_error *error)
{
    *out = NULL;
    cn_mask *m = cn_calloc(1, sizeof *m);
    if (!m) return cn_fail(error, CN_ENOMEM, "no memory for a mask");
    *m = (cn_mask){.groups = groups,
                   .group_out = group_out,
                   .depth = depth,
                   .words = (depth + 63) / 64,
                   .reordered = reorder};
    size_t outputs = (size_t)groups * (size_t)group_out, words = 0;
    if (cn_mul_size(outputs, m->words, &words)) m->bits = cn_calloc(words, sizeof *m->bits);
    waiting *list = cn_calloc((size_t)group_out, sizeof *list);
    uint64_t *all = cn_calloc(m->words, sizeof *all);
    bool made = m->bits && list && all;
    if (made) find_nonzero(m, weight);
    for (int i = 0; i < CN_MASK_SIZES && made; i++)
        made = make_blocks(m, &m->sizes[i], 1 << i, list, all);
    for (int32_t g = 0; g < groups && made; g++) {
        cn_mask_group_taps(m, g, all);
        m->taps += count_bits(all, m->words);
    }
    cn_free(list);
    cn_free(all);
    if (made) {
        *out = m;
        return CN_OK;
    }
    cn_mask_free(m);
    return cn_fail(error, CN_ENOMEM, "no memory for the mask of %zu weights", outputs * depth);
}

void cn_mask_free(cn_mask *m)
{
    if (!m) return;
    for (int i = 0; i < CN_MASK_SIZES; i++) {
        cn_free(m->sizes[i].outputs);
        cn_free(m->sizes[i].first);
    }
    cn_free(m->bits);
    cn_free(m);
}

const cn_mask_blocks *cn_mask_blocks_of(const cn_mask *m, int32_t rows)
{
    int i = 0;
    while (i < CN_MASK_SIZES - 1 && m->sizes[i].rows != rows)
        i++;
    return &m->sizes[i];
}

size_t cn_mask_steps(const cn_mask *m, int32_t rows)
{
    const cn_mask_blocks *b = cn_mask_blocks_of(m, rows);
    return b->first[(size_t)m->groups * b->blocks];
}
