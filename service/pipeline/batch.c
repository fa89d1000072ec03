#include "pipeline/batch.h"

#include <stdlib.h>
#include <time.h>

int64_t monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

bool batch_add_take(struct batch *batch, rd_kafka_message_t *message)
{
    if (batch->count == batch->cap) {
        size_t cap = batch->cap > 0 ? batch->cap * 2 : 128;
        rd_kafka_message_t **messages = reallocarray(batch->messages, cap, sizeof *messages);
        if (messages == NULL)
            return false;
        batch->messages = messages;
        batch->cap = cap;
    }
    if (batch->count == 0)
        batch->polled_at_us = monotonic_us();
    batch->messages[batch->count++] = message;
    return true;
}

void batch_clear(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        rd_kafka_message_destroy(batch->messages[i]);
    batch->count = 0;
}

void batch_free(struct batch *batch)
{
    batch_clear(batch);
    free(batch->messages);
    *batch = (struct batch){0};
}

bool batch_offsets(const struct batch *batch, size_t first, size_t end, struct offset_table *table,
                   struct err *err)
{
    offset_table_clear(table);
    for (size_t i = first; i < end; i++)
        if (!offset_table_add(table, batch->messages[i]))
            return err_set(err, ERR_NO_MEMORY, "out of memory for the offsets of a batch");
    return true;
}
