#include "cli/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "condense/memory.h"
#include "condense/nearest.h"
#include "condense/status.h"

int st_complain(const char *command, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "condense%s%s: ", *command ? " " : "", command);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return status;
}

int st_exit_status(int cn_status_code)
{
    if (cn_status_code == CN_OK) return ST_EXIT_OK;
    if (cn_status_code == CN_EINTERRUPTED)
        return st_interrupted ? 128 + st_interrupted : ST_EXIT_INTERRUPTED;
    return cn_status_code == CN_EINVAL ? ST_EXIT_USAGE : ST_EXIT_FAILED;
}

bool st_wants_colour(int stream)
{
    const char *off = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(stream) && !(off && *off) && term && strcmp(term, "dumb") != 0;
}

static int unknown_option(const st_usage *usage, const char *name)
{
    enum { MOST = 64 };
    const char *names[MOST];
    size_t count = 0;
    for (const st_option *o = usage->options; o->name && count < MOST; o++)
        names[count++] = o->name;
    const char *nearest = cn_nearest(name, names, count);
    if (nearest)
        return st_complain(usage->command, ST_EXIT_USAGE,
                           "there is no option --%s; did you mean --%s?", name, nearest);
    return st_complain(usage->command, ST_EXIT_USAGE,
                       "there is no option --%s; 'condense %s --help' lists them", name,
                       usage->command);
}

static void print_help(const st_usage *usage)
{
    printf("usage: %s\n\n%s\n\noptions:\n", usage->synopsis, usage->about);
    for (const st_option *o = usage->options; o->name; o++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->argument ? " " : "",
                 o->argument ? o->argument : "");
        printf("  %-22s %s\n", left, o->help);
    }
    printf("  %-22s %s\n", "--help", "this text");
}

static int bad_number(const st_usage *usage, const st_option *o, const char *text)
{
    if (o->min == 0 && o->max == 0)
        return st_complain(usage->command, ST_EXIT_USAGE, "--%s takes a number, not '%s'", o->name,
                           text);
    return st_complain(usage->command, ST_EXIT_USAGE,
                       "--%s takes a %s from %.15g to %.15g, not '%s'", o->name,
                       o->kind == ST_INT ? "whole number" : "number", o->min, o->max, text);
}

static int set_value(const st_usage *usage, const st_option *o, const char *text)
{
    char *end = NULL;
    double value = 0;
    errno = 0;
    switch (o->kind) {
    case ST_TEXT:
        *(const char **)o->target = text;
        return -1;
    case ST_INT: {
        long long whole = strtoll(text, &end, 10);
        value = (double)whole;
        if (end == text || *end || errno) return bad_number(usage, o, text);
        if ((o->min != 0 || o->max != 0) && !(value >= o->min && value <= o->max))
            return bad_number(usage, o, text);
        *(int64_t *)o->target = whole;
        return -1;
    }
    case ST_REAL:
        value = strtod(text, &end);
        if (end == text || *end || errno || value != value) return bad_number(usage, o, text);
        if ((o->min != 0 || o->max != 0) && !(value >= o->min && value <= o->max))
            return bad_number(usage, o, text);
        *(double *)o->target = value;
        return -1;
    case ST_FLAG:
        break;
    }
    return -1;
}

/* Finds the row for "name" or, for flags, "no-name". */
static const st_option *find_option(const st_usage *usage, const char *name, size_t length,
                                    bool *negated)
{
    for (const st_option *o = usage->options; o->name; o++) {
        *negated = false;
        if (strlen(o->name) == length && !strncmp(name, o->name, length)) return o;
        *negated = true;
        if (o->kind == ST_FLAG && length > 3 && !strncmp(name, "no-", 3) &&
            strlen(o->name) == length - 3 && !strncmp(name + 3, o->name, length - 3))
            return o;
    }
    return NULL;
}

int st_options_parse(const st_usage *usage, int argc, char **argv, int *operand_count)
{
    int operands = 0;
    bool only_operands = false;
    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        if (only_operands || word[0] != '-' || !word[1]) {
            argv[operands++] = word;
            continue;
        }
        if (!strcmp(word, "--")) {
            only_operands = true;
            continue;
        }
        if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
            print_help(usage);
            return ST_EXIT_OK;
        }
        const char *name = word + (word[1] == '-' ? 2 : 1);
        size_t length = strcspn(name, "=");
        bool negated;
        const st_option *o = find_option(usage, name, length, &negated);
        if (!o) {
            char asked[64];
            snprintf(asked, sizeof asked, "%.*s", (int)length, name);
            return unknown_option(usage, asked);
        }
        const char *value = name[length] ? name + length + 1 : NULL;
        if (o->kind == ST_FLAG) {
            if (value)
                return st_complain(usage->command, ST_EXIT_USAGE, "--%s takes no value", o->name);
            *(bool *)o->target = !negated;
            continue;
        }
        if (!value && i + 1 == argc)
            return st_complain(usage->command, ST_EXIT_USAGE, "--%s wants a value: %s", o->name,
                               o->argument);
        int status = set_value(usage, o, value ? value : argv[++i]);
        if (status >= 0) return status;
    }
    if (operands < usage->operand_min || operands > usage->operand_max)
        return st_complain(usage->command, ST_EXIT_USAGE, "usage: %s", usage->synopsis);
    if (operand_count) *operand_count = operands;
    return -1;
}

char *st_command_line(const char *command, int argc, char **argv)
{
    char *line = cn_sprintf("condense %s", command);
    for (int i = 1; i < argc && line; i++) {
        char *longer = cn_sprintf("%s %s", line, argv[i]);
        cn_free(line);
        line = longer;
    }
    return line;
}
