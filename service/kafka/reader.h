/* kafka/reader: reads a topic whole, all partitions, without a consumer group: the inventory by every
   instance, any topic by `certswap watch`. One thread each. */
#pragma once

#include "kafka/client.h"

struct reader;

enum reader_start {
    READER_FROM_BEGINNING,
    READER_FROM_END, /* only what comes after reader_begin() has answered true */
};

/* A reader of the topic; takes the configuration (KAFKA_INVENTORY_CONSUMER), also on failure. No I/O yet.
   group_id is never joined and nothing is committed to it: librdkafka looks its coordinator up, so it must be
   one that the brokers' ACLs let the user see. */
struct reader *reader_new(rd_kafka_conf_t *conf, const char *group_id, const char *topic,
                          enum reader_start start, struct err *err);
void reader_free(struct reader *reader);
AUTO_DEFINE(reader, struct reader, reader_free);

/* Finds the partitions, takes their present ends (last stable offsets), and assigns them. Resumable: call
   again after ERR_KAFKA_RETRIABLE, which also a missing topic gives, named with the remedy. True at once when
   it has started. */
bool reader_begin(struct reader *reader, int timeout_ms, struct err *err);

/* The next record, waiting at most timeout_ms, or NULL. Never a message with an error. Calls
   reader_look_for_partitions() every 30 seconds. */
rd_kafka_message_t *reader_poll(struct reader *reader, int timeout_ms);
/* Asks now whether the topic has more partitions than before, and reads those from their beginning. */
void reader_look_for_partitions(struct reader *reader);

/* Whether everything up to the ends taken by reader_begin() has been handed out. Control records and aborted
   ones at a partition's end do not hold it up. Stays true. */
bool reader_is_caught_up(const struct reader *reader);

size_t reader_partition_count(const struct reader *reader);
/* Records handed out so far. */
uint64_t reader_record_count(const struct reader *reader);

/* Stop and resume delivery, as when what is read cannot be stored now. */
bool reader_pause(struct reader *reader, struct err *err);
bool reader_resume(struct reader *reader, struct err *err);

/* As of struct consumer. Trouble shows also when nothing is to be read, and goes when it is over; a topic
   that was deleted, or went back, can only be read by another reader. */
bool reader_is_fatal(const struct reader *reader);
const char *reader_trouble(const struct reader *reader);

rd_kafka_t *reader_handle(const struct reader *reader);
