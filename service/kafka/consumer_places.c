/* Where delivery stands in each assigned partition: how far it has come, pauses, and going back. */
#include "kafka/consumer_private.h"
#include "kafka/errors.h"

#include <stdlib.h>

bool consumer_set_assigned(struct consumer *consumer, const rd_kafka_topic_partition_list_t *partitions)
{
    size_t count = partitions != NULL ? (size_t)partitions->cnt : 0;
    struct place *places = calloc(count + 1, sizeof *places);
    bool good = places != NULL;
    rd_kafka_topic_partition_list_destroy(consumer->assigned);
    consumer->assigned = good && partitions != NULL ? rd_kafka_topic_partition_list_copy(partitions)
                                                    : rd_kafka_topic_partition_list_new(0);
    for (int i = 0; i < consumer->assigned->cnt; i++) {
        consumer->assigned->elems[i].offset = RD_KAFKA_OFFSET_INVALID;
        places[i] = (struct place){.next = PLACE_UNKNOWN, .reached = PLACE_UNKNOWN};
    }
    free(consumer->places);
    consumer->places = places;
    return good;
}

int consumer_find(const struct consumer *consumer, const char *topic, int32_t partition)
{
    const rd_kafka_topic_partition_t *found =
        rd_kafka_topic_partition_list_find(consumer->assigned, topic, partition);
    return found != NULL ? (int)(found - consumer->assigned->elems) : -1;
}

bool consumer_note_record(struct consumer *consumer, const rd_kafka_message_t *message)
{
    int i = consumer_find(consumer, rd_kafka_topic_name(message->rkt), message->partition);
    if (i < 0)
        return true;
    struct place *place = &consumer->places[i];
    if (place->paused) {
        if (place->next == PLACE_UNKNOWN || message->offset < place->next)
            place->next = message->offset;
        return false;
    }
    place->next = message->offset + 1;
    place->reached = place->next;
    return true;
}

void consumer_note_end(struct consumer *consumer, const rd_kafka_message_t *message)
{
    int i = consumer_find(consumer, rd_kafka_topic_name(message->rkt), message->partition);
    /* What stands still is not asked how far it has come: its end is told again after the resume. */
    if (i >= 0 && !consumer->places[i].paused && message->offset > consumer->places[i].reached)
        consumer->places[i].reached = message->offset;
}

int64_t consumer_reached(const struct consumer *consumer, const char *topic, int32_t partition)
{
    int i = consumer_find(consumer, topic, partition);
    if (i < 0)
        return PLACE_UNKNOWN;
    if (consumer->places[i].reached != PLACE_UNKNOWN)
        return consumer->places[i].reached;
    int64_t committed = consumer->assigned->elems[i].offset;
    return committed >= 0 ? committed : PLACE_UNKNOWN;
}

/* A list of the partitions that are paused by consumer_pause_all() only. */
static rd_kafka_topic_partition_list_t *not_paused_alone(const struct consumer *consumer)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(consumer->assigned->cnt);
    for (int i = 0; i < consumer->assigned->cnt; i++)
        if (!consumer->places[i].paused)
            rd_kafka_topic_partition_list_add(list, consumer->assigned->elems[i].topic,
                                              consumer->assigned->elems[i].partition);
    return list;
}

static bool pause_list(struct consumer *consumer, rd_kafka_topic_partition_list_t *list, struct err *err)
{
    rd_kafka_resp_err_t failure = rd_kafka_pause_partitions(consumer->client, list);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
        failure = consumer_first_error(list);
    return kafka_err_code(err, failure, "cannot pause the partitions");
}

static bool seek_list(struct consumer *consumer, rd_kafka_topic_partition_list_t *list, struct err *err)
{
    if (list->cnt == 0)
        return true;
    /* -1: 2.0.2 takes any other timeout a thousand times too short. It is answered by librdkafka's own
     * threads. */
    rd_kafka_error_t *error = rd_kafka_seek_partitions(consumer->client, list, -1);
    rd_kafka_resp_err_t failure = error != NULL ? rd_kafka_error_code(error) : consumer_first_error(list);
    if (error != NULL)
        rd_kafka_error_destroy(error);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    /* Where it would go on is unknown now: only a new consumer, from the committed offsets, is right. */
    consumer->fatal = true;
    return err_set(err, ERR_KAFKA_FATAL, "cannot go to the offsets where reading must go on: %s",
                   rd_kafka_err2str(failure));
}

/* Resumes; what was paused alone before goes on from its own place, whatever librdkafka had fetched. */
static bool resume_list(struct consumer *consumer, rd_kafka_topic_partition_list_t *list, struct err *err)
{
    rd_kafka_resp_err_t failure = rd_kafka_resume_partitions(consumer->client, list);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
        failure = consumer_first_error(list);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR) {
        consumer->fatal = true; /* they would stand still for ever */
        return kafka_err_code(err, failure, "cannot resume the partitions");
    }
    rd_kafka_topic_partition_list_t *seeks = rd_kafka_topic_partition_list_new(1);
    for (int i = 0; i < list->cnt; i++) {
        struct place *place =
            &consumer->places[consumer_find(consumer, list->elems[i].topic, list->elems[i].partition)];
        if (place->seek && place->next != PLACE_UNKNOWN)
            rd_kafka_topic_partition_list_add(seeks, list->elems[i].topic, list->elems[i].partition)->offset =
                place->next;
        place->seek = false;
    }
    bool good = seek_list(consumer, seeks, err);
    rd_kafka_topic_partition_list_destroy(seeks);
    return good;
}

bool consumer_pause_all(struct consumer *consumer, struct err *err)
{
    consumer->paused = true;
    rd_kafka_topic_partition_list_t *list = not_paused_alone(consumer);
    bool good = pause_list(consumer, list, err);
    rd_kafka_topic_partition_list_destroy(list);
    return good;
}

bool consumer_resume_all(struct consumer *consumer, struct err *err)
{
    consumer->paused = false;
    rd_kafka_topic_partition_list_t *list = not_paused_alone(consumer);
    bool good = resume_list(consumer, list, err);
    rd_kafka_topic_partition_list_destroy(list);
    return good;
}

bool consumer_is_paused(const struct consumer *consumer)
{
    return consumer->paused;
}

/* Sets whether the partition is paused alone; pauses or resumes it where that changes something. */
static bool set_paused(struct consumer *consumer, const char *topic, int32_t partition, bool paused,
                       struct err *err)
{
    int i = consumer_find(consumer, topic, partition);
    if (i < 0 || consumer->places[i].paused == paused)
        return true;
    consumer->places[i].paused = paused;
    consumer->places[i].seek = true;
    if (consumer->paused)
        return true;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition);
    bool good = paused ? pause_list(consumer, list, err) : resume_list(consumer, list, err);
    rd_kafka_topic_partition_list_destroy(list);
    if (!good && paused)
        consumer->places[i].paused = consumer->places[i].seek = false;
    return good;
}

bool consumer_pause_partition(struct consumer *consumer, const char *topic, int32_t partition,
                              struct err *err)
{
    return set_paused(consumer, topic, partition, true, err);
}

bool consumer_resume_partition(struct consumer *consumer, const char *topic, int32_t partition,
                               struct err *err)
{
    return set_paused(consumer, topic, partition, false, err);
}

bool consumer_rewind(struct consumer *consumer, const struct offset_table *batch, struct err *err)
{
    rd_kafka_topic_partition_list_t *first = offset_table_first_list(batch);
    for (int i = first->cnt - 1; i >= 0; i--) {
        int at = consumer_find(consumer, first->elems[i].topic, first->elems[i].partition);
        if (at < 0)
            rd_kafka_topic_partition_list_del_by_idx(first, i);
        else
            consumer->places[at].next = consumer->places[at].reached = first->elems[i].offset;
    }
    bool good = seek_list(consumer, first, err);
    rd_kafka_topic_partition_list_destroy(first);
    return good;
}
