/* redis/watermark: for each partition of the event topics a moment, by Redis' clock, before which everything
   appended to it has been staged. Written by who stages, read by who would reject a command for want of
   material. */
#pragma once

#include "base/arena.h"
#include "redis/connection.h"

/* Redis' clock, in milliseconds: the one clock of all instances. */
bool redis_time(struct redis *redis, int64_t *now_ms, struct err *err);

struct watermark {
    const char *topic;
    int32_t partition;
    int64_t ms;
};

/* Moves `count` watermarks forward (never back) in one round trip. */
bool watermark_advance(struct redis *redis, const struct watermark *marks, size_t count, struct err *err);

/* All watermarks, and Redis' clock, as of one moment; in an arena. */
struct watermark_table {
    int64_t now_ms;
    struct span *fields; /* "topic-partition" */
    int64_t *ms;
    size_t count;
};

/* Queues the question; the answer comes in its turn among the others of the round trip. */
bool watermark_ask(struct redis *redis, struct err *err);
bool watermark_answer(struct redis *redis, struct arena *arena, struct watermark_table *table,
                      struct err *err);

/* Whether each of the topic's partitions [0, partitions) has a watermark later than the moment. */
bool watermark_passed(const struct watermark_table *table, const char *topic, size_t partitions,
                      int64_t moment_ms);
