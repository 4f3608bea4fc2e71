#include "generating.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "condense/memory.h"

const char test_compiler[] = "cc";

bool test_has_compiler(void)
{
    int status = system("cc --version >/dev/null 2>&1");
    if (status == 0) return true;
    cr_log_warn("skipped: there is no C compiler 'cc' on this machine");
    return false;
}

char *test_new_folder(void)
{
    char *folder = cn_strdup("/tmp/condense-kernels-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    return folder;
}

void test_drop_folder(char *folder)
{
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        char *path = cn_sprintf("%s/%s", folder, e->d_name);
        unlink(path);
        cn_free(path);
    }
    if (d) closedir(d);
    rmdir(folder);
    cn_free(folder);
}

/* A way that a layer cannot go is not followed. */
cn_wisdom *test_all_generated(const cn_session *session, int32_t threads, int32_t batch)
{
    cn_wisdom *wisdom;
    int32_t count;
    cr_assert_eq(cn_wisdom_new(&wisdom, "this", NULL), CN_OK);
    const cn_layer_profile *profile = cn_session_profile(session, &count);
    for (int32_t i = 0; i < count; i++) {
        cn_wisdom_key key = {cn_session_isa(session), threads, batch, profile[i].signature};
        if (key.signature)
            cr_assert_eq(cn_wisdom_add(wisdom, &key, "sparse1/generated", 1, NULL), CN_OK);
    }
    return wisdom;
}
