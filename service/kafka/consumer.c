/* A group member: rebalances are told to the owner, who finishes or aborts its batch, before librdkafka goes
 * on. */
#include "kafka/consumer.h"
#include "kafka/client_private.h"
#include "kafka/deadline.h"
#include "kafka/errors.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLOSE_SLICE_MS = 100, FREE_TIMEOUT_MS = 5000 };

struct consumer {
    struct kafka_trouble trouble; /* first: librdkafka's opaque, see client_private.h */
    rd_kafka_t *client;
    struct consumer_hooks hooks;
    /* What is assigned now, each with the offset last committed by us, or RD_KAFKA_OFFSET_INVALID while
     * unknown. */
    rd_kafka_topic_partition_list_t *assigned;
    rd_kafka_queue_t *commits; /* answers to consumer_commit_sync() */
    bool commit_under_way;     /* one was not answered in time */
    bool commits_work;         /* the latest was answered well */
    bool joined;
    bool paused;
    bool fatal;
    bool closing;
    bool closed;
};

static void note_trouble(struct consumer *consumer, rd_kafka_resp_err_t code, const char *text)
{
    kafka_trouble_note(&consumer->trouble, consumer->client, code, text);
    if (kafka_classify_code(code) == ERR_KAFKA_FATAL)
        consumer->fatal = true;
}

static void set_assigned(struct consumer *consumer, const rd_kafka_topic_partition_list_t *partitions)
{
    rd_kafka_topic_partition_list_destroy(consumer->assigned);
    consumer->assigned = partitions != NULL ? rd_kafka_topic_partition_list_copy(partitions)
                                            : rd_kafka_topic_partition_list_new(0);
    for (int i = 0; i < consumer->assigned->cnt; i++)
        consumer->assigned->elems[i].offset = RD_KAFKA_OFFSET_INVALID;
}

static void assign(struct consumer *consumer, rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions)
{
    rd_kafka_resp_err_t failure = rd_kafka_assign(client, partitions);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR) {
        note_trouble(consumer, failure, rd_kafka_err2str(failure));
        return;
    }
    set_assigned(consumer, partitions);
    if (consumer->paused)
        rd_kafka_pause_partitions(client, consumer->assigned);
    consumer->joined = true;
    kafka_trouble_clear(&consumer->trouble);
    if (consumer->hooks.on_assign != NULL)
        consumer->hooks.on_assign(consumer->hooks.arg, consumer->assigned);
}

static void revoke(struct consumer *consumer, rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions)
{
    bool lost = rd_kafka_assignment_lost(client) != 0;
    if (consumer->hooks.on_revoke != NULL)
        consumer->hooks.on_revoke(consumer->hooks.arg, partitions, lost);
    if (lost)
        consumer->joined = false;
    set_assigned(consumer, NULL);
    rd_kafka_assign(client, NULL);
}

static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t what,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct consumer *consumer = opaque;
    if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        assign(consumer, client, partitions);
        return;
    }
    if (what != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
        note_trouble(consumer, what, rd_kafka_err2str(what));
    revoke(consumer, client, partitions);
}

static bool subscribe(struct consumer *consumer, const char *const *topics, size_t count, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, topics[i], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t failure = rd_kafka_subscribe(consumer->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    return err_set(err, ERR_CONFIG_INVALID, "cannot subscribe to the topics: %s", rd_kafka_err2str(failure));
}

struct consumer *consumer_new(rd_kafka_conf_t *conf, const char *group_id, const char *group_instance_id,
                              const char *const *topics, size_t topic_count,
                              const struct consumer_hooks *hooks, struct err *err)
{
    struct consumer *consumer = calloc(1, sizeof *consumer);
    if (consumer == NULL) {
        rd_kafka_conf_destroy(conf);
        err_set(err, ERR_NO_MEMORY, "out of memory while a consumer was made");
        return NULL;
    }
    char reason[ERR_TEXT_MAX];
    if (rd_kafka_conf_set(conf, "group.id", group_id, reason, sizeof reason) != RD_KAFKA_CONF_OK ||
        (group_instance_id != NULL && rd_kafka_conf_set(conf, "group.instance.id", group_instance_id, reason,
                                                        sizeof reason) != RD_KAFKA_CONF_OK)) {
        rd_kafka_conf_destroy(conf);
        free(consumer);
        err_set(err, ERR_CONFIG_INVALID, "%s", reason);
        return NULL;
    }
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    if (hooks != NULL)
        consumer->hooks = *hooks;
    consumer->assigned = rd_kafka_topic_partition_list_new(0);
    consumer->client = kafka_client_new(RD_KAFKA_CONSUMER, conf, &consumer->trouble, err);
    if (consumer->client == NULL) {
        rd_kafka_topic_partition_list_destroy(consumer->assigned);
        free(consumer);
        return NULL;
    }
    rd_kafka_poll_set_consumer(consumer->client);
    consumer->commits = rd_kafka_queue_new(consumer->client);
    if (!subscribe(consumer, topics, topic_count, err)) {
        consumer_free(consumer);
        return NULL;
    }
    return consumer;
}

rd_kafka_message_t *consumer_poll(struct consumer *consumer, int timeout_ms)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer->client, timeout_ms);
    if (kafka_classify_code(consumer->trouble.code) == ERR_KAFKA_FATAL)
        consumer->fatal = true;
    if (message == NULL)
        return NULL;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (!consumer->fatal)
            kafka_trouble_clear(&consumer->trouble);
        return message;
    }
    note_trouble(consumer, message->err, rd_kafka_message_errstr(message));
    rd_kafka_message_destroy(message);
    return NULL;
}

/* The first error of a list that librdkafka filled in. */
static rd_kafka_resp_err_t first_error(const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++)
        if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
            return list->elems[i].err;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

bool consumer_pause_all(struct consumer *consumer, struct err *err)
{
    consumer->paused = true;
    rd_kafka_pause_partitions(consumer->client, consumer->assigned);
    return kafka_err_code(err, first_error(consumer->assigned), "cannot pause the partitions");
}

bool consumer_resume_all(struct consumer *consumer, struct err *err)
{
    consumer->paused = false;
    rd_kafka_resume_partitions(consumer->client, consumer->assigned);
    return kafka_err_code(err, first_error(consumer->assigned), "cannot resume the partitions");
}

bool consumer_is_paused(const struct consumer *consumer)
{
    return consumer->paused;
}

bool consumer_rewind(struct consumer *consumer, const struct offset_table *batch, struct err *err)
{
    rd_kafka_topic_partition_list_t *first = offset_table_first_list(batch);
    for (int i = first->cnt - 1; i >= 0; i--)
        if (rd_kafka_topic_partition_list_find(consumer->assigned, first->elems[i].topic,
                                               first->elems[i].partition) == NULL)
            rd_kafka_topic_partition_list_del_by_idx(first, i);
    bool good = true;
    if (first->cnt > 0) {
        /* -1: 2.0.2 takes any other timeout a thousand times too short. It is answered by librdkafka's own
         * threads. */
        rd_kafka_error_t *error = rd_kafka_seek_partitions(consumer->client, first, -1);
        rd_kafka_resp_err_t failure = error != NULL ? rd_kafka_error_code(error) : first_error(first);
        if (error != NULL)
            rd_kafka_error_destroy(error);
        /* Where it would go on is unknown now: only a new consumer, from the committed offsets, is right. */
        if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
            good = err_set(err, ERR_KAFKA_FATAL, "cannot go back to the batch's first offsets: %s",
                           rd_kafka_err2str(failure));
    }
    rd_kafka_topic_partition_list_destroy(first);
    return good;
}

void consumer_note_committed(struct consumer *consumer, const struct offset_table *batch)
{
    const struct offset_range *ranges = offset_table_ranges(batch);
    for (size_t i = 0; i < offset_table_count(batch); i++) {
        rd_kafka_topic_partition_t *known =
            rd_kafka_topic_partition_list_find(consumer->assigned, ranges[i].topic, ranges[i].partition);
        if (known != NULL)
            known->offset = ranges[i].next;
    }
}

/* Waits for the answer to the commit under way. False: there is none yet. */
static bool await_commit(struct consumer *consumer, int timeout_ms, rd_kafka_resp_err_t *answer)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(consumer->commits, timeout_ms);
    if (event == NULL)
        return false;
    *answer = rd_kafka_event_error(event);
    if (*answer == RD_KAFKA_RESP_ERR_NO_ERROR)
        *answer = first_error(rd_kafka_event_topic_partition_list(event));
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

rd_kafka_consumer_group_metadata_t *consumer_group_metadata(struct consumer *consumer)
{
    return rd_kafka_consumer_group_metadata(consumer->client);
}

bool consumer_is_joined(const struct consumer *consumer)
{
    return consumer->joined;
}

size_t consumer_assigned_count(const struct consumer *consumer)
{
    return (size_t)consumer->assigned->cnt;
}

bool consumer_is_fatal(const struct consumer *consumer)
{
    return consumer->fatal;
}

const char *consumer_trouble(const struct consumer *consumer)
{
    return kafka_trouble_text(&consumer->trouble);
}

rd_kafka_t *consumer_handle(const struct consumer *consumer)
{
    return consumer->client;
}

/* Serves what comes while the group is left: the last revocation, and records that nobody wants any more. By
   events: librdkafka asserts when records meet rd_kafka_queue_poll_callback(). */
static void serve_close(struct consumer *consumer, rd_kafka_queue_t *queue, int timeout_ms)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms);
    if (event == NULL)
        return;
    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
        on_rebalance(consumer->client, rd_kafka_event_error(event),
                     rd_kafka_event_topic_partition_list(event), consumer);
    rd_kafka_event_destroy(event);
}

bool consumer_close(struct consumer *consumer, int timeout_ms)
{
    if (consumer->closing)
        return consumer->closed;
    consumer->closing = true;
    int64_t deadline = deadline_in(timeout_ms);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(consumer->client);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(consumer->client, queue);
    if (error != NULL) {
        rd_kafka_error_destroy(error);
    } else {
        while (!rd_kafka_consumer_closed(consumer->client) && deadline_left(deadline, CLOSE_SLICE_MS) > 0)
            serve_close(consumer, queue, deadline_left(deadline, CLOSE_SLICE_MS));
        consumer->closed = rd_kafka_consumer_closed(consumer->client) != 0;
    }
    rd_kafka_queue_destroy(queue);
    consumer->joined = false;
    return consumer->closed;
}

/* Ends the client, as long as it takes, and then frees what its callbacks may still use. */
static void *destroy(void *arg)
{
    struct consumer *consumer = arg;
    rd_kafka_destroy_flags(consumer->client, consumer->closed ? 0 : RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    rd_kafka_topic_partition_list_destroy(consumer->assigned);
    free(consumer);
    return NULL;
}

void consumer_free(struct consumer *consumer)
{
    if (consumer == NULL)
        return;
    if (!consumer->closing)
        consumer_close(consumer, FREE_TIMEOUT_MS);
    rd_kafka_queue_destroy(consumer->commits);
    /* What could not be closed in time would hold the caller up for as long as the group's session lasts. */
    pthread_t thread;
    if (!consumer->closed && pthread_create(&thread, NULL, destroy, consumer) == 0)
        pthread_detach(thread);
    else
        destroy(consumer);
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

bool consumer_lag(struct consumer *consumer, int timeout_ms, consumer_lag_fn *tell, void *arg,
                  struct err *err)
{
    if (consumer->assigned->cnt == 0)
        return true;
    rd_kafka_resp_err_t failure = look_up_committed(consumer, timeout_ms);
    rd_kafka_topic_partition_list_t *ends = rd_kafka_topic_partition_list_copy(consumer->assigned);
    for (int i = 0; i < ends->cnt; i++)
        ends->elems[i].offset = RD_KAFKA_OFFSET_END; /* as a "time", it asks for the last stable offset */
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
        failure = rd_kafka_offsets_for_times(consumer->client, ends, timeout_ms);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
        failure = first_error(ends);
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
