/* Every kernel at every level that this processor has, against references in double precision. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "cpu/kernels/kernels.h"

static const struct {
    kernel_test *run;
    const char *covers;
} tests[] = {
#define KERNEL_TEST(function, covers) {function, " " covers " "},
#include "tests.inc"
#undef KERNEL_TEST
};
enum { TEST_COUNT = sizeof tests / sizeof *tests };

static void check_covered(const char *kernel)
{
    char word[64];
    snprintf(word, sizeof word, " %s ", kernel);
    for (int i = 0; i < TEST_COUNT; i++)
        if (strstr(tests[i].covers, word)) {
            report(true, "%s", kernel);
            return;
        }
    report(false, "kernel %s has no test: add a row to tests.inc", kernel);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
#define CN_KERNEL(type, op, ...) check_covered(#type "_" #op);
#include "cpu/kernels/registry.inc"
#undef CN_KERNEL
#define CN_INTEGER_KERNEL(op, ...) check_covered("i8_" #op);
#include "cpu/kernels/integer.inc"
#undef CN_INTEGER_KERNEL
    for (cn_isa isa = CN_ISA_SCALAR; isa < CN_ISA_BEST; isa++) {
        if (cn_isa_available(isa) != isa) {
            report_skip("level %s: not on this processor", cn_isa_name(isa));
            continue;
        }
        report(cn_kernels_for(isa)->isa == isa, "level %s has a table", cn_isa_name(isa));
        /* Levels that only integers have share the others' kernels of floats. */
        bool floats = cn_isa_of_floats(isa) == isa;
        for (int i = 0; i < TEST_COUNT; i++)
            if (floats || strstr(tests[i].covers, " i8_")) tests[i].run(isa);
    }
    return report_end();
}
