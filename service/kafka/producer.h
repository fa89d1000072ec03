/* kafka/producer: an idempotent producer without transactions, for what stands alone: dead letters of events
   and of the inventory, and the command-line tool. One thread each. */
#pragma once

#include "kafka/client.h"
#include "kafka/record.h"

struct producer;

/* Takes the configuration, also on failure. */
struct producer *producer_new(rd_kafka_conf_t *conf, struct err *err);
void producer_free(struct producer *producer);
AUTO_DEFINE(producer, struct producer, producer_free);

/* Sends the record and waits until it is stored, at most timeout_ms; *place (may be NULL) tells where. False
   with ERR_KAFKA_RETRIABLE (it may be stored or not: sending again may store it twice), ERR_KAFKA_FATAL
   (build a new producer) or ERR_JOB_TOO_LARGE. */
bool producer_send_wait(struct producer *producer, const struct kafka_record *record, int timeout_ms,
                        struct kafka_place *place, struct err *err);

/* The other way to use one: records are queued by any thread, and one thread serves what becomes of them.
   `done` is called by producer_serve(), with the record's key; failure is ERR_NONE for what is stored, else
   as of producer_send_wait(). */
typedef void producer_done_fn(void *arg, struct span key, const struct err *failure);
/* Before the first record. */
void producer_on_done(struct producer *producer, producer_done_fn *done, void *arg);
/* Queues a copy. False with ERR_KAFKA_RETRIABLE (the queue is full) or ERR_JOB_TOO_LARGE: nothing was queued.
 */
bool producer_queue(struct producer *producer, const struct kafka_record *record, struct err *err);
/* Tells of what has been done since; does not wait. */
void producer_serve(struct producer *producer);

/* As consumer_trouble(). */
const char *producer_trouble(const struct producer *producer);

rd_kafka_t *producer_handle(const struct producer *producer);
