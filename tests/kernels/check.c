#include "check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t passed, failed, skipped;

guarded guarded_new(size_t floats, guard side, size_t shift)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (floats + shift) * sizeof(float);
    guarded g = {.floats = floats, .map_bytes = (bytes + page - 1) / page * page + 2 * page};
    g.map = mmap(NULL, g.map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *start = g.map, *end = start + g.map_bytes - page;
    if (g.map == MAP_FAILED || mprotect(start, page, PROT_NONE) || mprotect(end, page, PROT_NONE)) {
        perror("guarded memory");
        abort();
    }
    if (side == GUARD_BEFORE)
        g.data = (float *)(void *)(start + page) + shift;
    else
        g.data = (float *)(void *)(end - bytes);
    return g;
}

void guarded_free(guarded *g)
{
    if (g->map) munmap(g->map, g->map_bytes);
    *g = (guarded){0};
}

static float poison(void)
{
    const uint32_t bits = 0x7fc0dead; /* a NaN that no arithmetic makes */
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float *pixel(const cn_view *v, int32_t n, int32_t c, int32_t y, int32_t x)
{
    return v->data + n * v->image + c * v->plane + y * v->row + x;
}

/* Calls `visit` for every float of a batch of planes, with its place in the plane. */
static bool each_float(const planes *p,
                       bool (*visit)(const planes *, float *, int inside, int halo))
{
    const cn_view *v = &p->view;
    for (size_t i = 0; i < p->memory.floats; i++) {
        ptrdiff_t in_plane = (ptrdiff_t)i % v->plane;
        ptrdiff_t y = in_plane / v->row - v->halo_top, x = in_plane % v->row - v->halo_left;
        int inside = y >= 0 && y < v->h && x >= 0 && x < v->w;
        int halo = !inside && y < v->h + v->halo_bottom && x < v->w + v->halo_right;
        if (!visit(p, p->memory.data + i, inside, halo)) return false;
    }
    return true;
}

static bool fill_outside(const planes *p, float *f, int inside, int halo)
{
    (void)inside;
    *f = p->kind == PLANES_INPUT && halo ? 0 : poison();
    return true;
}

static bool outside_kept(const planes *p, float *f, int inside, int halo)
{
    float want = p->kind == PLANES_INPUT && halo ? 0 : poison();
    return inside || !memcmp(f, &want, sizeof want);
}

planes planes_new(int32_t n, cn_shape shape, const int32_t halo[4], int32_t extra, guard side,
                  size_t shift, planes_kind kind, cn_random *random)
{
    planes p = {.kind = kind};
    ptrdiff_t rows = halo[0] + shape.h + halo[1], columns = halo[2] + shape.w + halo[3];
    ptrdiff_t row = columns + extra, plane = (rows * row + 15) / 16 * 16;
    size_t floats = (size_t)((n * shape.c - 1) * plane + (rows - 1) * row + columns);
    p.memory = guarded_new(floats, side, shift);
    p.view = (cn_view){
        .data = p.memory.data + halo[0] * row + halo[2],
        .n = n,
        .c = shape.c,
        .h = shape.h,
        .w = shape.w,
        .row = row,
        .plane = plane,
        .image = shape.c * plane,
        .halo_top = halo[0],
        .halo_bottom = halo[1],
        .halo_left = halo[2],
        .halo_right = halo[3],
    };
    each_float(&p, fill_outside);
    for (int32_t i = 0; i < n * shape.c * shape.h * shape.w && kind == PLANES_INPUT; i++)
        *pixel(&p.view, i / shape.w / shape.h / shape.c, i / shape.w / shape.h % shape.c,
               i / shape.w % shape.h, i % shape.w) = (float)cn_random_normal(random);
    return p;
}

void planes_free(planes *p)
{
    guarded_free(&p->memory);
}

float planes_get(const planes *p, int32_t n, int32_t c, int32_t y, int32_t x)
{
    const cn_view *v = &p->view;
    return y < 0 || y >= v->h || x < 0 || x >= v->w ? 0 : *pixel(v, n, c, y, x);
}

void planes_set(planes *p, int32_t n, int32_t c, int32_t y, int32_t x, float value)
{
    *pixel(&p->view, n, c, y, x) = value;
}

bool planes_untouched(const planes *p)
{
    return each_float(p, outside_kept);
}

bool planes_equal(const planes *a, const planes *b)
{
    for (int32_t n = 0; n < a->view.n; n++)
        for (int32_t c = 0; c < a->view.c; c++)
            for (int32_t y = 0; y < a->view.h; y++)
                for (int32_t x = 0; x < a->view.w; x++) {
                    const float *left = pixel(&a->view, n, c, y, x),
                                *right = pixel(&b->view, n, c, y, x);
                    if (memcmp(left, right, sizeof *left) && !(isnan(*left) && isnan(*right)))
                        return false;
                }
    return true;
}

bool close_to(float got, double want, double scale, double tolerance)
{
    if (isnan(want)) return isnan(got);
    if (isinf(want) || isinf(got)) return (double)got == want;
    if (isinf(scale)) scale = 1 + fabs(want);               /* an activation made it finite */
    return fabs(got - want) <= tolerance * (scale + 1e-30); /* false for NaN in `got` */
}

double activate(double x, cn_activation activation)
{
    if (isnan(x)) return x;
    switch (activation) {
    case CN_ACT_RELU:
        return x < 0 ? 0 : x;
    case CN_ACT_RELU6:
        return x < 0 ? 0 : x > 6 ? 6 : x;
    case CN_ACT_SIGMOID:
        return 1 / (1 + exp(-x));
    case CN_ACT_TANH:
        return tanh(x);
    case CN_ACT_NONE:
        break;
    }
    return x;
}

static void say(const char *word, const char *what, va_list arguments)
{
    printf("%s ", word);
    vprintf(what, arguments);
    putchar('\n');
}

void report(bool ok, const char *what, ...)
{
    if (ok) {
        passed++;
        return;
    }
    failed++;
    va_list arguments;
    va_start(arguments, what);
    say("FAILED ", what, arguments);
    va_end(arguments);
}

void report_skip(const char *what, ...)
{
    skipped++;
    va_list arguments;
    va_start(arguments, what);
    say("skipped", what, arguments);
    va_end(arguments);
}

int report_end(void)
{
    printf("%zu passed, %zu failed, %zu skipped\n", passed, failed, skipped);
    return failed || !passed;
}

int32_t between(cn_random *random, int32_t low, int32_t high)
{
    return low + (int32_t)cn_random_below(random, (uint32_t)(high - low + 1));
}
