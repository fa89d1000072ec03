/* What the brokers say now of a topic. */
#include "kafka/client_private.h"

/* All topics' metadata is asked for when handle is NULL, of which nothing is kept. */
static rd_kafka_resp_err_t ask(rd_kafka_t *client, rd_kafka_topic_t *handle, int timeout_ms,
                               struct kafka_topic_state *state)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t failure = rd_kafka_metadata(client, 0, handle, &metadata, timeout_ms);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
        return failure;
    if (handle != NULL && metadata->topic_cnt == 0) {
        failure = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    } else if (handle != NULL) {
        const struct rd_kafka_metadata_topic *topic = &metadata->topics[0];
        failure = topic->err;
        *state = (struct kafka_topic_state){(size_t)topic->partition_cnt, topic->partition_cnt > 0};
        for (int i = 0; i < topic->partition_cnt; i++)
            state->is_led = state->is_led && topic->partitions[i].leader >= 0;
    }
    rd_kafka_metadata_destroy(metadata);
    return failure;
}

rd_kafka_resp_err_t kafka_topic_state(rd_kafka_t *client, const char *topic, int timeout_ms,
                                      struct kafka_topic_state *state)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    if (handle == NULL)
        return RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION;
    rd_kafka_resp_err_t failure = ask(client, handle, timeout_ms, state);
    rd_kafka_topic_destroy(handle);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR && state->partition_count == 0)
        failure = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    return failure;
}

rd_kafka_resp_err_t kafka_ask(rd_kafka_t *client, const char *topic, int timeout_ms)
{
    struct kafka_topic_state state;
    return topic[0] != '\0' ? kafka_topic_state(client, topic, timeout_ms, &state)
                            : ask(client, NULL, timeout_ms, &state);
}
