/* A whole message, framing first: to JSON, and through every decoder. */
#include "avro/codec.h"
#include "avro/framing.h"
#include "avro/json.h"
#include "fuzz/avro/avro_mutator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct schema_set *own_schemas(void)
{
    static struct schema_set *set;
    if (set == NULL)
        set = schema_set_new(NULL, NULL);
    return set;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct codec *codec;
    static struct arena *arena;
    const struct schema_set *set = own_schemas();
    if (codec == NULL) {
        codec = codec_new(set);
        arena = arena_new(0);
    }
    struct span message = span_of(data, size);
    struct certificate_event event;
    struct store_inventory inventory;
    struct replace_command command;
    struct store_job job;
    struct replace_result result;
    AUTO(buf) struct buf json = {0};
    struct err err = {0};
    arena_reset(arena);
    bool shown = record_to_json(codec, message, false, &json, &err);
    bool decoded =
        codec_decode_certificate_event(codec, RECORD_CERTIFICATE_ENROLLED, message, arena, &event, NULL) ||
        codec_decode_certificate_event(codec, RECORD_CERTIFICATE_RENEWED, message, arena, &event, NULL) ||
        codec_decode_store_inventory(codec, message, arena, &inventory, NULL) ||
        codec_decode_replace_command(codec, message, arena, &command, NULL) ||
        codec_decode_store_job(codec, message, arena, &job, NULL) ||
        codec_decode_replace_result(codec, message, arena, &result, NULL);
    if (decoded && !shown)
        abort();
    return 0;
}

/* Behind a head that names one of our schemas the body is changed by that schema. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    struct framed framed = {0};
    const struct schema *schema = framing_split(span_of(data, size), &framed, NULL)
                                      ? schema_set_find(own_schemas(), framed.fingerprint, NULL)
                                      : NULL;
    if (schema == NULL || rand_r(&seed) % 32 == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    size_t head = size - framed.body.len;
    return head + avro_mutate(schema, data + head, framed.body.len, max_size - head, seed);
}
