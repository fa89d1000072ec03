/* Scenarios of the Kafka room that the mock cluster and Apache Kafka must both go through. */
#pragma once

#include <stdint.h>

enum { SCENARIO_PARTITIONS = 4 };

/* Reads a topic of SCENARIO_PARTITIONS partitions, which it fills first, while partitions are paused alone,
   with and without going back, and all at once, in an order drawn from the seed. Each record must come
   exactly once, in order, and none of a partition that stands still; consumer_reached() must be right all the
   time. */
void scenario_pauses(const char *bootstrap, const char *topic, uint32_t seed);
