/* The kernel tests' own small frame: planes between guard pages, a comparison, and counters.
 *
 * It has no library behind it, so that it also runs under user-mode emulation. */
#ifndef TESTS_KERNELS_CHECK_H
#define TESTS_KERNELS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "condense/graph.h"
#include "condense/isa.h"
#include "condense/random.h"
#include "cpu/view.h"

/* Where a buffer lies between its two inaccessible pages. */
typedef enum guard { GUARD_BEFORE, GUARD_AFTER } guard;

/* `floats` floats between two pages that nobody may touch: right behind the first (then aligned,
 * but for `shift` floats) or right before the second (but for `shift` floats). A stray access stops
 * the program. Out of memory does, too. */
typedef struct guarded {
    float *data;
    void *map;
    size_t map_bytes, floats;
} guarded;
guarded guarded_new(size_t floats, guard side, size_t shift);
void guarded_free(guarded *g);

/* A batch of planes with a halo, guarded. Of an input, the interior is random (normal), the halo
 * zero, and what lies between rows and planes is NaN; an output is NaN all over. */
typedef enum planes_kind { PLANES_INPUT, PLANES_OUTPUT } planes_kind;
typedef struct planes {
    cn_view view;
    planes_kind kind;
    guarded memory;
} planes;

/* `extra` floats are added to each row's pitch; halo: top, bottom, left, right. The block is no
 * longer than the last pixel that may be touched, and lies by `side` and `shift` as above. */
planes planes_new(int32_t n, cn_shape shape, const int32_t halo[4], int32_t extra, guard side,
                  size_t shift, planes_kind kind, cn_random *random);
void planes_free(planes *p);

float planes_get(const planes *p, int32_t n, int32_t c, int32_t y, int32_t x); /* 0 in the halo */
void planes_set(planes *p, int32_t n, int32_t c, int32_t y, int32_t x, float value);

/* Whether everything outside the interior still has what planes_new put there. */
bool planes_untouched(const planes *p);

/* Whether the interiors are equal to the bit, or NaN in both: whose bits a NaN has is decided by
 * the order of operands, which the compiler may change. */
bool planes_equal(const planes *a, const planes *b);

/* Whether `got` is `want` up to `tolerance` relative to `scale` (the sum of the magnitudes that
 * went into it); NaN and infinities must match. */
bool close_to(float got, double want, double scale, double tolerance);

double activate(double x, cn_activation activation);

/* One finished check: prints what failed, counts. `what` is a printf format. */
void report(bool passed, const char *what, ...) __attribute__((format(printf, 2, 3)));
void report_skip(const char *what, ...) __attribute__((format(printf, 1, 2)));

/* Prints the counts as the last line; the exit status. */
int report_end(void);

/* Uniform in low .. high. */
int32_t between(cn_random *random, int32_t low, int32_t high);

/* A test runs everything it checks at one level. tests.inc lists them with the registry lines they
 * exercise; a registry line that no test exercises fails the run. */
typedef void kernel_test(cn_isa isa);
#define KERNEL_TEST(function, covers) kernel_test function;
#include "tests.inc"
#undef KERNEL_TEST

#endif
