/* kafka/transaction: a transactional producer. Every call may be made again with the same arguments while it
   answers ERR_KAFKA_RETRIABLE; ERR_KAFKA_ABORTABLE: transaction_abort() and rewind; ERR_KAFKA_FATAL: free it
   and build a new one. Calls wait in short slices, so that a broker that is down never blocks longer than
   timeout_ms. One thread each. */
#pragma once

#include "kafka/client.h"
#include "kafka/consumer.h"
#include "kafka/record.h"

struct transaction;

/* A producer with that transactional.id; not yet initialised. Takes the configuration, also on failure. */
struct transaction *transaction_new(rd_kafka_conf_t *conf, const char *transactional_id, struct err *err);
/* Ends it at once: what is not committed is aborted by the broker, at the latest when its timeout is over. */
void transaction_free(struct transaction *transaction);
AUTO_DEFINE(transaction, struct transaction, transaction_free);

/* Fences older producers of the same id and gets ready. Resumable: call again while ERR_KAFKA_RETRIABLE. */
bool transaction_init(struct transaction *transaction, int timeout_ms, struct err *err);

/* Fetches the metadata of all topics to be written, so that the first commit is fast. A topic that does not
   exist is named in *err (ERR_KAFKA_RETRIABLE) with the remedy. */
bool transaction_prime(struct transaction *transaction, const char *const *topics, size_t count,
                       int timeout_ms, struct err *err);

bool transaction_begin(struct transaction *transaction, struct err *err);
/* Whether one is open: begun, and neither committed nor aborted. */
bool transaction_is_open(const struct transaction *transaction);

/* Queues the record; key, value and headers are copied. Waits at most timeout_ms for room in the queue.
   ERR_JOB_TOO_LARGE, with the transaction as good as before, when it is over message.max.bytes. A delivery
   that fails later makes the transaction abortable, told by the commit. */
bool transaction_produce(struct transaction *transaction, const struct kafka_record *record, int timeout_ms,
                         struct err *err);

/* Adds the batch's next offsets, under the consumer's group metadata as it is now. An empty batch adds
 * nothing. */
bool transaction_send_offsets(struct transaction *transaction, const struct offset_table *batch,
                              struct consumer *consumer, int timeout_ms, struct err *err);

/* Flushes and commits. After true the records and offsets are visible, all or none. After ERR_KAFKA_RETRIABLE
   the outcome is open: only the same call again may tell. */
bool transaction_commit(struct transaction *transaction, int timeout_ms, struct err *err);
/* Aborts. True also when none is open. */
bool transaction_abort(struct transaction *transaction, int timeout_ms, struct err *err);

/* Why the present transaction, or the one before it if none has begun since, asked for an abort or for a new
   producer: a record was larger than the broker takes (its topic's max.message.bytes); it was open for longer
   than transaction.timeout.ms, so that the broker has aborted it (also because this process stood still). To
   be asked before transaction_free(). Both false: another reason, or no failure. */
bool transaction_was_too_large(const struct transaction *transaction);
bool transaction_timed_out(const struct transaction *transaction);
/* Of the records that were refused as too large, the least bytes of key and value; a whole batch is refused
   for its sum, so this says something of a record only where each goes in a batch of its own. 0: none was. */
size_t transaction_refused_bytes(const struct transaction *transaction);

/* Its transaction.timeout.ms. */
int64_t transaction_time_limit_ms(const struct transaction *transaction);

/* Serves callbacks without waiting; to be called while idle, so that errors are noticed. False with
   ERR_KAFKA_FATAL once the producer is dead (fenced, for one). */
bool transaction_poll(struct transaction *transaction, struct err *err);
/* As consumer_trouble(). What the brokers refuse stands until a transaction goes through, or until it was not
   refused again for half a minute (as after a rebalance). */
const char *transaction_trouble(const struct transaction *transaction);

rd_kafka_t *transaction_handle(const struct transaction *transaction);
