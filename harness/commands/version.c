/* condense version: what this program was built from and for. */
#include <stdio.h>

#include "cli/options.h"
#include "commands/commands.h"
#include "condense/isa.h"
#include "env/build.h"

int st_command_version(int argc, char **argv)
{
    static const st_option options[] = {{0}};
    static const st_usage usage = {
        "version",
        "condense version",
        "What this program was built from and for. The same facts, and many more, stand beside "
        "every result: condense env.",
        options,
        0,
        0};
    int status = st_options_parse(&usage, argc, argv, NULL);
    if (status >= 0) return status;
    const char *commit = st_build_commit(), *changes = st_build_changes();
    printf("condense %s\n", st_build_version());
    printf("commit:          %s%s\n", commit ? commit : "not built in a git checkout",
           changes ? " with changes" : "");
    printf("compiler:        %s\n", st_build_compiler());
    printf("flags:           %s\n", st_build_flags());
    printf("instruction set: %s\n", cn_isa_name(cn_isa_available(CN_ISA_BEST)));
    return ST_EXIT_OK;
}
