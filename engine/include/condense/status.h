/* Status codes and error messages.
 *
 * A function that can fail returns cn_status and takes a cn_error as its last parameter. On
 * failure the message says what, where (file, line or byte) and what to do about it. The caller
 * owns the cn_error; NULL is allowed where the message is not wanted. The library never prints. */
#ifndef CONDENSE_STATUS_H
#define CONDENSE_STATUS_H

typedef enum cn_status {
    CN_OK = 0,
    CN_EINVAL = -1,       /* the caller asked for something impossible: exit status 2 at the shell */
    CN_EFORMAT = -2,      /* a file's contents are malformed */
    CN_EIO = -3,          /* the operating system refused a read or a write */
    CN_ENOMEM = -4,       /* out of memory */
    CN_EUNSUPPORTED = -5, /* well formed, but not something this build can do */
    CN_ENOTFOUND = -6,    /* a file, tensor, layer or key is missing */
    CN_EDIVERGED = -7,    /* the computation left the finite numbers */
    CN_EINTERRUPTED = -8  /* stopped on request; what was finished is kept */
} cn_status;

typedef struct cn_error {
    cn_status code;
    char message[1024]; /* one line, no trailing newline */
} cn_error;

/* Sets `error` (if not NULL) to a formatted message and returns `code`, so that a failing function
 * ends with `return cn_fail(error, CN_EFORMAT, "%s: byte %zu: ...", path, at);` */
cn_status cn_fail(cn_error *error, cn_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the message already in `error`; returns error->code. */
cn_status cn_fail_in(cn_error *error, cn_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A short name of a code, for example "malformed file". Static storage. */
const char *cn_status_name(cn_status status);

#endif
