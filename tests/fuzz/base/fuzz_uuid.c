/* A GUID that is read is written in lower case, and nothing but the case differs. */
#include "base/uuid.h"

#include <stdlib.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct uuid uuid, again;
    char text[UUID_TEXT_LEN + 1];
    if (!uuid_parse(&uuid, span_of(data, size)))
        return 0;
    uuid_format(&uuid, text);
    if (size != UUID_TEXT_LEN || strncasecmp(text, (const char *)data, size) != 0 ||
        strpbrk(text, "ABCDEF") != NULL)
        abort();
    if (!uuid_parse(&again, span_text(text)) || !uuid_equal(&uuid, &again))
        abort();
    return 0;
}
