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
        if (consumer->assigned->elems[i].offset < 0)
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

static bool is_paused(const struct consumer *consumer, const struct place *place)
{
    return consumer->paused || place->paused;
}

static rd_kafka_topic_partition_t *add(rd_kafka_topic_partition_list_t *list, const struct consumer *consumer,
                                       int index)
{
    const rd_kafka_topic_partition_t *one = &consumer->assigned->elems[index];
    return rd_kafka_topic_partition_list_add(list, one->topic, one->partition);
}

static bool seek_list(struct consumer *consumer, rd_kafka_topic_partition_list_t *list, struct err *err)
{
    if (list->cnt == 0)
        return true;
    /* -1: 2.0.2 takes any other timeout a thousand times too short. It is answered by librdkafka's own
     * threads. */
    rd_kafka_error_t *error = rd_kafka_seek_partitions(consumer->client, list, -1);
    rd_kafka_resp_err_t failure = error != NULL ? rd_kafka_error_code(error) : kafka_first_error(list);
    if (error != NULL)
        rd_kafka_error_destroy(error);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    /* Where it would go on is unknown now: only a new consumer, from the committed offsets, is right. */
    return err_set(err, ERR_KAFKA_FATAL, "cannot go to the offsets where reading must go on: %s",
                   rd_kafka_err2str(failure));
}

/* Pauses in librdkafka what is to stand still. A partition whose place is unknown is left until its first
   record or end comes (and is held back): a pause that meets the look-up of the offset where to start makes
   librdkafka (2.0.2) drop the answer, and then either sleep or start at the beginning once more. */
static bool hold(struct consumer *consumer, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    for (int i = 0; i < consumer->assigned->cnt; i++) {
        struct place *place = &consumer->places[i];
        if (!is_paused(consumer, place) || place->held || place->next == PLACE_UNKNOWN)
            continue;
        add(list, consumer, i);
        place->held = true;
    }
    rd_kafka_resp_err_t failure = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (list->cnt > 0) {
        failure = rd_kafka_pause_partitions(consumer->client, list);
        if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
            failure = kafka_first_error(list);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return kafka_err_code(err, failure, "cannot pause the partitions");
}

/* Resumes in librdkafka what need not stand still any more, or all. Each partition goes on from its place as
   we know it, whatever librdkafka had fetched or remembers. */
static bool let_go(struct consumer *consumer, bool all, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    for (int i = 0; i < consumer->assigned->cnt; i++) {
        struct place *place = &consumer->places[i];
        if (!place->held || (is_paused(consumer, place) && !all))
            continue;
        add(list, consumer, i)->offset = place->next;
        place->held = false;
    }
    bool good = true;
    if (list->cnt > 0) {
        rd_kafka_resp_err_t failure = rd_kafka_resume_partitions(consumer->client, list);
        if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
            failure = kafka_first_error(list);
        good = kafka_err_code(err, failure, "cannot resume the partitions") &&
               (all || seek_list(consumer, list, err));
        consumer->fatal |= !good && !all;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return good;
}

void consumer_forget_pauses(struct consumer *consumer)
{
    struct err ignored = {0};
    let_go(consumer, true, &ignored);
}

enum verdict consumer_note_record(struct consumer *consumer, int index, int64_t offset)
{
    if (index < 0)
        return RECORD_HAND_OUT;
    struct place *place = &consumer->places[index];
    if (is_paused(consumer, place)) {
        consumer_note_fetch(consumer, index, offset);
        return RECORD_HOLD_BACK;
    }
    if (place->next != PLACE_UNKNOWN && offset < place->next)
        return RECORD_WENT_BACK;
    place->next = offset + 1;
    place->reached = place->next;
    return RECORD_HAND_OUT;
}

void consumer_note_end(struct consumer *consumer, int index, int64_t offset)
{
    if (index < 0)
        return;
    struct place *place = &consumer->places[index];
    bool is_first = place->next == PLACE_UNKNOWN;
    consumer_note_fetch(consumer, index, offset);
    /* Later ends of what stands still are told again after the resume. */
    if ((is_first || !is_paused(consumer, place)) && offset > place->reached)
        place->reached = offset;
}

void consumer_note_fetch(struct consumer *consumer, int index, int64_t offset)
{
    if (index < 0 || offset < 0 || consumer->places[index].next != PLACE_UNKNOWN)
        return;
    struct err ignored = {0}; /* what comes is held back anyway */
    consumer->places[index].next = offset;
    hold(consumer, &ignored);
}

bool consumer_pause_all(struct consumer *consumer, struct err *err)
{
    consumer->paused = true;
    return hold(consumer, err);
}

bool consumer_resume_all(struct consumer *consumer, struct err *err)
{
    consumer->paused = false;
    return let_go(consumer, false, err);
}

bool consumer_is_paused(const struct consumer *consumer)
{
    return consumer->paused;
}

bool consumer_pause_partition(struct consumer *consumer, const char *topic, int32_t partition,
                              struct err *err)
{
    int i = consumer_find(consumer, topic, partition);
    if (i < 0)
        return true;
    struct place *place = &consumer->places[i];
    bool was_held = place->held;
    place->paused = true;
    if (hold(consumer, err))
        return true;
    place->paused = false;
    place->held = was_held;
    return false;
}

bool consumer_resume_partition(struct consumer *consumer, const char *topic, int32_t partition,
                               struct err *err)
{
    int i = consumer_find(consumer, topic, partition);
    if (i < 0)
        return true;
    consumer->places[i].paused = false;
    return let_go(consumer, false, err);
}

void consumer_fetch_again(struct consumer *consumer, const char *topic, int32_t partition)
{
    int i = consumer_find(consumer, topic, partition);
    if (i < 0 || is_paused(consumer, &consumer->places[i]) || consumer->places[i].next == PLACE_UNKNOWN)
        return;
    struct err ignored = {0}; /* then it is where it was, and is tried again */
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    add(list, consumer, i)->offset = consumer->places[i].next;
    seek_list(consumer, list, &ignored);
    rd_kafka_topic_partition_list_destroy(list);
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
    consumer->fatal |= !good;
    rd_kafka_topic_partition_list_destroy(first);
    return good;
}
