/* The body of one record kind (FUZZ_KIND) by certswap's own schema: what decodes must encode, and decode
   again, to the same bytes. */
#include "avro/decode.h"
#include "avro/encode.h"
#include "avro/schema_set.h"
#include "domain/record.h"
#include "fuzz/avro/avro_mutator.h"

static union {
    struct certificate_event event;
    struct store_inventory inventory;
    struct replace_command command;
    struct store_job job;
    struct replace_result result;
    struct credential credential;
    struct sealed sealed;
} record;

static const struct schema *own_schema(void)
{
    static struct schema_set *set;
    if (set == NULL)
        set = schema_set_new(NULL, NULL);
    return schema_set_find(set, record_fingerprint(FUZZ_KIND), NULL);
}

static bool decode(const struct schema *schema, struct span body, struct arena *arena, struct err *err)
{
    memset(&record, 0, sizeof record);
    return decode_body(schema, record_layout(FUZZ_KIND), body, arena, ERR_EVENT_INVALID, &record, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;
    if (arena == NULL)
        arena = arena_new(0);
    const struct schema *schema = own_schema();
    struct err err = {0};
    arena_reset(arena);
    bool done = decode(schema, span_of(data, size), arena, &err);
    if (arena_used(arena) > 48 * size + 256)
        abort();
    if (!done) {
        if (err.code != ERR_AVRO_INVALID && err.code != ERR_EVENT_INVALID)
            abort();
        return 0;
    }
    AUTO(buf) struct buf once = {0};
    AUTO(buf) struct buf twice = {0};
    encode_body(&once, record_layout(FUZZ_KIND), &record);
    if (!decode(schema, buf_span(&once), arena, &err))
        abort();
    encode_body(&twice, record_layout(FUZZ_KIND), &record);
    if (!span_equal(buf_span(&once), buf_span(&twice)))
        abort();
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    return avro_mutate(own_schema(), data, size, max_size, seed);
}
