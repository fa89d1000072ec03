/* What the benchmarks' programs share: arguments, time, Kafka clients, and figures as one line of JSON. A
   benchmark ends at the first thing that goes wrong. */
#pragma once

#include "kafka/client.h"
#include "kafka/record.h"

#include <stdarg.h>

/* Prints the program's name and the text, and exits with 1. */
__attribute__((format(printf, 1, 2), noreturn)) void die(const char *format, ...);
/* die() with the error unless `done`. */
void need(bool done, const struct err *err);
/* malloc() and realloc() that do not fail. */
void *allocate(size_t size);
void *reallocate(void *block, size_t size);

/* Arguments come as pairs "--name value", all of them known: `known` ends with NULL. */
void arguments_take(char **arguments, const char *const *known);
/* NULL: dies when it is missing. */
const char *argument(const char *name, const char *otherwise);
long argument_number(const char *name, long otherwise);

/* Seconds of CLOCK_MONOTONIC, of the wall clock (since 1970), and of this process's CPU time. */
double monotonic_s(void);
double wall_s(void);
int64_t wall_ms(void);
double cpu_s(void);
void sleep_until_s(double monotonic);

/* Random bits that are the same in each run. */
uint64_t random_bits(uint64_t *state);

/* A configuration of certswapd's for --bootstrap. */
rd_kafka_conf_t *client_conf(enum kafka_role role);
void conf_set(rd_kafka_conf_t *conf, const char *name, const char *value);
/* Takes the configuration. */
rd_kafka_t *client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf);
/* How many partitions the topic has. */
int partitions_of(rd_kafka_t *client, const char *topic);

/* Prints {"name": number, ...} from pairs of name (const char *) and number (double), ended by NULL, as one
   line. */
void print_figures(const char *name, ...) __attribute__((sentinel));
