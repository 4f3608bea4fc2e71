/* How far threads are apart. */
#include <criterion/criterion.h>

#include <math.h>

#include "measure/exchange.h"

Test(exchange, a_line_goes_round_all_threads)
{
    const int threads[] = {1, 2, 3, 7}; /* more than there are processors, too */
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        cn_pool *pool;
        cr_assert_eq(cn_pool_new(&pool, threads[i], NULL), CN_OK);
        double ns = st_exchange_measure(pool);
        cn_pool_free(pool);
        if (threads[i] == 1)
            cr_expect(isnan(ns));
        else
            cr_expect(ns > 1 && ns < 1e9, "%d threads: %g ns", threads[i], ns);
    }
}
