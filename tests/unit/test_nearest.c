/* Suggestions for mistyped names. */
#include <criterion/criterion.h>

#include "condense/nearest.h"

Test(nearest, only_near_names_are_suggested)
{
    static const char *const names[] = {"conv", "concat", "relu", "relu6", "global_avg_pool"};
    enum { COUNT = sizeof names / sizeof *names };
    cr_expect_str_eq(cn_nearest("cnov", names, COUNT), "conv");  /* two edits of four letters */
    cr_expect_str_eq(cn_nearest("relu7", names, COUNT), "relu"); /* the first of two as near */
    cr_expect_str_eq(cn_nearest("globl_avgpool", names, COUNT), "global_avg_pool");
    cr_expect_null(cn_nearest("fold", names, COUNT));
    cr_expect_null(cn_nearest("", names, COUNT));
    cr_expect_null(cn_nearest("conv", names, 0));
    cr_expect_null(cn_nearest(
        "a_name_of_more_characters_than_any_that_this_program_would_ever_have", names, COUNT));
}
