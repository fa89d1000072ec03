/* The offset ranges of a batch: a short array, as one pipeline has few partitions. */
#include "kafka/offsets.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct offset_table {
    struct offset_range *ranges;
    size_t count;
    size_t cap;
    size_t latest; /* where the last add hit: records come in runs of one partition */
};

struct offset_table *offset_table_new(void)
{
    return calloc(1, sizeof(struct offset_table));
}

static void drop_topic(struct offset_range *range)
{
    free((void *)(uintptr_t)range->topic);
}

void offset_table_clear(struct offset_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        drop_topic(&table->ranges[i]);
    table->count = 0;
    table->latest = 0;
}

void offset_table_free(struct offset_table *table)
{
    if (table == NULL)
        return;
    offset_table_clear(table);
    free(table->ranges);
    free(table);
}

static bool is_range_of(const struct offset_range *range, const char *topic, int32_t partition)
{
    return range->partition == partition && strcmp(range->topic, topic) == 0;
}

/* The index of the partition's range, or count. */
static size_t find(const struct offset_table *table, const char *topic, int32_t partition)
{
    if (table->latest < table->count && is_range_of(&table->ranges[table->latest], topic, partition))
        return table->latest;
    size_t i = 0;
    while (i < table->count && !is_range_of(&table->ranges[i], topic, partition))
        i++;
    return i;
}

static bool append(struct offset_table *table, const char *topic, int32_t partition, int64_t offset)
{
    if (table->count == table->cap) {
        size_t cap = table->cap > 0 ? table->cap * 2 : 8;
        struct offset_range *ranges = reallocarray(table->ranges, cap, sizeof *ranges);
        if (ranges == NULL)
            return false;
        table->ranges = ranges;
        table->cap = cap;
    }
    char *copy = strdup(topic);
    if (copy == NULL)
        return false;
    table->ranges[table->count++] =
        (struct offset_range){.topic = copy, .partition = partition, .first = offset, .next = offset};
    return true;
}

bool offset_table_add_place(struct offset_table *table, const char *topic, int32_t partition, int64_t offset)
{
    size_t i = find(table, topic, partition);
    if (i == table->count && !append(table, topic, partition, offset))
        return false;
    struct offset_range *range = &table->ranges[i];
    assert(offset >= range->next);
    range->next = offset + 1;
    table->latest = i;
    return true;
}

bool offset_table_add(struct offset_table *table, const rd_kafka_message_t *message)
{
    return offset_table_add_place(table, rd_kafka_topic_name(message->rkt), message->partition,
                                  message->offset);
}

void offset_table_remove(struct offset_table *table, const char *topic, int32_t partition)
{
    size_t i = find(table, topic, partition);
    if (i == table->count)
        return;
    drop_topic(&table->ranges[i]);
    table->ranges[i] = table->ranges[--table->count];
}

size_t offset_table_count(const struct offset_table *table)
{
    return table->count;
}

const struct offset_range *offset_table_ranges(const struct offset_table *table)
{
    return table->ranges;
}

static rd_kafka_topic_partition_list_t *list_of(const struct offset_table *table, bool next)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)table->count);
    for (size_t i = 0; i < table->count; i++) {
        const struct offset_range *range = &table->ranges[i];
        rd_kafka_topic_partition_list_add(list, range->topic, range->partition)->offset =
            next ? range->next : range->first;
    }
    return list;
}

rd_kafka_topic_partition_list_t *offset_table_next_list(const struct offset_table *table)
{
    return list_of(table, true);
}

rd_kafka_topic_partition_list_t *offset_table_first_list(const struct offset_table *table)
{
    return list_of(table, false);
}
