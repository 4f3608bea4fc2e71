/* The rulers do what they say: all the chains run, for all the rounds; every float is read once. */
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

void test_read(cn_isa isa)
{
    const cn_kernels *k = cn_kernels_for(isa);
    size_t step = (size_t)k->f32_read.rows * (size_t)k->f32_read.pixels;
    for (size_t steps = 0; steps <= 3; steps++)
        for (guard side = GUARD_BEFORE; side <= GUARD_AFTER; side++) {
            guarded g = guarded_new(steps * step, side, 0);
            for (size_t i = 0; i < g.floats; i++)
                g.data[i] = (float)(i % 7); /* whole numbers: any order gives the same sum */
            float want = 0;
            for (size_t i = 0; i < g.floats; i++)
                want += g.data[i];
            float got = k->f32_read.run(g.floats, g.data);
            report(got == want, "%s: sum of %zu is %g, want %g", k->f32_read.name, g.floats, got,
                   want);
            guarded_free(&g);
        }
}

void test_int8_peak(cn_isa isa)
{
    const cn_kernels *k = cn_kernels_for(isa);
    int32_t rows = k->i8_peak.rows, lanes = k->i8_peak.pixels;
    static const int32_t slot[] = {0x04030201, 0x08070605};
    enum { ROUNDS = 5 };
    int32_t weight[64], want = 0;
    for (int32_t r = 0; r < rows; r++) {
        int32_t bytes[] = {1, -1, r, 3}, both = 0; /* of two steps */
        weight[r] = 0x0300ff01 + r * 0x10000;
        for (int32_t i = 0; i < 4; i++)
            both += bytes[i] * (2 * i + 6 - 2 * k->i8_offset);
        want += lanes * (r + ROUNDS * CN_I8_PEAK_STEPS / 2 * both);
    }
    int32_t got = k->i8_peak.run(ROUNDS, weight, slot);
    report(got == want, "%s: %d rounds give %d, want %d", k->i8_peak.name, ROUNDS, got, want);
}
