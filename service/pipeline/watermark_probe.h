/* pipeline/watermark_probe: moves the watermarks of the event partitions that this instance stages. For each
   partition: read Redis' clock, then ask the broker for the partition's end, then see that all up to it is
   staged. The order is the proof: what was appended before that moment lies below that end. */
#pragma once

#include "kafka/consumer.h"
#include "pipeline/context.h"

struct watermark_probe;

/* Borrows the context. NULL when out of memory. */
struct watermark_probe *watermark_probe_new(struct pipeline_context *context);
void watermark_probe_free(struct watermark_probe *probe);

/* Makes a turn a few times a second, and between two says what the latest said; to be called only when all
   that the consumer has handed out is staged. False with why the watermarks stand still: no command is
   rejected for want of material then. */
bool watermark_probe_turn(struct watermark_probe *probe, struct redis *redis, struct consumer *consumer,
                          struct err *err);
