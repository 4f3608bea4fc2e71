/* The roofs over a layer. */
#include <criterion/criterion.h>

#include "measure/bounds.h"

/* 100 GFLOP/s, 400 GOP/s of bytes, 50 GB/s, 10 GB/s; a cache of 1 MB */
static const st_peak peak = {.gflops = 100, .gops = 400, .cache = 50, .gbytes = 10, .cached = 1e6};

static char floats[] = "f32_conv_4x4_scalar", bytes[] = "i8_conv_4x2_scalar";

Test(bounds, the_highest_demand_bounds_a_layer)
{
    static const struct {
        st_layer_time layer;
        st_bound bound;
        double ms;
    } cases[] = {
        {{.least_ms = 1.5, .products = 50000000, .packed_bytes = 1000}, ST_BOUND_COMPUTE, 1},
        {{.least_ms = 0.03, .products = 1000, .packed_bytes = 500000, .activation_bytes = 500000},
         ST_BOUND_CACHE,
         0.02},
        {{.least_ms = 1.5, .products = 1000, .packed_bytes = 500000, .activation_bytes = 500000},
         ST_BOUND_OVERHEAD,
         0.02},
        {{.kernel = bytes, .least_ms = 0.4, .products = 50000000}, ST_BOUND_COMPUTE, 0.25},
        {{.least_ms = 0.6, .products = 1000, .packed_bytes = 5000000}, ST_BOUND_MEMORY, 0.5},
        {{.least_ms = 0.3, .products = 1000, .packed_bytes = 10, .activation_bytes = 2000000},
         ST_BOUND_MEMORY,
         0.2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        st_layer_time layer = cases[i].layer;
        if (!layer.kernel) layer.kernel = floats;
        st_layer_plan plan = {.layers = &layer, .count = 1};
        double ms;
        cr_expect_eq(st_bound_of(&plan, 0, &peak, &ms), cases[i].bound, "case %zu", i);
        cr_expect_float_eq(ms, cases[i].ms, 1e-9, "case %zu: %g ms", i, ms);
    }
}

Test(bounds, small_weights_come_from_memory_where_all_together_do_not_fit)
{
    st_layer_time layers[] = {{.kernel = floats, .least_ms = 0.06, .packed_bytes = 600000},
                              {.kernel = floats, .least_ms = 0.06, .packed_bytes = 600000}};
    st_layer_plan plan = {.layers = layers, .count = 1};
    double ms;
    cr_expect_eq(st_bound_of(&plan, 0, &peak, &ms), ST_BOUND_OVERHEAD);
    plan.count = 2;
    cr_expect_eq(st_bound_of(&plan, 0, &peak, &ms), ST_BOUND_MEMORY);
    cr_expect_float_eq(ms, 0.06, 1e-9);
}
