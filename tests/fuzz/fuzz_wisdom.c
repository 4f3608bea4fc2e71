/* Any bytes as wisdom: entries or a message, and what was read is written as text that is read back
 * as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/wisdom.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    cn_wisdom *wisdom, *again;
    cn_error error = {0};
    if (cn_wisdom_new(&wisdom, "fuzz", &error) || cn_wisdom_new(&again, "fuzz", &error)) abort();
    if (cn_wisdom_parse(wisdom, (const char *)bytes, size, "fuzz.txt", &error) == CN_OK) {
        char *text = cn_wisdom_text(wisdom);
        if (!text || cn_wisdom_parse(again, text, strlen(text), "again", &error)) abort();
        char *second = cn_wisdom_text(again);
        if (!second || strcmp(text, second) != 0) abort();
        cn_free(text);
        cn_free(second);
    } else if (strncmp(error.message, "fuzz.txt:", 9) != 0) {
        abort();
    }
    cn_wisdom_free(wisdom);
    cn_wisdom_free(again);
    return 0;
}
