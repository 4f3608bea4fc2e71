/* condense: the program. Finds the command and hands over. */
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "commands/commands.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
#define X(name, function, help) {#name, function, help},
    ST_COMMANDS(X)
#undef X
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static int help(void)
{
    puts("Condense: a reproducible study of deep-network compression.\n\n"
         "usage: condense COMMAND [OPTIONS]      condense COMMAND --help\n\ncommands:");
    for (int i = 0; i < COMMAND_COUNT; i++)
        printf("  %-10s %s\n", commands[i].name, commands[i].help);
    puts("\nexit status: 0 done, 1 failed work, 2 usage, 3 inconclusive (noisy or throttled)\n"
         "Start with: condense run --model lenet5 --scale fashion");
    return ST_EXIT_OK;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help();
        return ST_EXIT_USAGE;
    }
    const char *name = argv[1];
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) return help();
    if (!strcmp(name, "--version")) name = "version";
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (!strcmp(name, commands[i].name)) return commands[i].run(argc - 1, argv + 1);
    return st_complain("", ST_EXIT_USAGE, "there is no command '%s'; 'condense --help' lists them",
                       name);
}
