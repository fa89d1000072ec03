/* Partition ends by ListOffsets from a client that reads uncommitted; it fetches nothing and is in no group.
 */
#include "kafka/ends.h"
#include "kafka/client_private.h"
#include "kafka/errors.h"

#include <stdio.h>
#include <stdlib.h>

struct ends {
    struct kafka_trouble trouble; /* first: librdkafka's opaque, see client_private.h */
    rd_kafka_t *client;
};

struct ends *ends_new(rd_kafka_conf_t *conf, struct err *err)
{
    struct ends *ends = calloc(1, sizeof *ends);
    if (ends == NULL) {
        rd_kafka_conf_destroy(conf);
        err_set(err, ERR_NO_MEMORY, "out of memory while a client for partition ends was made");
        return NULL;
    }
    ends->client = kafka_client_new(RD_KAFKA_CONSUMER, conf, &ends->trouble, err);
    if (ends->client == NULL) {
        free(ends);
        return NULL;
    }
    return ends;
}

static void end(void *arg)
{
    struct ends *ends = arg;
    kafka_client_destroy(ends->client, 0);
    free(ends);
}

void ends_free(struct ends *ends)
{
    if (ends != NULL)
        kafka_end_within(end, ends, KAFKA_END_MS);
}

/* Serves callbacks, keeps or clears the trouble, and fills *err. */
static bool conclude(struct ends *ends, rd_kafka_resp_err_t failure, const char *topic, const char *what,
                     struct err *err)
{
    rd_kafka_poll(ends->client, 0);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_trouble_clear(&ends->trouble);
        return true;
    }
    char line[ERR_TEXT_MAX / 2];
    snprintf(line, sizeof line, "cannot ask for the %s of topic %s", what, topic);
    char text[ERR_TEXT_MAX];
    snprintf(text, sizeof text, "%s: %s", line, rd_kafka_err2str(failure));
    kafka_trouble_note(&ends->trouble, ends->client, failure, text);
    return kafka_err_told(err, &ends->trouble, failure, line);
}

/* The list's partitions, all of one topic, get their ends. */
static rd_kafka_resp_err_t ask(struct ends *ends, rd_kafka_topic_partition_list_t *list, int timeout_ms)
{
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = RD_KAFKA_OFFSET_END; /* as a "time", it asks for the end */
    rd_kafka_resp_err_t failure = rd_kafka_offsets_for_times(ends->client, list, timeout_ms);
    for (int i = 0; i < list->cnt && failure == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        failure = list->elems[i].err;
    for (int i = 0; i < list->cnt && failure == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        if (list->elems[i].offset < 0)
            failure = RD_KAFKA_RESP_ERR__NO_OFFSET;
    /* librdkafka (2.0.2) goes on asking the leader that it once learnt, for as long as metadata.max.age.ms,
       although that one says that it leads no more: a topic that is neither produced to nor consumed is not
       looked up again by itself. */
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
        kafka_ask(ends->client, list->elems[0].topic, timeout_ms);
    return failure;
}

bool ends_query(struct ends *ends, const char *topic, int32_t partition, int timeout_ms, int64_t *end,
                struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition);
    rd_kafka_resp_err_t failure = ask(ends, list, timeout_ms);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
        *end = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return conclude(ends, failure, topic, "end", err);
}

bool ends_query_all(struct ends *ends, const char *topic, int64_t *offsets, size_t count, int timeout_ms,
                    struct err *err)
{
    if (count == 0)
        return true;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, topic, (int32_t)i);
    rd_kafka_resp_err_t failure = ask(ends, list, timeout_ms);
    for (int i = 0; i < list->cnt && failure == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        offsets[list->elems[i].partition] = list->elems[i].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return conclude(ends, failure, topic, "ends", err);
}

bool ends_partition_count(struct ends *ends, const char *topic, int timeout_ms, size_t *count,
                          struct err *err)
{
    struct kafka_topic_state state;
    rd_kafka_resp_err_t failure = kafka_topic_state(ends->client, topic, timeout_ms, &state);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
        *count = state.partition_count;
    return conclude(ends, failure, topic, "partitions", err);
}

const char *ends_trouble(const struct ends *ends)
{
    return kafka_trouble_text(&ends->trouble);
}
