#include "condense/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

cn_status cn_fail(cn_error *error, cn_status code, const char *format, ...)
{
    if (!error) return code;
    error->code = code;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return code;
}

cn_status cn_fail_in(cn_error *error, cn_status code, const char *format, ...)
{
    if (!error) return code;
    error->code = code;
    char old[sizeof error->message];
    memcpy(old, error->message, sizeof old);
    va_list arguments;
    va_start(arguments, format);
    int used = vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    if (used >= 0 && (size_t)used + 3 < sizeof error->message)
        snprintf(error->message + used, sizeof error->message - (size_t)used, ": %s", old);
    return code;
}

const char *cn_status_name(cn_status status)
{
    switch (status) {
    case CN_OK: return "ok";
    case CN_EINVAL: return "invalid request";
    case CN_EFORMAT: return "malformed file";
    case CN_EIO: return "input or output failed";
    case CN_ENOMEM: return "out of memory";
    case CN_EUNSUPPORTED: return "not supported";
    case CN_ENOTFOUND: return "not found";
    case CN_EDIVERGED: return "diverged";
    case CN_EINTERRUPTED: return "interrupted";
    }
    return "unknown status";
}
