/* Command-line options as a table: one row drives parsing, checking and --help. */
#ifndef HARNESS_CLI_OPTIONS_H
#define HARNESS_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Exit statuses of every command. */
enum {
    ST_EXIT_OK = 0,
    ST_EXIT_FAILED = 1,
    ST_EXIT_USAGE = 2,
    ST_EXIT_INCONCLUSIVE = 3,
    ST_EXIT_INTERRUPTED = 130 /* as shells report SIGINT */
};

typedef enum st_option_kind {
    ST_FLAG, /* bool: --name sets true; --no-name sets false */
    ST_TEXT, /* const char *, points into argv */
    ST_INT,  /* int64_t in [min, max] */
    ST_REAL  /* double in [min, max] */
} st_option_kind;

typedef struct st_option {
    const char *name; /* long name without dashes */
    st_option_kind kind;
    void *target;         /* where the value goes; holds the default before parsing */
    const char *argument; /* name of the value in the help, for example "N"; NULL for flags */
    const char *help;     /* one sentence; the default is added by hand where it helps */
    double min, max;      /* for ST_INT and ST_REAL; both 0: no limits */
} st_option;

typedef struct st_usage {
    const char *command;          /* "run" */
    const char *synopsis;         /* "condense run --model M [...]" */
    const char *about;            /* a paragraph that teaches, with examples */
    const st_option *options;     /* ends with a row whose name is NULL */
    int operand_min, operand_max; /* words that are not options */
} st_usage;

/* Parses argv[1..]. Operands are moved to the front of argv: argv[0..*operand_count). Returns -1 to
 * go on, or an exit status: 0 after printing --help to stdout, 2 after a message on stderr that
 * names the option, what was given and what is allowed, with the nearest known name. */
int st_options_parse(const st_usage *usage, int argc, char **argv, int *operand_count);

/* "condense COMMAND ARGUMENTS...", for the record; NULL when out of memory. For cn_free. */
char *st_command_line(const char *command, int argc, char **argv);

/* Prints "condense COMMAND: message" to stderr and returns `status`. */
int st_complain(const char *command, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The exit status for a failed library call: 2 for CN_EINVAL; for CN_EINTERRUPTED 128 and the
 * signal that did it (interrupt.h), as shells report it; else 1. */
int st_exit_status(int cn_status_code);

/* Whether `stream` (1 or 2) is a terminal that wants colour (NO_COLOR, TERM=dumb respected). */
bool st_wants_colour(int stream);

#endif
