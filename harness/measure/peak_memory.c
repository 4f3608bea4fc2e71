/* Peak memory in a forked child, so that what this process did before is not in it. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "condense/memory.h"
#include "measure/sizes.h"

/* A line of /proc/self/status in bytes; -1 where there is none. */
static int64_t status_bytes(const char *key)
{
    FILE *file = fopen("/proc/self/status", "r");
    if (!file) return -1;
    char line[256];
    int64_t kilobytes = -1;
    while (kilobytes < 0 && fgets(line, sizeof line, file))
        if (!strncmp(line, key, strlen(key))) kilobytes = strtoll(line + strlen(key), NULL, 10);
    fclose(file);
    return kilobytes < 0 ? -1 : 1024 * kilobytes;
}

/* Sets the kernel's high-water mark back to what is resident now. */
static bool reset_peak(void)
{
    int file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (file < 0) return false;
    bool done = write(file, "5", 1) == 1;
    close(file);
    return done;
}

static int64_t measure(const cn_graph *graph, const cn_weights *weights,
                       const cn_session_options *options)
{
    malloc_trim(0); /* else the session would fill holes that are resident already */
    int64_t before = status_bytes("VmRSS:"), peak = -1;
    cn_session *session = NULL;
    if (before < 0 || cn_session_new(&session, graph, weights, options, NULL)) return -1;
    size_t batch = (size_t)options->batch;
    size_t inputs = batch * (size_t)cn_shape_count(cn_session_input_shape(session));
    size_t outputs = batch * (size_t)cn_shape_count(cn_session_output_shape(session));
    float *input = cn_calloc(inputs, sizeof *input), *output = cn_calloc(outputs, sizeof *output);
    malloc_trim(0); /* what planning has given back is not the network's */
    bool good = input && output && reset_peak();
    for (int i = 0; good && i < 2; i++)
        good = cn_session_run(session, input, output, NULL) == CN_OK;
    if (good) peak = status_bytes("VmHWM:");
    cn_free(input);
    cn_free(output);
    cn_session_free(session);
    return peak < before ? -1 : peak - before;
}

int64_t st_peak_memory(const cn_graph *graph, const cn_weights *weights,
                       const cn_session_options *options, char reason[256])
{
    int ends[2];
    int64_t bytes = -1;
    reason[0] = '\0';
    if (pipe2(ends, O_CLOEXEC)) {
        snprintf(reason, 256, "no pipe: %s", strerror(errno));
        return -1;
    }
    pid_t child = fork();
    if (child == 0) {
        bytes = measure(graph, weights, options);
        ssize_t written = write(ends[1], &bytes, sizeof bytes);
        _exit(written == sizeof bytes ? 0 : 1);
    }
    close(ends[1]);
    if (child < 0) snprintf(reason, 256, "no process: %s", strerror(errno));
    if (child > 0 && read(ends[0], &bytes, sizeof bytes) != sizeof bytes) bytes = -1;
    close(ends[0]);
    if (child > 0) waitpid(child, NULL, 0);
    if (bytes < 0 && !reason[0])
        snprintf(reason, 256, "the measuring process could not read its own /proc/self");
    return bytes;
}
