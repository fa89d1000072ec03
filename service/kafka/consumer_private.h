/* What the files of the consumer share. Private to them. */
#pragma once

#include "kafka/client_private.h"
#include "kafka/consumer.h"

enum { PLACE_UNKNOWN = -1 };

/* What is known of one assigned partition. */
struct place {
    int64_t next;    /* where delivery goes on; PLACE_UNKNOWN until the first record, end or fetch error */
    int64_t reached; /* see consumer_reached() */
    bool paused;     /* alone, see consumer_pause_partition() */
    bool held;       /* paused in librdkafka */
};

struct consumer {
    struct kafka_trouble trouble; /* first: librdkafka's opaque, see client_private.h */
    rd_kafka_t *client;
    struct consumer_hooks hooks;
    /* What is assigned now, each with the offset last committed by us, or RD_KAFKA_OFFSET_INVALID while
     * unknown. */
    rd_kafka_topic_partition_list_t *assigned;
    struct place *places; /* of the same indices */
    rd_kafka_topic_partition_list_t
        *unbegun;              /* given by the group, but where to begin is not known; or NULL */
    int64_t asked_at;          /* monotonic ms: when that was asked last */
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

/* Takes over what is assigned now (NULL: nothing), with the committed offsets where there are any. False when
   out of memory: nothing counts as assigned then. */
bool consumer_set_assigned(struct consumer *consumer, const rd_kafka_topic_partition_list_t *partitions);

/* What becomes of a record. */
enum verdict {
    RECORD_HAND_OUT,
    RECORD_HOLD_BACK, /* its partition is paused: it comes again after the resume */
    RECORD_WENT_BACK, /* it was handed out before: the partition was truncated or made anew */
};

/* Notes where a record, a partition's end or a fetch error stands, with the index of its partition. */
enum verdict consumer_note_record(struct consumer *consumer, int index, int64_t offset);
void consumer_note_end(struct consumer *consumer, int index, int64_t offset);
void consumer_note_fetch(struct consumer *consumer, int index, int64_t offset);

/* Has the partition's delivery begin anew where it stands, unless that is unknown or it is paused. */
void consumer_fetch_again(struct consumer *consumer, const char *topic, int32_t partition);

/* Lifts all pauses in librdkafka, which keeps them over rebalances, before the partitions are given up. */
void consumer_forget_pauses(struct consumer *consumer);
