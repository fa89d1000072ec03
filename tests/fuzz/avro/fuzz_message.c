/* A whole message, framing first: to JSON, and through every decoder. */
#include "avro/codec.h"
#include "avro/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct schema_set *set;
    static struct codec *codec;
    static struct arena *arena;
    if (set == NULL) {
        set = schema_set_new(NULL, NULL);
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
    bool shown = record_to_json(set, message, false, &json, &err);
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
