/* A writer's schema, then behind a NUL a value of it: the canonical form is its own canonical form, and the
   value can be passed over. */
#include "avro/canonical.h"
#include "avro/schema.h"
#include "avro/wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
    size_t len = nul != NULL ? (size_t)(nul - data) : size;
    AUTO(arena) struct arena *arena = arena_new(0);
    AUTO(buf) struct buf once = {0};
    AUTO(buf) struct buf twice = {0};
    struct err err = {0};
    const struct schema *schema = schema_parse(arena, span_of(data, len), &err);
    if (schema == NULL) {
        if (err.code != ERR_CONFIG_INVALID)
            abort();
        return 0;
    }
    if (!schema_canonical_form(schema, &once) || !canonical_form(buf_span(&once), &twice, &err) ||
        !span_equal(buf_span(&once), buf_span(&twice)))
        abort();
    if (nul != NULL) {
        struct wire wire = {.at = nul + 1, .end = data + size, .err = &err};
        wire_skip(&wire, schema, 0);
    }
    return 0;
}
