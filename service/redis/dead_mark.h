/* redis/dead_mark: poison in the inventory is met by every instance at every start, and dead-lettered once.
 */
#pragma once

#include "redis/connection.h"

enum dead_claim {
    DEAD_MINE,  /* this instance writes the dead letter, then says dead_mark_done */
    DEAD_TAKEN, /* another is at it: ask again later, it may die */
    DEAD_DONE,
};

/* Who writes the dead letter of the record. A claim lasts a minute. */
bool dead_mark_claim(struct redis *redis, const char *topic, int32_t partition, int64_t offset,
                     enum dead_claim *claim, struct err *err);
/* The dead letter is written: no instance does it again for seven days. */
bool dead_mark_done(struct redis *redis, const char *topic, int32_t partition, int64_t offset,
                    struct err *err);
