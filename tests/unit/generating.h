/* What tests of generated kernels share. */
#ifndef TESTS_UNIT_GENERATING_H
#define TESTS_UNIT_GENERATING_H

#include <stdbool.h>
#include <stdint.h>

#include "condense/session.h"
#include "condense/wisdom.h"

extern const char test_compiler[];

/* Whether the compiler is there; says so in the log where it is not. */
bool test_has_compiler(void);

/* A folder of one's own; it and the files in it go, and its name is freed, with the second. */
char *test_new_folder(void);
void test_drop_folder(char *folder);

/* Wisdom that has every layer run on generated kernels that can, in sessions like this one. */
cn_wisdom *test_all_generated(const cn_session *session, int32_t threads, int32_t batch);

#endif
