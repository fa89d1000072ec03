/* A file of JSON as certswap inventory, enroll and replace take it; which in the first byte. What is taken is
   a message that can be shown; what is not is refused with a text that says where. */
#include "avro/json.h"
#include "base/auto.h"
#include "cli/record_input.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    enum record_kind kind;
    const char *id, *moment, *key;
} inputs[] = {
    {RECORD_STORE_INVENTORY, NULL, "inventoriedAt", "storeId"},
    {RECORD_CERTIFICATE_ENROLLED, "eventId", "occurredAt", "certificateId"},
    {RECORD_CERTIFICATE_RENEWED, "eventId", "occurredAt", "certificateId"},
    {RECORD_REPLACE_COMMAND, "commandId", "issuedAt", "commandId"},
};

static void take(struct codec *codec, size_t input, json_t *object)
{
    AUTO(buf) struct buf message = {0};
    AUTO(buf) struct buf shown = {0};
    struct err err = {0};
    char key[RECORD_KEY_MAX];
    if ((inputs[input].id == NULL || record_input_fill_uuid(object, inputs[input].id, &err)) &&
        record_input_fill_time(object, inputs[input].moment, 1, &err) &&
        record_input_encode(codec, inputs[input].kind, object, &message, &err)) {
        record_input_key(object, inputs[input].key, key);
        assert(key[0] != '\0');
        assert(record_to_json(codec, buf_span(&message), false, &shown, &err));
        return;
    }
    assert(err.code == ERR_AVRO_INVALID && err.text[0] != '\0' && message.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct codec *codec;
    struct err err = {0};
    size_t index;
    json_t *object;
    if (codec == NULL)
        codec = codec_new(schema_set_new(NULL, NULL));
    if (size == 0)
        return 0;
    json_t *objects = record_input_parse("file", span_of(data + 1, size - 1), &err);
    assert(objects == NULL || json_array_size(objects) > 0);
    assert(objects != NULL || (err.code == ERR_AVRO_INVALID && err.text[0] != '\0'));
    json_array_foreach(objects, index, object)
        take(codec, data[0] % (sizeof inputs / sizeof *inputs), object);
    json_decref(objects);
    return 0;
}
