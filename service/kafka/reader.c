/* All partitions of one topic from their beginning or end, by assignment, with a mark where the past ends. */
#include "kafka/reader.h"
#include "kafka/client_private.h"
#include "kafka/deadline.h"
#include "kafka/errors.h"
#include "kafka/login.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_FOR_PARTITIONS_MS = 30000, LOOK_TIMEOUT_MS = 1000, ASK_AFTER_MS = 2000, ASK_TIMEOUT_MS = 300 };

struct reader_partition {
    int64_t next; /* where reading goes on; RD_KAFKA_OFFSET_BEGINNING until something was read */
    int64_t end;  /* the end when reading began */
    bool caught_up;
    bool failing; /* the latest that was heard of it is an error */
};

struct reader {
    struct kafka_trouble trouble; /* first: librdkafka's opaque, see client_private.h */
    rd_kafka_t *client;
    rd_kafka_topic_t *topic;
    enum reader_start start;
    struct reader_partition *partitions;
    size_t partition_count;
    size_t caught_up_count;
    size_t first_count; /* partitions of reader_begin(): those found later do not count for catching up */
    uint64_t record_count;
    int64_t look_at; /* monotonic ms: when to look for new partitions */
    bool begun;
    bool paused;
    bool fatal;
};

struct reader *reader_new(rd_kafka_conf_t *conf, const char *group_id, const char *topic,
                          enum reader_start start, struct err *err)
{
    char reason[ERR_TEXT_MAX];
    struct reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL ||
        rd_kafka_conf_set(conf, "group.id", group_id, reason, sizeof reason) != RD_KAFKA_CONF_OK) {
        rd_kafka_conf_destroy(conf);
        err_set(err, reader == NULL ? ERR_NO_MEMORY : ERR_CONFIG_INVALID, "%s",
                reader == NULL ? "out of memory while a reader was made" : reason);
        free(reader);
        return NULL;
    }
    reader->start = start;
    reader->client = kafka_client_new(RD_KAFKA_CONSUMER, conf, &reader->trouble, err);
    if (reader->client == NULL) {
        free(reader);
        return NULL;
    }
    rd_kafka_poll_set_consumer(reader->client);
    reader->topic = rd_kafka_topic_new(reader->client, topic, NULL);
    if (reader->topic == NULL) {
        err_set(err, ERR_CONFIG_INVALID, "\"%s\" cannot be the name of a topic", topic);
        reader_free(reader);
        return NULL;
    }
    return reader;
}

static void end(void *arg)
{
    struct reader *reader = arg;
    if (reader->topic != NULL)
        rd_kafka_topic_destroy(reader->topic);
    /* No group was joined: there is nothing to close politely. */
    kafka_client_destroy(reader->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    free(reader->partitions);
    free(reader);
}

void reader_free(struct reader *reader)
{
    if (reader != NULL)
        kafka_end_within(end, reader, KAFKA_END_MS);
}

/* A list of all partitions, each with the place where reading goes on. */
static rd_kafka_topic_partition_list_t *places(const struct reader *reader)
{
    const char *name = rd_kafka_topic_name(reader->topic);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)reader->partition_count);
    for (size_t i = 0; i < reader->partition_count; i++)
        rd_kafka_topic_partition_list_add(list, name, (int32_t)i)->offset = reader->partitions[i].next;
    return list;
}

static rd_kafka_resp_err_t assign(struct reader *reader)
{
    rd_kafka_topic_partition_list_t *list = places(reader);
    rd_kafka_resp_err_t failure = rd_kafka_assign(reader->client, list);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR && reader->paused)
        failure = rd_kafka_pause_partitions(reader->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    return failure;
}

/* Makes room for `count` partitions; the added ones are to be read from their beginning. */
static bool grow(struct reader *reader, size_t count)
{
    struct reader_partition *partitions = reallocarray(reader->partitions, count, sizeof *partitions);
    if (partitions == NULL)
        return false;
    for (size_t i = reader->partition_count; i < count; i++)
        partitions[i] = (struct reader_partition){.next = RD_KAFKA_OFFSET_BEGINNING};
    reader->partitions = partitions;
    reader->partition_count = count;
    return true;
}

static void note_position(struct reader *reader, size_t partition, int64_t next)
{
    struct reader_partition *one = &reader->partitions[partition];
    one->next = next;
    if (!one->caught_up && next >= one->end && partition < reader->first_count) {
        one->caught_up = true;
        reader->caught_up_count++;
    }
}

/* Asks for the ends as a read_committed reader sees them. */
static rd_kafka_resp_err_t take_ends(struct reader *reader, int timeout_ms)
{
    rd_kafka_topic_partition_list_t *list = places(reader);
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = RD_KAFKA_OFFSET_END;
    rd_kafka_resp_err_t failure = rd_kafka_offsets_for_times(reader->client, list, timeout_ms);
    for (int i = 0; i < list->cnt && failure == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        failure = list->elems[i].err;
    for (int i = 0; i < list->cnt && failure == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        struct reader_partition *one = &reader->partitions[list->elems[i].partition];
        one->end = list->elems[i].offset;
        if (reader->start == READER_FROM_END)
            note_position(reader, (size_t)i, one->end);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return failure;
}

/* So that the client's errors are told before a partition is assigned. */
static void serve_callbacks(struct reader *reader)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->client, 0);
    if (message != NULL)
        rd_kafka_message_destroy(message);
}

bool reader_begin(struct reader *reader, int timeout_ms, struct err *err)
{
    if (reader->begun)
        return true;
    char what[ERR_TEXT_MAX / 2];
    snprintf(what, sizeof what, "cannot read topic %s", rd_kafka_topic_name(reader->topic));
    int64_t deadline = deadline_in(timeout_ms);
    struct kafka_topic_state state;
    rd_kafka_resp_err_t failure =
        kafka_topic_state(reader->client, rd_kafka_topic_name(reader->topic), timeout_ms, &state);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR) {
        free(reader->partitions);
        reader->partitions = NULL;
        reader->partition_count = 0;
        reader->caught_up_count = 0;
        if (!grow(reader, state.partition_count))
            return err_set(err, ERR_NO_MEMORY, "%s: out of memory", what);
        reader->first_count = state.partition_count;
        failure = take_ends(reader, deadline_left(deadline, timeout_ms));
    }
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
        failure = assign(reader);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR) {
        serve_callbacks(reader);
        kafka_trouble_note(&reader->trouble, reader->client, failure, what);
        return kafka_err_told(err, &reader->trouble, failure, what);
    }
    kafka_trouble_clear(&reader->trouble);
    reader->begun = true;
    reader->look_at = deadline_in(LOOK_FOR_PARTITIONS_MS);
    return true;
}

static void note_fatal(struct reader *reader, rd_kafka_resp_err_t code, const char *text)
{
    kafka_trouble_note(&reader->trouble, reader->client, code, text);
    reader->fatal = true;
}

void reader_look_for_partitions(struct reader *reader)
{
    reader->look_at = deadline_in(LOOK_FOR_PARTITIONS_MS);
    struct kafka_topic_state state;
    if (kafka_topic_state(reader->client, rd_kafka_topic_name(reader->topic), LOOK_TIMEOUT_MS, &state) !=
            RD_KAFKA_RESP_ERR_NO_ERROR ||
        state.partition_count <= reader->partition_count || !grow(reader, state.partition_count))
        return;
    rd_kafka_resp_err_t failure = assign(reader);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
        note_fatal(reader, failure, rd_kafka_err2str(failure));
}

static bool is_failing(const struct reader *reader)
{
    bool failing = false;
    for (size_t i = 0; i < reader->partition_count; i++)
        failing = failing || reader->partitions[i].failing;
    return failing;
}

/* Without records nothing tells that trouble is over, so it is asked, and the partitions are fetched again:
   each gives a record, its end or its error. What has gone can only be read from its beginning when it comes
   back. */
static void ask_if_over(struct reader *reader)
{
    struct kafka_topic_state state;
    const char *topic = rd_kafka_topic_name(reader->topic);
    rd_kafka_resp_err_t failure = kafka_topic_state(reader->client, topic, ASK_TIMEOUT_MS, &state);
    char text[ERR_TEXT_MAX / 2];
    snprintf(text, sizeof text, "topic %s: %s", topic, rd_kafka_err2str(failure));
    if (failure == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
        note_fatal(reader, failure, text);
        return;
    }
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    if (!is_failing(reader))
        kafka_trouble_clear(&reader->trouble);
    else if ((failure = assign(reader)) != RD_KAFKA_RESP_ERR_NO_ERROR)
        note_fatal(reader, failure, rd_kafka_err2str(failure));
}

static void note_error(struct reader *reader, const rd_kafka_message_t *message)
{
    const char *topic = rd_kafka_topic_name(reader->topic), *said = rd_kafka_message_errstr(message);
    char text[ERR_TEXT_MAX / 2];
    bool named = strstr(said, topic) != NULL; /* what is said of a failed fetch names no topic */
    snprintf(text, sizeof text, "%s%s%s", named ? "" : topic, named ? "" : ": ", said);
    if (message->rkt != NULL && message->partition >= 0 &&
        (size_t)message->partition < reader->partition_count)
        reader->partitions[message->partition].failing = true;
    kafka_trouble_note(&reader->trouble, reader->client, message->err, text);
    if (kafka_classify_code(message->err) == ERR_KAFKA_FATAL)
        reader->fatal = true;
}

/* A record, or a partition's end: that partition is well. */
static void note_fetched(struct reader *reader, const rd_kafka_message_t *message, bool is_record)
{
    struct reader_partition *one = &reader->partitions[message->partition];
    bool went_back = message->offset < one->next;
    one->failing = false;
    note_position(reader, (size_t)message->partition, is_record ? message->offset + 1 : message->offset);
    if (went_back) {
        char text[ERR_TEXT_MAX / 2];
        snprintf(text, sizeof text,
                 "partition %" PRId32 " of topic %s went back to offset %" PRId64
                 ": it was truncated or made anew; reading it from the beginning",
                 message->partition, rd_kafka_topic_name(reader->topic), message->offset);
        note_fatal(reader, RD_KAFKA_RESP_ERR__FATAL, text);
    }
    if (!reader->fatal && !is_failing(reader))
        kafka_trouble_clear(&reader->trouble);
}

rd_kafka_message_t *reader_poll(struct reader *reader, int timeout_ms)
{
    int64_t now = monotonic_ms();
    kafka_login_look(now);
    if (reader->begun && now >= reader->look_at)
        reader_look_for_partitions(reader);
    if (reader->begun && !reader->fatal && kafka_trouble_is_due(&reader->trouble, ASK_AFTER_MS))
        ask_if_over(reader);
    rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->client, timeout_ms);
    if (kafka_classify_code(reader->trouble.code) == ERR_KAFKA_FATAL)
        reader->fatal = true;
    if (message == NULL)
        return NULL;
    bool is_record = message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (is_record || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        note_fetched(reader, message, is_record);
    else
        note_error(reader, message);
    if (is_record && !reader->fatal) {
        reader->record_count++;
        return message;
    }
    rd_kafka_message_destroy(message);
    return NULL;
}

bool reader_is_caught_up(const struct reader *reader)
{
    return reader->begun && reader->caught_up_count == reader->first_count;
}

size_t reader_partition_count(const struct reader *reader)
{
    return reader->partition_count;
}

uint64_t reader_record_count(const struct reader *reader)
{
    return reader->record_count;
}

static bool set_paused(struct reader *reader, bool paused, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = places(reader);
    reader->paused = paused;
    rd_kafka_resp_err_t failure = paused ? rd_kafka_pause_partitions(reader->client, list)
                                         : rd_kafka_resume_partitions(reader->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    return kafka_err_code(err, failure, "cannot pause or resume the reader");
}

bool reader_pause(struct reader *reader, struct err *err)
{
    return set_paused(reader, true, err);
}

bool reader_resume(struct reader *reader, struct err *err)
{
    return set_paused(reader, false, err);
}

bool reader_is_fatal(const struct reader *reader)
{
    return reader->fatal;
}

const char *reader_trouble(const struct reader *reader)
{
    return kafka_trouble_text(&reader->trouble);
}

rd_kafka_t *reader_handle(const struct reader *reader)
{
    return reader->client;
}
