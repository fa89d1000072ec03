/* What a group has committed, and what is to be committed outside of transactions. */
#include "kafka/consumer_private.h"
#include "kafka/deadline.h"
#include "kafka/errors.h"

#include <string.h>

void consumer_note_committed(struct consumer *consumer, const struct offset_table *batch)
{
    const struct offset_range *ranges = offset_table_ranges(batch);
    for (size_t i = 0; i < offset_table_count(batch); i++) {
        int known = consumer_find(consumer, ranges[i].topic, ranges[i].partition);
        if (known >= 0)
            consumer->assigned->elems[known].offset = ranges[i].next;
    }
}

bool consumer_committed(struct consumer *consumer, const char *topic, int32_t partition, int timeout_ms,
                        int64_t *offset, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition);
    rd_kafka_resp_err_t failure = rd_kafka_committed(consumer->client, list, timeout_ms);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
        failure = kafka_first_error(list);
    int64_t found = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_err_code(err, failure, "cannot ask for the group's committed offset");
    *offset = found >= 0 ? found : -1;
    int i = consumer_find(consumer, topic, partition);
    if (i >= 0 && found >= 0)
        consumer->assigned->elems[i].offset = found;
    return true;
}

/* Waits for the answer to the commit under way. False: there is none yet. */
static bool await_commit(struct consumer *consumer, int timeout_ms, rd_kafka_resp_err_t *answer)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(consumer->commits, timeout_ms);
    if (event == NULL)
        return false;
    *answer = rd_kafka_event_error(event);
    if (*answer == RD_KAFKA_RESP_ERR_NO_ERROR)
        *answer = kafka_first_error(rd_kafka_event_topic_partition_list(event));
    rd_kafka_event_destroy(event);
    consumer->commit_under_way = false;
    return true;
}

/* One commit at a time: without a coordinator librdkafka (2.0.2) keeps each for session.timeout.ms, at the
   full load of a CPU, and does not let the client be destroyed before. So a late one is waited for, and after
   trouble the coordinator is asked for something harmless first. */
static rd_kafka_resp_err_t commit(struct consumer *consumer, rd_kafka_topic_partition_list_t *next,
                                  int timeout_ms)
{
    int64_t deadline = deadline_in(timeout_ms);
    rd_kafka_resp_err_t answer = RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (consumer->commit_under_way && !await_commit(consumer, timeout_ms, &answer))
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (!consumer->commits_work || consumer->trouble.code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_topic_partition_list_t *probe = rd_kafka_topic_partition_list_copy(next);
        answer = rd_kafka_committed(consumer->client, probe, deadline_left(deadline, timeout_ms));
        rd_kafka_topic_partition_list_destroy(probe);
        if (answer != RD_KAFKA_RESP_ERR_NO_ERROR)
            return answer;
    }
    consumer->commits_work = false;
    answer = rd_kafka_commit_queue(consumer->client, next, consumer->commits, NULL, NULL);
    if (answer != RD_KAFKA_RESP_ERR_NO_ERROR)
        return answer;
    consumer->commit_under_way = true;
    if (!await_commit(consumer, deadline_left(deadline, timeout_ms), &answer))
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    consumer->commits_work = answer == RD_KAFKA_RESP_ERR_NO_ERROR;
    return answer;
}

bool consumer_commit_sync(struct consumer *consumer, const struct offset_table *batch, int timeout_ms,
                          struct err *err)
{
    if (offset_table_count(batch) == 0)
        return true;
    rd_kafka_topic_partition_list_t *next = offset_table_next_list(batch);
    rd_kafka_resp_err_t failure = commit(consumer, next, timeout_ms);
    rd_kafka_topic_partition_list_destroy(next);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_err_code(err, failure, "cannot commit the offsets");
    consumer_note_committed(consumer, batch);
    return true;
}

/* Fills in the committed offsets that are not known yet; where none was committed, the beginnings are asked
 * for. */
static rd_kafka_resp_err_t look_up_committed(struct consumer *consumer, int timeout_ms)
{
    rd_kafka_topic_partition_list_t *unknown = rd_kafka_topic_partition_list_new(1);
    for (int i = 0; i < consumer->assigned->cnt; i++) {
        const rd_kafka_topic_partition_t *one = &consumer->assigned->elems[i];
        if (one->offset == RD_KAFKA_OFFSET_INVALID)
            rd_kafka_topic_partition_list_add(unknown, one->topic, one->partition);
    }
    rd_kafka_resp_err_t failure = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (unknown->cnt > 0)
        failure = rd_kafka_committed(consumer->client, unknown, timeout_ms);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
        failure = kafka_first_error(unknown);
    for (int i = 0; failure == RD_KAFKA_RESP_ERR_NO_ERROR && i < unknown->cnt; i++) {
        const rd_kafka_topic_partition_t *one = &unknown->elems[i];
        int64_t low = 0;
        int64_t high = 0;
        int64_t offset = one->offset;
        if (offset < 0) {
            failure = rd_kafka_query_watermark_offsets(consumer->client, one->topic, one->partition, &low,
                                                       &high, timeout_ms);
            offset = low;
        }
        if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
            rd_kafka_topic_partition_list_find(consumer->assigned, one->topic, one->partition)->offset =
                offset;
    }
    rd_kafka_topic_partition_list_destroy(unknown);
    return failure;
}

bool consumer_lag(struct consumer *consumer, rd_kafka_t *asker, int timeout_ms, consumer_lag_fn *tell,
                  void *arg, struct err *err)
{
    if (consumer->assigned->cnt == 0)
        return true;
    rd_kafka_resp_err_t failure = look_up_committed(consumer, timeout_ms);
    rd_kafka_topic_partition_list_t *ends = rd_kafka_topic_partition_list_copy(consumer->assigned);
    for (int i = 0; i < ends->cnt; i++)
        ends->elems[i].offset = RD_KAFKA_OFFSET_END; /* as a "time", it asks for the last stable offset */
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
        failure = rd_kafka_offsets_for_times(asker, ends, timeout_ms);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
        failure = kafka_first_error(ends);
    rd_kafka_topic_partition_list_sort(ends, NULL, NULL); /* by topic */
    int64_t lag = 0;
    for (int i = 0; failure == RD_KAFKA_RESP_ERR_NO_ERROR && i < ends->cnt; i++) {
        const rd_kafka_topic_partition_t *end = &ends->elems[i];
        const rd_kafka_topic_partition_t *known =
            rd_kafka_topic_partition_list_find(consumer->assigned, end->topic, end->partition);
        lag += end->offset > known->offset ? end->offset - known->offset : 0;
        if (i + 1 == ends->cnt || strcmp(end->topic, ends->elems[i + 1].topic) != 0) {
            tell(arg, end->topic, lag);
            lag = 0;
        }
    }
    rd_kafka_topic_partition_list_destroy(ends);
    return kafka_err_code(err, failure, "cannot ask for the consumer's lag");
}
