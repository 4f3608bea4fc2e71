/* Text as it comes out of a database or a file, made safe for where it goes. */
#ifndef HARNESS_REPORT_TEXT_H
#define HARNESS_REPORT_TEXT_H

#include <stdio.h>

#include "condense/status.h"

/* The whole of a file with a NUL behind it, for cn_free. Files over 1 GiB are refused. */
cn_status st_bytes_read(const char *path, char **out, size_t *length, cn_error *error);

/* The same for text: a NUL inside is refused (CN_EFORMAT). */
cn_status st_text_read(const char *path, char **text, cn_error *error);

/* Writes a file under a temporary name beside it and renames it, so that a reader finds the old
 * file or the new one. The temporary file is removed where writing fails. */
cn_status st_bytes_write(const char *path, const char *bytes, size_t length, cn_error *error);

/* Markdown in a sentence or a table cell that shows exactly `text`: punctuation that Markdown or
 * HTML would read is escaped, line breaks become spaces, bytes that are no UTF-8 become U+FFFD. */
void st_text_markdown(FILE *out, const char *text);

/* A field of a tab-separated table for gnuplot: tabs, line breaks and control characters become
 * spaces, double quotes become two single ones, and the backslash, with which labels break lines,
 * becomes U+2216. */
void st_text_field(FILE *out, const char *text);

/* A gnuplot string in single quotes. */
void st_text_quoted(FILE *out, const char *text);

#endif
