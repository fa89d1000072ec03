/* What the files of the consumer share. Private to them. */
#pragma once

#include "kafka/client_private.h"
#include "kafka/consumer.h"

enum { PLACE_UNKNOWN = -1 };

/* What is known of one assigned partition. */
struct place {
    int64_t
        next; /* where delivery goes on: behind the last record or where it went back to; or PLACE_UNKNOWN */
    int64_t reached; /* see consumer_reached() */
    bool paused;     /* alone, see consumer_pause_partition() */
    bool seek;       /* when it is resumed, delivery must be told to go on from `next` */
};

struct consumer {
    struct kafka_trouble trouble; /* first: librdkafka's opaque, see client_private.h */
    rd_kafka_t *client;
    struct consumer_hooks hooks;
    /* What is assigned now, each with the offset last committed by us, or RD_KAFKA_OFFSET_INVALID while
     * unknown. */
    rd_kafka_topic_partition_list_t *assigned;
    struct place *places;      /* of the same indices */
    rd_kafka_queue_t *commits; /* answers to consumer_commit_sync() */
    bool commit_under_way;     /* one was not answered in time */
    bool commits_work;         /* the latest was answered well */
    bool joined;
    bool paused;
    bool fatal;
    bool closing;
    bool closed;
};

/* The assigned partition's index, or -1. */
int consumer_find(const struct consumer *consumer, const char *topic, int32_t partition);

/* Takes over what is assigned now (NULL: nothing), of which nothing is known yet. False when out of memory:
   nothing counts as assigned then. */
bool consumer_set_assigned(struct consumer *consumer, const rd_kafka_topic_partition_list_t *partitions);

/* Notes a record that is about to be handed out. False: it must not be, its partition is paused alone. */
bool consumer_note_record(struct consumer *consumer, const rd_kafka_message_t *message);
/* Notes that a partition's end was met. */
void consumer_note_end(struct consumer *consumer, const rd_kafka_message_t *message);

/* The first error of a list that librdkafka filled in. */
rd_kafka_resp_err_t consumer_first_error(const rd_kafka_topic_partition_list_t *list);
