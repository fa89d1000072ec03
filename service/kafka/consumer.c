/* A group member: rebalances are told to the owner, who finishes or aborts its batch, before librdkafka goes
 * on. */
#include "kafka/consumer.h"
#include "kafka/consumer_private.h"
#include "kafka/deadline.h"
#include "kafka/errors.h"
#include "kafka/login.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLOSE_SLICE_MS = 100, FREE_TIMEOUT_MS = 5000, ASK_AFTER_MS = 2000, ASK_TIMEOUT_MS = 300 };
enum { BEGIN_FIRST_MS = 1000, BEGIN_MS = 200, BEGIN_EVERY_MS = 100 };

static void note_trouble(struct consumer *consumer, rd_kafka_resp_err_t code, const char *text)
{
    kafka_trouble_note(&consumer->trouble, consumer->client, code, text);
    if (kafka_classify_code(code) == ERR_KAFKA_FATAL)
        consumer->fatal = true;
}

/* An assignment tells that the group works; of a topic only if it has one of its partitions, which then tell
   their own trouble anew. */
static bool is_settled_by(const struct kafka_trouble *trouble,
                          const rd_kafka_topic_partition_list_t *partitions)
{
    bool found = trouble->topic[0] == '\0' || trouble->partition >= 0;
    for (int i = 0; i < partitions->cnt && !found; i++)
        found = strcmp(partitions->elems[i].topic, trouble->topic) == 0;
    return found;
}

/* Where each partition was committed; where nothing was, its beginning. Offsets that an open transaction is
   to commit are waited for. */
static rd_kafka_resp_err_t find_beginnings(struct consumer *consumer, rd_kafka_topic_partition_list_t *list,
                                           int timeout_ms)
{
    rd_kafka_resp_err_t failure = rd_kafka_committed(consumer->client, list, timeout_ms);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
        failure = kafka_first_error(list);
    for (int i = 0; i < list->cnt; i++)
        if (list->elems[i].offset < 0)
            list->elems[i].offset = RD_KAFKA_OFFSET_BEGINNING;
    return failure;
}

static void forget_unbegun(struct consumer *consumer)
{
    if (consumer->unbegun != NULL)
        rd_kafka_topic_partition_list_destroy(consumer->unbegun);
    consumer->unbegun = NULL;
}

/* Begins the partitions that the group has given, once it is known where. librdkafka (2.0.2) is not left to
   find that out: an answer that an open transaction holds up, and that comes after the assignment has
   changed, it takes for "nothing was committed", and begins at the beginning. */
static void begin(struct consumer *consumer, int timeout_ms)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(consumer->unbegun);
    rd_kafka_resp_err_t failure = find_beginnings(consumer, list, timeout_ms);
    consumer->asked_at = monotonic_ms();
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
        failure = rd_kafka_assign(consumer->client, list);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR) {
        char text[ERR_TEXT_MAX / 2];
        snprintf(text, sizeof text, "the group's committed offsets are not known yet: %s",
                 rd_kafka_err2str(failure));
        note_trouble(consumer, failure, text);
    } else if (!consumer_set_assigned(consumer, list)) {
        note_trouble(consumer, RD_KAFKA_RESP_ERR__FATAL, "out of memory while partitions were assigned");
    } else {
        if (is_settled_by(&consumer->trouble, list))
            kafka_trouble_clear(&consumer->trouble);
        forget_unbegun(consumer);
        if (consumer->hooks.on_assign != NULL)
            consumer->hooks.on_assign(consumer->hooks.arg, consumer->assigned);
    }
    rd_kafka_topic_partition_list_destroy(list);
}

static void assign(struct consumer *consumer, rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions)
{
    forget_unbegun(consumer);
    consumer->joined = true;
    if (partitions->cnt > 0 && !consumer->closing) {
        consumer->unbegun = rd_kafka_topic_partition_list_copy(partitions);
        begin(consumer, BEGIN_FIRST_MS);
        if (consumer->unbegun == NULL)
            return;
    } else if (is_settled_by(&consumer->trouble, partitions)) {
        kafka_trouble_clear(&consumer->trouble);
    }
    /* The group goes on only when an assignment was made, be it of nothing. */
    rd_kafka_topic_partition_list_t *nothing = rd_kafka_topic_partition_list_new(0);
    rd_kafka_resp_err_t failure = rd_kafka_assign(client, nothing);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
        note_trouble(consumer, failure, rd_kafka_err2str(failure));
    rd_kafka_topic_partition_list_destroy(nothing);
}

static void revoke(struct consumer *consumer, rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions)
{
    bool lost = rd_kafka_assignment_lost(client) != 0;
    if (consumer->hooks.on_revoke != NULL)
        consumer->hooks.on_revoke(consumer->hooks.arg, partitions, lost);
    if (lost)
        consumer->joined = false;
    forget_unbegun(consumer);
    consumer_forget_pauses(consumer);
    if (!consumer_set_assigned(consumer, NULL))
        note_trouble(consumer, RD_KAFKA_RESP_ERR__FATAL, "out of memory while partitions were given up");
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

bool consumer_join(struct consumer *consumer, const char *const *topics, size_t topic_count, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)topic_count);
    for (size_t i = 0; i < topic_count; i++)
        rd_kafka_topic_partition_list_add(list, topics[i], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t failure = rd_kafka_subscribe(consumer->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    return err_set(err, ERR_CONFIG_INVALID, "cannot subscribe to the topics: %s", rd_kafka_err2str(failure));
}

struct consumer *consumer_new(rd_kafka_conf_t *conf, const char *group_id, const struct consumer_hooks *hooks,
                              struct err *err)
{
    struct consumer *consumer = calloc(1, sizeof *consumer);
    if (consumer == NULL) {
        rd_kafka_conf_destroy(conf);
        err_set(err, ERR_NO_MEMORY, "out of memory while a consumer was made");
        return NULL;
    }
    char reason[ERR_TEXT_MAX];
    if (rd_kafka_conf_set(conf, "group.id", group_id, reason, sizeof reason) != RD_KAFKA_CONF_OK) {
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
    return consumer;
}

static bool concerns(const struct kafka_trouble *trouble, const char *topic, int32_t partition)
{
    return trouble->topic[0] == '\0' || (strcmp(trouble->topic, topic) == 0 &&
                                         (trouble->partition < 0 || trouble->partition == partition));
}

/* Only a new consumer, from the committed offsets, is right then: what was handed out here may not be there
 * any more. */
static void note_went_back(struct consumer *consumer, const rd_kafka_message_t *message)
{
    char text[ERR_TEXT_MAX / 2];
    snprintf(text, sizeof text,
             "partition %" PRId32 " of topic %s went back to offset %" PRId64
             ": it was truncated or made anew; reading it from the committed offsets",
             message->partition, rd_kafka_topic_name(message->rkt), message->offset);
    note_trouble(consumer, RD_KAFKA_RESP_ERR__FATAL, text);
}

static void note_error(struct consumer *consumer, const rd_kafka_message_t *message, const char *topic,
                       int index)
{
    /* An error of a whole topic comes with partition 0, but without an offset. */
    bool of_partition = message->rkt != NULL && message->offset != RD_KAFKA_OFFSET_INVALID;
    const char *said = rd_kafka_message_errstr(message);
    char text[ERR_TEXT_MAX];
    bool named = strstr(said, topic) != NULL; /* what is said of a failed fetch names no topic */
    snprintf(text, sizeof text, "%s%s%s", named ? "" : topic, named ? "" : ": ", said);
    note_trouble(consumer, message->err, text);
    kafka_trouble_confine(&consumer->trouble, topic,
                          of_partition ? message->partition : RD_KAFKA_PARTITION_UA);
    if (of_partition)
        consumer_note_fetch(consumer, index, message->offset);
}

/* Takes what librdkafka gave: true for a record to be handed out; else it is noted and destroyed. */
static bool take_in(struct consumer *consumer, rd_kafka_message_t *message)
{
    const char *topic = message->rkt != NULL ? rd_kafka_topic_name(message->rkt) : "";
    int index = consumer_find(consumer, topic, message->partition);
    enum verdict verdict = RECORD_HOLD_BACK;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        verdict = consumer_note_record(consumer, index, message->offset);
    else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        consumer_note_end(consumer, index, message->offset);
    else
        note_error(consumer, message, topic, index);
    bool is_fetched =
        message->err == RD_KAFKA_RESP_ERR_NO_ERROR || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    if (is_fetched && !consumer->fatal && concerns(&consumer->trouble, topic, message->partition))
        kafka_trouble_clear(&consumer->trouble);
    if (verdict == RECORD_WENT_BACK)
        note_went_back(consumer, message);
    if (verdict != RECORD_HAND_OUT)
        rd_kafka_message_destroy(message);
    return verdict == RECORD_HAND_OUT;
}

/* Without records nothing tells that trouble is over, so it is asked: a partition by fetching from it again,
   which gives a record or its end; a topic by its metadata; a group by its offsets. */
static void ask_if_over(struct consumer *consumer)
{
    const struct kafka_trouble *trouble = &consumer->trouble;
    if (trouble->partition >= 0) {
        consumer_fetch_again(consumer, trouble->topic, trouble->partition);
        return;
    }
    rd_kafka_resp_err_t failure = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (trouble->topic[0] == '\0' && consumer->assigned->cnt > 0) {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(consumer->assigned);
        failure = rd_kafka_committed(consumer->client, list, ASK_TIMEOUT_MS);
        rd_kafka_topic_partition_list_destroy(list);
    } else {
        failure = kafka_ask(consumer->client, trouble->topic, ASK_TIMEOUT_MS);
    }
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
        kafka_trouble_clear(&consumer->trouble);
}

rd_kafka_message_t *consumer_poll(struct consumer *consumer, int timeout_ms)
{
    kafka_login_look(monotonic_ms());
    if (!consumer->fatal && kafka_trouble_is_due(&consumer->trouble, ASK_AFTER_MS))
        ask_if_over(consumer);
    if (consumer->unbegun != NULL && !consumer->fatal &&
        monotonic_ms() - consumer->asked_at >= BEGIN_EVERY_MS)
        begin(consumer, BEGIN_MS);
    for (;;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer->client, timeout_ms);
        if (kafka_classify_code(consumer->trouble.code) == ERR_KAFKA_FATAL)
            consumer->fatal = true;
        if (message == NULL)
            return NULL;
        if (take_in(consumer, message))
            return message;
        /* Who waits wants to know how far it has come; who only takes what is there wants the rest of it. */
        if (timeout_ms != 0)
            return NULL;
    }
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

size_t consumer_assigned(const struct consumer *consumer, const rd_kafka_topic_partition_list_t **list)
{
    *list = consumer->assigned;
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
static void end(void *arg)
{
    struct consumer *consumer = arg;
    kafka_client_destroy(consumer->client, consumer->closed ? 0 : RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    rd_kafka_topic_partition_list_destroy(consumer->assigned);
    forget_unbegun(consumer);
    free(consumer->places);
    free(consumer);
}

void consumer_free(struct consumer *consumer)
{
    if (consumer == NULL)
        return;
    if (!consumer->closing)
        consumer_close(consumer, FREE_TIMEOUT_MS);
    rd_kafka_queue_destroy(consumer->commits);
    /* What could not be closed in time would hold the caller up for as long as the group's session lasts. */
    kafka_end_within(end, consumer, consumer->closed ? KAFKA_END_MS : 0);
}
