/* The subcommands of bench_load, one function each, and the records that it makes. */
#pragma once

#include "avro/codec.h"
#include "bench/common.h"

/* Sends records as fast as they come. */
struct sender {
    rd_kafka_t *client;
    struct codec *codec;
    struct schema_set *set;
};
void sender_open(struct sender *sender, const char *linger_ms);
void sender_put(struct sender *sender, const char *topic, struct span key, struct span value);
/* Waits until all is stored. */
void sender_close(struct sender *sender);

/* Commands k = 0, 1, ... : certificate 1 + k modulo `certificates` is replaced by first_new + k. */
struct command_plan {
    long first_new;
    long certificates;
    uint64_t seed;
};
/* Appends command k to `out`; its id is `id`. */
void command_make(struct sender *sender, const struct command_plan *plan, long k, struct uuid *id,
                  struct buf *out);

void load_inventory(void);
void load_enrollments(void);
void load_commands(void);
/* What was written and read: see bench_load.c. */
void show_ends(void);
void wait_committed(void);
void check_results(void);
void take_sample(void);
void delete_topics(void);
void measure_latency(void);
