#include "bench/sample.h"
#include "bench/identity.h"

#include <stdlib.h>

/* What stands before each record in the file; then key, value, and of each header two lengths, name and
 * value. */
struct head {
    uint32_t is_result;
    uint32_t key;
    uint32_t value;
    uint32_t headers;
};

static void put(FILE *file, const void *data, size_t len)
{
    if (fwrite(data, 1, len, file) != len)
        die("the sample cannot be written");
}

void sample_write(FILE *file, const rd_kafka_message_t *message, bool is_result)
{
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_message_headers(message, &headers);
    struct head head = {is_result, (uint32_t)message->key_len, (uint32_t)message->len,
                        headers != NULL ? (uint32_t)rd_kafka_header_cnt(headers) : 0};
    put(file, &head, sizeof head);
    put(file, message->key, message->key_len);
    put(file, message->payload, message->len);
    for (uint32_t i = 0; i < head.headers; i++) {
        const char *name;
        const void *value;
        size_t len;
        rd_kafka_header_get_all(headers, i, &name, &value, &len);
        put(file, (uint32_t[]){(uint32_t)strlen(name), (uint32_t)len}, 2 * sizeof(uint32_t));
        put(file, name, strlen(name));
        put(file, value, len);
    }
}

static struct span take(struct span *rest, size_t len)
{
    if (rest->len < len)
        die("the sample is cut off");
    struct span taken = span_of(rest->data, len);
    *rest = span_of(rest->data + len, rest->len - len);
    return taken;
}

void sample_read(const char *path, struct sample *sample)
{
    *sample = (struct sample){.bytes = calloc(1, sizeof *sample->bytes)};
    if (sample->bytes == NULL)
        die("out of memory");
    file_read(path, sample->bytes);
    struct span rest = buf_span(sample->bytes);
    while (rest.len > 0) {
        struct head head;
        memcpy(&head, take(&rest, sizeof head).data, sizeof head);
        struct sample_record record = {.key = take(&rest, head.key), .value = take(&rest, head.value)};
        record.headers = rd_kafka_headers_new(head.headers);
        for (uint32_t i = 0; i < head.headers; i++) {
            uint32_t lengths[2];
            memcpy(lengths, take(&rest, sizeof lengths).data, sizeof lengths);
            struct span name = take(&rest, lengths[0]);
            struct span value = take(&rest, lengths[1]);
            rd_kafka_header_add(record.headers, (const char *)name.data, (ssize_t)name.len, value.data,
                                (ssize_t)value.len);
        }
        if (head.is_result) {
            sample->result = record;
            continue;
        }
        sample->jobs = reallocate(sample->jobs, (sample->job_count + 1) * sizeof *sample->jobs);
        sample->jobs[sample->job_count++] = record;
    }
    if (sample->job_count == 0 || sample->result.headers == NULL)
        die("the sample has no jobs, or no result");
}

void sample_free(struct sample *sample)
{
    for (size_t i = 0; i < sample->job_count; i++)
        rd_kafka_headers_destroy(sample->jobs[i].headers);
    rd_kafka_headers_destroy(sample->result.headers);
    free(sample->jobs);
    buf_free(sample->bytes);
    free(sample->bytes);
}
