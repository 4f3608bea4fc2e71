/* Any bytes as a model text: a model or a message, and a model's canonical text is read back as the
 * same. libFuzzer target ('make fuzz'); start it with the texts of experiments/models as corpus. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    cn_model model, again;
    cn_error error = {0};
    char *text, *second;
    if (cn_model_parse(&model, (const char *)bytes, size, "fuzz.lr", NULL, NULL, 0, &error)) {
        if (strncmp(error.message, "fuzz.lr:", 8) != 0) abort();
        return 0;
    }
    if (cn_model_canonical(&model, &text, &error)) abort();
    if (cn_model_parse(&again, text, strlen(text), "canonical.lr", NULL, NULL, 0, &error) ==
        CN_OK) {
        if (cn_model_canonical(&again, &second, &error)) abort();
        if (strcmp(text, second) != 0) abort();
        cn_free(second);
        cn_model_clear(&again);
    } else if (model.graph.count < 1000) {
        abort(); /* only a text near the limits may be longer written out than it was */
    }
    cn_free(text);
    cn_model_clear(&model);
    return 0;
}
