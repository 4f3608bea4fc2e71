/* Convolution: checks, and the choice among the algorithms that do it. */
#include "cpu/conv.h"

#include <math.h>

#include "condense/memory.h"
#include "cpu/conv_methods.h"
#include "cpu/generated.h"
#include "cpu/sparse.h"

static const cn_conv_method *const methods[] = {
    &cn_conv_panel,     &cn_conv_depthwise, &cn_conv_winograd2, &cn_conv_winograd4,
    &cn_conv_winograd6, &cn_conv_sparse1,   &cn_conv_sparse2,   &cn_conv_sparse4,
    &cn_conv_sparse8,   &cn_conv_bitmap};
enum { METHODS = sizeof methods / sizeof *methods };

/* How far the last window reaches past the plane's last pixel. */
static int32_t overhang(int32_t in, int32_t out, int32_t kernel, int32_t stride, int32_t dilation,
                        int32_t pad)
{
    int64_t last = (int64_t)(out - 1) * stride + (int64_t)(kernel - 1) * dilation - pad;
    return last < in ? 0 : (int32_t)(last - in + 1);
}

void cn_conv_halo(const cn_conv_problem *p, int32_t halo[4])
{
    if (cn_conv_depthwise.fits(p)) /* which asks for none */
        halo[0] = halo[1] = halo[2] = halo[3] = 0;
    else
        cn_conv_reach(p, halo);
}

void cn_conv_reach(const cn_conv_problem *p, int32_t halo[4])
{
    const cn_window *w = &p->window;
    halo[0] = w->pad_top;
    halo[1] = overhang(p->in.h, p->out.h, w->kernel_h, w->stride_h, w->dilation_h, w->pad_top);
    halo[2] = w->pad_left;
    halo[3] = overhang(p->in.w, p->out.w, w->kernel_w, w->stride_w, w->dilation_w, w->pad_left);
}

bool cn_conv_is_strided(const cn_conv_problem *p)
{
    return p->window.stride_h > 1 || p->window.stride_w > 1;
}

static bool extent_fits(int32_t x)
{
    return x >= 1 && x <= CN_MAX_EXTENT;
}

/* One direction of the window: the last output pixel's taps stay inside plane and padding. */
static bool axis_fits(int32_t in, int32_t out, int32_t kernel, int32_t stride, int32_t dilation,
                      int32_t before, int32_t after)
{
    if (!extent_fits(in) || !extent_fits(out) || !extent_fits(kernel) || !extent_fits(stride) ||
        !extent_fits(dilation) || before < 0 || after < 0 || before > CN_MAX_EXTENT ||
        after > CN_MAX_EXTENT)
        return false;
    int64_t last = (int64_t)(out - 1) * stride + (int64_t)(kernel - 1) * dilation;
    return last < (int64_t)in + before + after;
}

cn_status cn_conv_check(const cn_conv_problem *p, cn_error *error)
{
    const cn_window *w = &p->window;
    if (p->in.c != p->in_c || p->out.c != p->out_c || !extent_fits(p->in_c) ||
        !extent_fits(p->out_c) || p->groups < 1 || p->in_c % p->groups || p->out_c % p->groups)
        return cn_fail(error, CN_EINVAL,
                       "convolution of %d to %d channels in %d groups (shapes say %d to %d): the "
                       "groups must divide both",
                       p->in_c, p->out_c, p->groups, p->in.c, p->out.c);
    if (!axis_fits(p->in.h, p->out.h, w->kernel_h, w->stride_h, w->dilation_h, w->pad_top,
                   w->pad_bottom) ||
        !axis_fits(p->in.w, p->out.w, w->kernel_w, w->stride_w, w->dilation_w, w->pad_left,
                   w->pad_right))
        return cn_fail(error, CN_EINVAL,
                       "convolution from %d x %d to %d x %d: a %d x %d window does not fit there",
                       p->in.h, p->in.w, p->out.h, p->out.w, w->kernel_h, w->kernel_w);
    size_t taps = (size_t)w->kernel_h * (size_t)w->kernel_w, depth, weights;
    if (!cn_mul_size(taps, (size_t)(p->in_c / p->groups), &depth) ||
        !cn_mul_size(depth, 2 * (size_t)p->out_c, &weights)) /* blocks may be filled up */
        return cn_fail(error, CN_EINVAL, "convolution of %d x %d x %d to %d: too large to count",
                       p->in_c, w->kernel_h, w->kernel_w, p->out_c);
    return CN_OK;
}

cn_status cn_conv_allocate(cn_conv *c, size_t weights, size_t outputs, cn_error *error)
{
    size_t floats, padded;
    if (!cn_add_size(weights, outputs, &floats) ||
        !cn_mul_size(floats, sizeof(float), &c->weight_bytes) ||
        !cn_add_size(weights, CN_PANEL_SLACK, &padded) ||
        !(c->weight = cn_calloc(padded, sizeof(float))) ||
        !(c->bias = cn_calloc(outputs, sizeof(float))))
        return cn_fail(error, CN_ENOMEM, "no memory for the weights of a convolution");
    return CN_OK;
}

size_t cn_conv_share(size_t pieces, size_t most, int32_t threads)
{
    size_t shares = 1, count = threads > 1 ? (size_t)threads : 1;
    while (shares < most && pieces * shares % count && pieces * shares < 8 * count)
        shares++;
    return pieces * shares;
}

int32_t cn_conv_width(const cn_conv *c)
{
    return c->way.vectors ? c->way.vectors * c->kernels->lanes : c->kernels->f32_conv.pixels;
}

static const cn_conv_method *find(cn_conv_algorithm algorithm)
{
    for (int i = 0; i < METHODS; i++)
        if (methods[i]->algorithm == algorithm) return methods[i];
    return NULL;
}

bool cn_conv_can(const cn_conv_problem *problem, cn_conv_way way)
{
    const cn_conv_method *method = find(way.algorithm);
    if (!method)
        return way.algorithm == CN_CONV_AUTO && !way.vectors && !way.weights_outer && !way.input &&
               !way.generated;
    if (way.input && (!method->rows || method == &cn_conv_bitmap)) return false;
    bool strided = cn_conv_is_strided(problem);
    bool one = problem->out.h == 1 && problem->out.w == 1;
    if (way.input == CN_INPUT_DIRECT && strided && !one) return false;
    if (way.input == CN_INPUT_PACKED && one) return false;
    if (way.generated && (way.algorithm != CN_CONV_SPARSE1 || way.input)) return false;
    bool vectors = method->blocks ? way.vectors >= 0 && way.vectors <= 2 : !way.vectors;
    return method->fits(problem) && vectors && (method->orders || !way.weights_outer);
}

/* Everything but the weights and the way. */
static cn_conv describe(const cn_conv_problem *problem, cn_isa isa)
{
    const cn_window *w = &problem->window;
    cn_conv c = {.problem = *problem, .kernels = cn_kernels_for(isa)};
    c.group_in = problem->in_c / problem->groups;
    c.group_out = problem->out_c / problem->groups;
    c.depth = (size_t)c.group_in * (size_t)w->kernel_h * (size_t)w->kernel_w;
    int32_t rows = c.kernels->f32_conv.rows;
    c.blocks = (size_t)(c.group_out + rows - 1) / (size_t)rows;
    return c;
}

/* Bytes of packed weights by a method; of sparse ones with the numbers of outputs and taps. */
static double packed_bytes(const cn_conv *c, const cn_conv_method *method)
{
    const cn_mask *mask = c->problem.mask;
    cn_conv by = *c;
    by.method = method;
    by.way = (cn_conv_way){method->algorithm};
    cn_conv_traffic t = method->traffic(&by, 1);
    if (!method->rows) return (double)t.weights * c->problem.groups;
    size_t outputs =
        (size_t)mask->groups * cn_mask_blocks_of(mask, method->rows)->blocks * (size_t)method->rows;
    return (double)(t.weights + sizeof(int32_t) * (outputs + (t.packed ? mask->taps : 0)));
}

/* The dense or sparse method that should take the fewest operations for one image, of those whose
 * weights take `most` bytes or less; NULL: there is none. */
static const cn_conv_method *cheapest_of(const cn_conv *c, bool sparse, double most, double *least)
{
    const cn_conv_method *best = NULL;
    cn_conv by = *c;
    for (int i = 0; i < METHODS; i++) {
        by.method = methods[i];
        if ((methods[i]->rows > 0) != sparse || !methods[i]->fits(&c->problem) ||
            packed_bytes(c, methods[i]) > most)
            continue;
        double cost = methods[i]->cost(&by, 1);
        if (best && cost >= *least) continue;
        best = methods[i];
        *least = cost;
    }
    return best;
}

static const cn_conv_method *cheapest(const cn_conv *c)
{
    double least, sparse_least;
    const cn_conv_method *dense = cheapest_of(c, false, INFINITY, &least);
    const cn_conv_method *sparse = cheapest_of(c, true, packed_bytes(c, dense), &sparse_least);
    return sparse && sparse_least < least ? sparse : dense;
}

/* Sets the way, for CN_CONV_AUTO the algorithm. */
static void go(cn_conv *c, cn_conv_way way)
{
    c->method = way.algorithm == CN_CONV_AUTO ? cheapest(c) : find(way.algorithm);
    c->way = way;
    c->way.algorithm = c->method->algorithm;
}

double cn_conv_cost(const cn_conv_problem *problem, cn_conv_algorithm algorithm, cn_isa isa,
                    int32_t batch)
{
    cn_conv c = describe(problem, isa);
    go(&c, (cn_conv_way){algorithm});
    return c.method->cost(&c, batch);
}

bool cn_conv_spares(const cn_conv_problem *problem, cn_conv_way way, cn_isa isa)
{
    enum { GENERATED_BYTES = 11 }; /* a weight: itself and its instruction, with AVX-512 */
    const cn_conv_method *method = find(way.algorithm);
    if (!method || !method->rows) return true;
    cn_conv c = describe(problem, isa);
    double least, bytes = packed_bytes(&c, method);
    if (way.generated) bytes = GENERATED_BYTES * (double)problem->mask->nonzero;
    return bytes <= packed_bytes(&c, cheapest_of(&c, false, INFINITY, &least));
}

cn_conv_traffic cn_conv_traffic_of(const cn_conv_problem *problem, cn_conv_way way, cn_isa isa,
                                   int32_t batch, int32_t threads)
{
    cn_conv c = describe(problem, isa);
    go(&c, way);
    cn_conv_traffic t = c.method->traffic(&c, batch);
    t.tasks = c.method->tasks(&c, batch, threads);
    t.by_channels = c.method->by_channels(&c, batch, t.tasks);
    return t;
}

cn_status cn_conv_new(cn_conv **out, const cn_conv_problem *problem, cn_conv_way way,
                      const float *weight, const float *bias, cn_isa isa, cn_error *error)
{
    cn_status status = cn_conv_check(problem, error);
    if (status != CN_OK) return status;
    if (!cn_conv_can(problem, way))
        return cn_fail(error, CN_EINVAL, "this convolution cannot be done that way");
    cn_conv *c = cn_calloc(1, sizeof *c);
    if (!c) return cn_fail(error, CN_ENOMEM, "no memory for a convolution");
    *c = describe(problem, isa);
    go(c, way);
    if (way.generated && !cn_conv_is_strided(problem)) c->way.input = CN_INPUT_DIRECT;
    c->way.generated = false; /* until cn_generated_use */
    c->method->name(c);
    status = c->method->pack(c, weight, bias, error);
    c->problem.mask = NULL; /* the caller's, who may free it now */
    if (status == CN_OK)
        *out = c;
    else
        cn_conv_free(c);
    return status;
}

cn_conv_way cn_conv_way_of(const cn_conv *c)
{
    return c->way;
}

const char *cn_conv_kernel(const cn_conv *c)
{
    return c->name;
}

size_t cn_conv_scratch(const cn_conv *c, int32_t batch)
{
    return c->method->scratch(c, batch);
}

size_t cn_conv_weight_bytes(const cn_conv *c)
{
    return c->weight_bytes;
}

int64_t cn_conv_products(const cn_conv *c)
{
    const cn_conv_problem *p = &c->problem;
    if (c->sparse) {
        const cn_mask_blocks *b = &c->sparse->own;
        size_t steps = b->first[(size_t)p->groups * b->blocks];
        return (int64_t)steps * b->rows * p->out.h * p->out.w;
    }
    if (c->method->tile) return cn_winograd_products(c);
    return (int64_t)c->depth * p->out_c * p->out.h * p->out.w;
}

int64_t cn_conv_dense_products(const cn_conv_problem *problem, cn_isa isa)
{
    cn_conv c = describe(problem, isa);
    c.problem.mask = NULL;
    go(&c, (cn_conv_way){CN_CONV_AUTO});
    return cn_conv_products(&c);
}

size_t cn_conv_tasks(const cn_conv *c, int32_t batch, int32_t threads)
{
    return c->method->tasks(c, batch, threads);
}

bool cn_conv_by_channels(const cn_conv *c, int32_t batch, size_t tasks)
{
    return c->method->by_channels(c, batch, tasks);
}

void cn_conv_task(const cn_conv *c, const cn_view *in, const cn_view *out, const cn_view *residual,
                  size_t index, size_t tasks, void *scratch)
{
    c->method->task(c, in, out, residual, index, tasks, scratch);
}

void cn_conv_bind(cn_conv *c, const cn_view *in)
{
    cn_sparse_bind(c, in);
}

double cn_conv_loads(const cn_conv *c)
{
    if (!c->sparse) return 1.0 / c->kernels->f32_conv.rows;
    if (c->sparse->bits) return 1.0 / c->kernels->f32_bitmap.rows;
    const cn_mask_blocks *b = &c->sparse->own;
    double steps = (double)b->first[(size_t)c->problem.groups * b->blocks];
    if (c->sparse->generated) steps = (double)c->sparse->generated->loads;
    return c->sparse->nonzero ? steps / (double)c->sparse->nonzero : 0;
}

/* Of a task, in a unit of the algorithm's own. */
static double work(const cn_conv *c, int32_t batch, size_t tasks, size_t index)
{
    if (!c->sparse) return 1;
    if (c->sparse->bits) return cn_bitmap_work(c, tasks, index);
    if (c->sparse->generated) return cn_generated_work(c, batch, tasks, index);
    return cn_sparse_work(c, batch, tasks, index);
}

double cn_conv_imbalance(const cn_conv *c, int32_t batch, int32_t threads)
{
    size_t tasks = cn_conv_tasks(c, batch, threads), count = (size_t)threads;
    double most = 0, all = 0;
    for (size_t t = 0; t < count; t++) {
        double mine = 0;
        for (size_t i = tasks * t / count; i < tasks * (t + 1) / count; i++)
            mine += work(c, batch, tasks, i);
        all += mine;
        most = mine > most ? mine : most;
    }
    return all > 0 ? most * (double)count / all : 1;
}

void cn_conv_free(cn_conv *c)
{
    if (!c) return;
    cn_sparse_free(c->sparse);
    cn_free(c->weight);
    cn_free(c->bias);
    cn_free(c);
}
