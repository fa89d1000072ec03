/* A command record with any headers on the retry topic: what is read of them, what a dead letter, an output
   and a retry record make of them. A part of the input is a header, and its tag the name. */
#include "crypto/library.h"
#include "domain/record.h"
#include "fuzz/support/chunks.h"
#include "kafka/dead_letter.h"
#include "pipeline/replace_item.h"
#include "support/consumed_message.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RETRY_TOPIC "certificate.replace.commands.retry"

static const char *const names[] = {
    RETRY_HEADER_ORIGIN,
    RETRY_HEADER_ATTEMPT,
    RETRY_HEADER_FIRST_SEEN,
    RETRY_HEADER_NOT_BEFORE,
    "traceparent",
    "tracestate",
    "correlation-id",
    "kafka_correlationId",
    "__connect.errors.topic",
    "__connect.errors.exception.message",
    "ce_id",
    "content-type",
    "",
    "certswap-",
    DEAD_LETTER_ENCRYPTED,
};

static rd_kafka_headers_t *headers;

static char retry_topic[] = RETRY_TOPIC;
static const struct settings settings = {.topics = {.retry = retry_topic}};
static struct pipeline_context context = {.settings = &settings};
static struct replace_tools tools = {.context = &context, .policy = {.max_stores_per_command = 1}};
static struct buf command_message;
static struct keyring *keyring;

static void start_once(void)
{
    static struct schema_set *set;
    if (set != NULL)
        return;
    static const struct replace_command command = {
        .existing_certificate_id = 1, .has_certificate_id = true, .certificate_id = 2};
    assert(crypto_library_start(NULL));
    keyring = keyring_parse(SPAN_LITERAL("k:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), NULL);
    set = schema_set_new(NULL, NULL);
    tools.codec = codec_new(set);
    tools.arena = arena_new(0);
    assert(codec_encode_replace_command(tools.codec, &command, &command_message, NULL));
}

static void make_headers(struct span input)
{
    struct chunk chunk;
    headers = NULL;
    while (chunk_next(&input, &chunk)) {
        if (headers == NULL)
            headers = rd_kafka_headers_new(8);
        bool null = chunk.content.len == 0 && chunk.tag >= 128;
        rd_kafka_header_add(headers, names[chunk.tag % (sizeof names / sizeof *names)], -1,
                            null ? NULL : chunk.content.data, (ssize_t)chunk.content.len);
    }
    consumed_headers(headers);
    consumed_topic(RETRY_TOPIC);
}

static size_t count_of(const struct record_headers *list, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        count += strcmp(list->items[i].name, name) == 0;
    return count;
}

/* Where the command came from, by certswap's own headers or by its place. */
static void check_origin(const rd_kafka_message_t *message)
{
    struct replace_item item = {0};
    const char *topic;
    int32_t partition;
    int64_t offset;
    assert(replace_item_read(&tools, message, &item, NULL) && item.refusal.code == ERR_NONE);
    assert(place_read(tools.arena, item.claim.origin, &topic, &partition, &offset));
    assert(topic[0] != '\0' && partition >= 0 && offset >= 0);
    assert(item.retries >= 0 && item.first_seen_ms >= 0);
    replace_item_free(&item);
}

/* A trace that is continued is a valid one, and keeps its id. */
static void check_output(const rd_kafka_message_t *message)
{
    static const uint8_t span_id[TRACE_SPAN_ID_LEN] = {1, 2, 3, 4, 5, 6, 7, 8};
    AUTO(record_headers) struct record_headers list = {0};
    struct trace_context trace;
    struct span parent;
    trace_context_from_message(&trace, message);
    record_headers_add_trace(&list, &trace, span_id);
    assert(!list.failed && list.count <= 4);
    if (record_headers_find(&list, "traceparent", &parent))
        assert(traceparent_is_valid(parent) && memcmp(parent.data + 3, trace.traceparent.data + 3, 32) == 0);
    else
        assert(count_of(&list, "tracestate") == 0);
    rd_kafka_headers_t *native = record_headers_native(&list);
    assert(native != NULL && rd_kafka_header_cnt(native) == list.count);
    rd_kafka_headers_destroy(native);
}

/* One set of error headers, ours, and one that names the key where the value is encrypted; and never more
   bytes than there is room for. */
static void check_dead_letter(const rd_kafka_message_t *message, const struct keyring *ring,
                              size_t most_bytes)
{
    AUTO(record_headers) struct record_headers list = {0};
    AUTO(buf) struct buf sealed = {0};
    const struct dead_letter_form form = {"dead", "group", ring, &sealed};
    struct kafka_record record;
    struct err why = {.code = ERR_AVRO_INVALID, .text = "why"};
    size_t size = 0;
    assert(dead_letter_make_within(&record, &list, message, &form, &why, most_bytes, NULL));
    for (size_t i = 0; i < list.count; i++)
        size += strlen(list.items[i].name) + list.items[i].value.len;
    assert(count_of(&list, "__connect.errors.topic") == 1 &&
           count_of(&list, "__connect.errors.exception.message") == 1);
    bool encrypted = ring != NULL && record.value.data != NULL;
    assert(count_of(&list, DEAD_LETTER_ENCRYPTED) == (encrypted ? 1 : 0));
    assert(record.value.data == NULL ||
           record.value.len == message->len + (encrypted ? AT_REST_BARE_EXTRA : 0));
    assert(size + record.key.len + record.value.len <= most_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    start_once();
    arena_reset(tools.arena);
    make_headers(span_of(data, size));
    char key[] = "key";
    rd_kafka_message_t message = {.payload = command_message.data,
                                  .len = command_message.len,
                                  .key = key,
                                  .key_len = strlen(key),
                                  .partition = 3,
                                  .offset = 41};
    check_origin(&message);
    check_output(&message);
    for (int i = 0; i < 2; i++) {
        check_dead_letter(&message, i == 0 ? NULL : keyring, 700);
        check_dead_letter(&message, i == 0 ? NULL : keyring, 1000000);
    }
    assert(outbox_retry_size(&message) >= message.len + message.key_len);
    if (headers != NULL)
        rd_kafka_headers_destroy(headers);
    return 0;
}

static size_t mutate_header(uint8_t tag, uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    (void)tag;
    (void)seed;
    return LLVMFuzzerMutate(data, size, max_size);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    return chunks_mutate(mutate_header, data, size, max_size, seed);
}
