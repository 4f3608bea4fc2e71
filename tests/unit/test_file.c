/* A new file is there whole or not at all. */
#include <criterion/criterion.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "condense/file.h"

static char folder[] = "/tmp/condense-file-XXXXXX", path[64];

static void begin(cn_new_file *file, const char *text)
{
    cr_assert_eq(cn_new_file_begin(file, path, NULL), CN_OK);
    fputs(text, file->stream);
}

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/f", folder);
    cn_new_file file;
    begin(&file, "old");
    cr_assert_eq(cn_new_file_end(&file, CN_OK, NULL), CN_OK);
}

/* The folder holds the one file with this text, and no temporary one. */
static void expect(const char *text)
{
    char got[16] = "", pattern[80];
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    cr_assert(fread(got, 1, sizeof got - 1, file) > 0);
    fclose(file);
    cr_assert_str_eq(got, text);
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/*", folder);
    cr_assert_eq(glob(pattern, 0, NULL, &found), 0);
    cr_assert_eq(found.gl_pathc, 1);
    globfree(&found);
}

static void tear_down(void)
{
    unlink(path);
    rmdir(folder);
}

TestSuite(file, .init = set_up, .fini = tear_down);

Test(file, takes_the_place_of_the_old_one)
{
    cn_new_file file;
    begin(&file, "new");
    cr_assert_eq(cn_new_file_end(&file, CN_OK, NULL), CN_OK);
    expect("new");
}

Test(file, of_a_writer_that_failed_is_deleted)
{
    cn_new_file file;
    begin(&file, "half");
    cr_assert_eq(cn_new_file_end(&file, CN_EFORMAT, NULL), CN_EFORMAT);
    expect("old");
}

Test(file, that_does_not_fit_is_deleted)
{
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit, small;
    getrlimit(RLIMIT_FSIZE, &limit);
    small = (struct rlimit){.rlim_cur = 100000, .rlim_max = limit.rlim_max};
    for (int early = 0; early < 2; early++) { /* found by a write, or only by the last flush */
        cn_error error = {0};
        cn_new_file file;
        begin(&file, "");
        if (!early) setvbuf(file.stream, NULL, _IOFBF, 1 << 20);
        for (int i = 0; i < 200000; i++)
            fputc('x', file.stream);
        setrlimit(RLIMIT_FSIZE, &small);
        for (int i = 0; early && i < 200000; i++)
            fputc('x', file.stream);
        cn_status status = cn_new_file_end(&file, CN_OK, &error);
        setrlimit(RLIMIT_FSIZE, &limit);
        cr_assert_eq(status, CN_EIO);
        cr_assert_not_null(strstr(error.message, "is the disk full"), "%s", error.message);
        expect("old");
    }
}

Test(file, in_a_folder_that_is_not_there_is_refused)
{
    cn_new_file file;
    cn_error error = {0};
    cr_assert_eq(cn_new_file_begin(&file, "/nowhere/at/all", &error), CN_EIO);
    cr_assert_not_null(strstr(error.message, "/nowhere/at/all"));
    expect("old");
}
