/* The FMA peak does what it says: all the chains run, for all the rounds. */
#include "check.h"
#include "cpu/kernels/kernels.h"

void test_peak(cn_isa isa)
{
    const cn_kernels *k = cn_kernels_for(isa);
    int32_t rows = k->f32_peak.rows, pixels = k->f32_peak.pixels;
    float want = (float)(pixels * (rows * 10 + rows * (rows - 1) / 2));
    float got = k->f32_peak.run(10, 1, 1);
    report(got == want, "%s: 10 rounds give %g, want %g", k->f32_peak.name, got, want);
}
