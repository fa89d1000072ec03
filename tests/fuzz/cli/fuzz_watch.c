/* A record of any topic as certswap watch shows it: always something, nothing that a terminal would obey, and
   no secret unless it was asked for. A part of the input is the value, the key, or a header. */
#include "avro/framing.h"
#include "avro/json.h"
#include "cli/output.h"
#include "cli/watch_line.h"
#include "fuzz/avro/avro_mutator.h"
#include "fuzz/support/chunks.h"
#include "support/consumed_message.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum part { PART_VALUE, PART_KEY, PART_COUNT = 6 };

/* Headers take the other tags. */
static const char *const names[PART_COUNT] = {
    "", "", "traceparent", "ce_id", "certswap-origin", "\xC2\x9B\x1B[2J",
};

static const struct schema_set *own_schemas(void)
{
    static struct schema_set *set;
    if (set == NULL)
        set = schema_set_new(NULL, NULL);
    return set;
}

/* A copy of just this length, so that reading past it is seen. */
static void *copy_of(struct span bytes)
{
    void *copy = malloc(bytes.len > 0 ? bytes.len : 1);
    assert(copy != NULL);
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    return copy;
}

static void make_message(struct span input, rd_kafka_message_t *message, rd_kafka_headers_t *headers)
{
    struct chunk chunk;
    while (chunk_next(&input, &chunk)) {
        unsigned part = chunk.tag % PART_COUNT;
        if (part == PART_VALUE && message->payload == NULL) {
            message->payload = copy_of(chunk.content);
            message->len = chunk.content.len;
        } else if (part == PART_KEY && message->key == NULL) {
            message->key = copy_of(chunk.content);
            message->key_len = chunk.content.len;
        } else if (part > PART_KEY) {
            rd_kafka_header_add(headers, names[part], -1, chunk.content.data, (ssize_t)chunk.content.len);
        }
    }
}

static void check_text(const json_t *line)
{
    AUTO(buf) struct buf out = {0};
    watch_put_text(&out, line);
    assert(!out.failed && utf8_valid(buf_span(&out)));
    for (size_t i = 0; i < out.len; i++) {
        assert((out.data[i] >= 0x20 && out.data[i] != 0x7F) || out.data[i] == '\n');
        assert(out.data[i] != 0xC2 || out.data[i + 1] >= 0xA0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rd_kafka_message_t message = {.partition = 3, .offset = 41};
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    consumed_headers(headers);
    consumed_topic("topic");
    make_message(span_of(data, size), &message, headers);
    static struct codec *codec;
    if (codec == NULL)
        codec = codec_new(own_schemas());
    json_t *line = watch_line(codec, &message, 1790000000000, size % 2 == 1);
    assert(line != NULL && json_object_size(line) == 7);
    AUTO(buf) struct buf text = {0};
    output_put_json(&text, line, JSON_COMPACT);
    assert(!text.failed && text.len > 0);
    check_text(line);
    json_decref(line);
    rd_kafka_headers_destroy(headers);
    free(message.payload);
    free(message.key);
    return 0;
}

static size_t mutate_part(uint8_t tag, uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    struct framed framed = {0};
    const struct schema *schema =
        tag % PART_COUNT == PART_VALUE && framing_split(span_of(data, size), &framed, NULL)
            ? schema_set_find(own_schemas(), framed.fingerprint, NULL)
            : NULL;
    if (schema == NULL)
        return LLVMFuzzerMutate(data, size, max_size);
    size_t head = size - framed.body.len;
    return head + avro_mutate(schema, data + head, framed.body.len, max_size - head, seed);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    return chunks_mutate(mutate_part, data, size, max_size, seed);
}
