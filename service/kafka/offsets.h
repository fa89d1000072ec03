/* kafka/offsets: which records a batch holds: per partition the first offset, to rewind to after an abort,
   and the next one, to commit. "Last + 1" is computed here and nowhere else. One thread each. */
#pragma once

#include "base/auto.h"

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct offset_range {
    const char *topic; /* the table's */
    int32_t partition;
    int64_t first;
    int64_t next;
};

struct offset_table;

/* NULL when out of memory. */
struct offset_table *offset_table_new(void);
void offset_table_free(struct offset_table *table);
AUTO_DEFINE(offset_table, struct offset_table, offset_table_free);

/* Notes that the message belongs to the batch. Messages of one partition come in order. False when out of
   memory: the table is as before. */
bool offset_table_add(struct offset_table *table, const rd_kafka_message_t *message);
/* The same, told by place. */
bool offset_table_add_place(struct offset_table *table, const char *topic, int32_t partition, int64_t offset);
/* Takes one partition out, as when it was lost to another member. */
void offset_table_remove(struct offset_table *table, const char *topic, int32_t partition);
/* Forgets all: the batch is committed, or rewound. */
void offset_table_clear(struct offset_table *table);

size_t offset_table_count(const struct offset_table *table);
/* The ranges, offset_table_count() of them, good until the table changes. */
const struct offset_range *offset_table_ranges(const struct offset_table *table);

/* New lists for librdkafka with the next or the first offsets; free with
 * rd_kafka_topic_partition_list_destroy(). */
rd_kafka_topic_partition_list_t *offset_table_next_list(const struct offset_table *table);
rd_kafka_topic_partition_list_t *offset_table_first_list(const struct offset_table *table);
