#include "condense/reconstruct.h"

#include <math.h>
#include <string.h>

#include "compress/matrix.h"
#include "compress/units.h"
#include "condense/memory.h"

/* rho over the unit diagonal of H, stage by stage: small at first, so that the weights move freely
 * and the support settles late. */
static const double rhos[] = {0.1, 0.2, 0.4, 0.8, 1.6, 3.2};
enum { STAGES = sizeof rhos / sizeof *rhos, STEPS = 8, GRADIENT_STEPS = 40 };
static const double damping = 0.01, residual_left = 1e-4;

/* Everything in the scaled space: weights times d, moments over d d^T. */
typedef struct problem {
    const cn_tensor *tensor; /* its shape */
    const cn_constraint *constraint;
    int64_t groups, inputs, rows;             /* rows: outputs of a group */
    int64_t count;                            /* weights */
    float *d;                                 /* groups x inputs */
    float *moments;                           /* groups x inputs x inputs: damped, unit diagonal */
    float *inverse;                           /* likewise: rho (moments + rho)^-1 */
    float *from, *w, *z, *u, *move, *product; /* weights each: W, ADMM's three and two spare ones */
    double *square;                           /* inputs x inputs */
} problem;

static cn_status make(problem *p, const cn_tensor *weight, const cn_constraint *constraint,
                      const cn_moments *m, cn_error *error)
{
    *p = (problem){.tensor = weight,
                   .constraint = constraint,
                   .groups = m->groups,
                   .inputs = m->inputs,
                   .rows = weight->dims[0] / m->groups,
                   .count = cn_tensor_count(weight)};
    size_t square = (size_t)(m->inputs * m->inputs), count = (size_t)p->count;
    float **vectors[] = {&p->from, &p->w, &p->z, &p->u, &p->move, &p->product};
    bool there = true;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        there = (*vectors[i] = cn_calloc(count, sizeof(float))) && there;
    p->d = cn_calloc((size_t)(m->groups * m->inputs), sizeof *p->d);
    p->moments = cn_calloc((size_t)m->groups * square, sizeof *p->moments);
    p->inverse = cn_calloc((size_t)m->groups * square, sizeof *p->inverse);
    p->square = cn_calloc(square, sizeof *p->square);
    if (there && p->d && p->moments && p->inverse && p->square) return CN_OK;
    return cn_fail(error, CN_ENOMEM, "no memory to reconstruct '%s'", weight->name);
}

static void clear(problem *p)
{
    float *vectors[] = {p->from,    p->w, p->z,       p->u,      p->move,
                        p->product, p->d, p->moments, p->inverse};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        cn_free(vectors[i]);
    cn_free(p->square);
}

static void scale_group(problem *p, const double *moments, int64_t group)
{
    int64_t n = p->inputs;
    float *d = p->d + group * n, *to = p->moments + group * n * n;
    double mean = 0;
    for (int64_t i = 0; i < n; i++)
        mean += moments[i * n + i] / (double)n;
    double extra = mean > 0 ? damping * mean : 1;
    for (int64_t i = 0; i < n; i++)
        d[i] = (float)sqrt(moments[i * n + i] + extra);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            to[i * n + j] =
                i == j ? 1 : (float)(moments[i * n + j] / ((double)d[i] * (double)d[j]));
}

/* to = from times d, or over it. */
static void rescale(const problem *p, const float *from, float *to, bool back)
{
    for (int64_t row = 0; row < p->rows * p->groups; row++) {
        const float *d = p->d + row / p->rows * p->inputs;
        for (int64_t i = 0; i < p->inputs; i++) {
            int64_t at = row * p->inputs + i;
            to[at] = back ? from[at] / d[i] : from[at] * d[i];
        }
    }
}

/* to = from times one matrix a group. */
static cn_status multiply(const problem *p, const float *from, const float *matrices, float *to,
                          cn_error *error)
{
    cn_status status = CN_OK;
    for (int64_t g = 0; g < p->groups && !status; g++) {
        int64_t at = g * p->rows * p->inputs;
        status = matrix_product_single(p->rows, p->inputs, p->inputs, from + at,
                                       matrices + g * p->inputs * p->inputs, to + at, error);
    }
    return status;
}

static cn_status invert(problem *p, double rho, cn_error *error)
{
    int64_t n = p->inputs;
    cn_status status = CN_OK;
    for (int64_t g = 0; g < p->groups && !status; g++) {
        const float *moments = p->moments + g * n * n;
        float *to = p->inverse + g * n * n;
        for (int64_t i = 0; i < n * n; i++)
            p->square[i] = (double)moments[i];
        for (int64_t i = 0; i < n; i++)
            p->square[i * n + i] += rho;
        status = matrix_invert(p->square, n, error);
        for (int64_t i = 0; i < n * n; i++)
            to[i] = (float)(rho * p->square[i]);
    }
    return status;
}

/* The W-step, (W H + rho (Z - U)) (H + rho)^-1, is W + (Z - U - W) rho (H + rho)^-1: what is
 * rounded is the move, not the weights. */
static cn_status step(problem *p, cn_error *error)
{
    for (int64_t i = 0; i < p->count; i++)
        p->move[i] = p->z[i] - p->u[i] - p->from[i];
    cn_status status = multiply(p, p->move, p->inverse, p->w, error);
    if (status) return status;
    for (int64_t i = 0; i < p->count; i++) {
        p->w[i] += p->from[i];
        p->move[i] = p->w[i] + p->u[i];
    }
    status = cn_project_scheme(p->tensor, p->constraint, p->move, p->z, error);
    for (int64_t i = 0; i < p->count; i++)
        p->u[i] += p->w[i] - p->z[i];
    return status;
}

static cn_status admm(problem *p, cn_error *error)
{
    cn_status status = cn_project_scheme(p->tensor, p->constraint, p->from, p->z, error);
    for (int s = 0; s < STAGES && !status; s++) {
        for (int64_t i = 0; s && i < p->count; i++) /* the scaled dual variable is dual / rho */
            p->u[i] *= (float)(rhos[s - 1] / rhos[s]);
        status = invert(p, rhos[s], error);
        for (int i = 0; i < STEPS && !status; i++)
            status = step(p, error);
    }
    return status;
}

static double dot(const float *a, const float *b, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* One step of each row's conjugate gradients along `move`, whose products with H are there. */
static void advance(problem *p, float *x, float *residual, double *left)
{
    for (int64_t row = 0; row < p->rows * p->groups; row++) {
        int64_t at = row * p->inputs;
        double curvature = dot(p->move + at, p->product + at, p->inputs);
        if (!(left[row] > 0) || !(curvature > 0)) continue;
        float by = (float)(left[row] / curvature);
        for (int64_t i = at; i < at + p->inputs; i++) {
            x[i] += by * p->move[i];
            residual[i] -= p->u[i] * by * p->product[i];
        }
        double now = dot(residual + at, residual + at, p->inputs);
        float keep = (float)(now / left[row]);
        left[row] = now;
        for (int64_t i = at; i < at + p->inputs; i++)
            p->move[i] = residual[i] + keep * p->move[i];
    }
}

/* z = the minimizer among the weights on z's support, row by row: (z H)_S = (W H)_S. The support is
 * kept as ones in u, the residual in w. */
static cn_status solve(problem *p, cn_error *error)
{
    int64_t rows = p->rows * p->groups;
    double *left = cn_calloc((size_t)rows, sizeof *left), start = 0, now;
    if (!left) return cn_fail(error, CN_ENOMEM, "no memory to solve for weights");
    for (int64_t i = 0; i < p->count; i++) {
        p->u[i] = p->z[i] != 0;
        p->move[i] = p->from[i] - p->z[i];
    }
    cn_status status = multiply(p, p->move, p->moments, p->w, error);
    for (int64_t i = 0; i < p->count; i++)
        p->move[i] = p->w[i] = p->w[i] * p->u[i];
    for (int64_t row = 0; row < rows; row++)
        start += left[row] = dot(p->w + row * p->inputs, p->w + row * p->inputs, p->inputs);
    for (int i = 0; i < GRADIENT_STEPS && !status; i++) {
        status = multiply(p, p->move, p->moments, p->product, error);
        if (!status) advance(p, p->z, p->w, left);
        now = 0;
        for (int64_t row = 0; row < rows; row++)
            now += left[row];
        if (now <= residual_left * residual_left * start) break;
    }
    cn_free(left);
    return status;
}

static cn_status optimize(const cn_tensor *weight, const cn_constraint *constraint,
                          const cn_moments *m, float *to, cn_error *error)
{
    problem p;
    cn_status status = make(&p, weight, constraint, m, error);
    for (int64_t g = 0; g < m->groups && !status; g++)
        scale_group(&p, m->values + g * m->inputs * m->inputs, g);
    if (!status) rescale(&p, weight->data, p.from, false);
    if (!status) status = admm(&p, error);
    if (!status) status = solve(&p, error);
    if (!status) rescale(&p, p.z, to, true);
    clear(&p);
    return status;
}

/* Magnitude pruning, its error, and the power; `done` where nothing is to be removed. */
static cn_status prune(const cn_tensor *weight, const cn_constraint *constraint,
                       const cn_moments *m, float *to, cn_reconstruction *result, bool *done,
                       cn_error *error)
{
    *result = (cn_reconstruction){0};
    *done = !units_of(weight, constraint->scheme).pattern &&
            cn_scheme_units_kept(weight, constraint) == cn_scheme_units(weight, constraint);
    cn_status status = cn_moments_error(m, weight, NULL, &result->power, error);
    if (!status) status = cn_project_scheme(weight, constraint, weight->data, to, error);
    if (!status && !*done) status = cn_moments_error(m, weight, to, &result->magnitude, error);
    result->error = result->magnitude;
    return status;
}

cn_status cn_reconstruct_none(const cn_tensor *weight, const cn_constraint *constraint,
                              const cn_moments *m, float *to, cn_reconstruction *result,
                              cn_error *error)
{
    bool done;
    return prune(weight, constraint, m, to, result, &done, error);
}

cn_status cn_reconstruct(const cn_tensor *weight, const cn_constraint *constraint,
                         const cn_moments *m, float *to, cn_reconstruction *result, cn_error *error)
{
    size_t bytes = (size_t)cn_tensor_count(weight) * sizeof *to;
    bool done;
    cn_status status = prune(weight, constraint, m, to, result, &done, error);
    if (status || done) return status;
    float *better = cn_calloc(1, bytes);
    if (!better) return cn_fail(error, CN_ENOMEM, "no memory to prune '%s'", weight->name);
    double reached = 0;
    status = optimize(weight, constraint, m, better, error);
    if (!status) status = cn_moments_error(m, weight, better, &reached, error);
    result->fell_back = !(reached <= result->magnitude);
    if (!status && !result->fell_back) {
        memcpy(to, better, bytes);
        result->error = reached;
    }
    cn_free(better);
    return status;
}
