/* JSON of a record, its kind in the first byte: what is taken can be shown, and what was shown is taken
 * again. */
#include "avro/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct codec *codec;
    if (codec == NULL)
        codec = codec_new(schema_set_new(NULL, NULL));
    if (size == 0)
        return 0;
    enum record_kind kind = (enum record_kind)(data[0] % RECORD_KIND_COUNT);
    AUTO(buf) struct buf message = {0};
    AUTO(buf) struct buf json = {0};
    AUTO(buf) struct buf again = {0};
    struct err err = {0};
    if (!record_from_json(codec, kind, (const char *)data + 1, size - 1, &message, &err)) {
        if (err.code != ERR_AVRO_INVALID || message.len != 0)
            abort();
        return 0;
    }
    if (!record_to_json(codec, buf_span(&message), true, &json, &err) ||
        !record_from_json(codec, kind, (const char *)json.data, json.len, &again, &err) ||
        !span_equal(buf_span(&message), buf_span(&again)))
        abort();
    return 0;
}
