/* The group's generation. librdkafka has no getter for it: it is read from the serialised group metadata,
   whose form is librdkafka's own ("CGMDv2:", then the generation in the machine's byte order; 1.9 to 2.x),
   and believed only if metadata made anew from it is the same to the byte. */
#include "base/auto.h"
#include "kafka/consumer.h"
#include "kafka/errors.h"

#include <string.h>

typedef rd_kafka_consumer_group_metadata_t group_metadata;
AUTO_DEFINE(group_metadata, group_metadata, rd_kafka_consumer_group_metadata_destroy);

struct bytes {
    void *data;
    size_t len;
};

static inline void auto_bytes(struct bytes *bytes)
{
    if (bytes->data != NULL)
        rd_kafka_mem_free(NULL, bytes->data);
}

static bool serialise(const group_metadata *metadata, struct bytes *bytes, struct err *err)
{
    return kafka_err_take(err, rd_kafka_consumer_group_metadata_write(metadata, &bytes->data, &bytes->len),
                          "the group's metadata cannot be read");
}

/* Whether the generation was read rightly: metadata that is made of it is the same. */
static bool is_proven(struct consumer *consumer, int32_t generation, const struct bytes *read,
                      struct err *err)
{
    static const char magic[] = "CGMDv2:";
    const char *group_id = (const char *)read->data + sizeof magic - 1 + sizeof generation;
    char *member_id = rd_kafka_memberid(consumer_handle(consumer));
    AUTO(group_metadata)
    group_metadata *again = rd_kafka_consumer_group_metadata_new_with_genid(
        group_id, generation, member_id != NULL ? member_id : "", NULL);
    if (member_id != NULL)
        rd_kafka_mem_free(consumer_handle(consumer), member_id);
    __attribute__((cleanup(auto_bytes))) struct bytes written = {0};
    return again != NULL && serialise(again, &written, err) && written.len == read->len &&
           memcmp(written.data, read->data, read->len) == 0;
}

bool consumer_generation(struct consumer *consumer, int32_t *generation, struct err *err)
{
    static const char magic[] = "CGMDv2:";
    AUTO(group_metadata) group_metadata *metadata = consumer_group_metadata(consumer);
    __attribute__((cleanup(auto_bytes))) struct bytes bytes = {0};
    if (metadata == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory for the group's metadata");
    if (!serialise(metadata, &bytes, err))
        return false;
    size_t head = sizeof magic - 1 + sizeof *generation;
    if (bytes.len <= head || memcmp(bytes.data, magic, sizeof magic - 1) != 0 ||
        memchr((const char *)bytes.data + head, '\0', bytes.len - head) == NULL)
        return err_set(err, ERR_INTERNAL,
                       "this librdkafka (%s) writes the group's metadata in an unknown form",
                       rd_kafka_version_str());
    memcpy(generation, (const char *)bytes.data + sizeof magic - 1, sizeof *generation);
    if (*generation < 0)
        return err_set(err, ERR_KAFKA_RETRIABLE, "Kafka: the group has no place for this member now");
    return is_proven(consumer, *generation, &bytes, err) ||
           err_set(err, ERR_KAFKA_RETRIABLE, "Kafka: the group changes just now");
}
