/* kafka/consumer: a member of a consumer group. Offsets are never committed by themselves. One thread each:
   hooks and callbacks run in the thread that calls consumer_poll() or consumer_close(). */
#pragma once

#include "kafka/client.h"
#include "kafka/offsets.h"

struct consumer;

/* What the owner does around a rebalance; either may be NULL.
   on_assign: called after the partitions (maybe none) were assigned.
   on_revoke: called before they are given up. lost: somebody else may have them already, so the batch in hand
   must be aborted; else it is finished (committed) before the hook returns. The batch in hand is empty
   afterwards. */
struct consumer_hooks {
    void (*on_assign)(void *arg, const rd_kafka_topic_partition_list_t *partitions);
    void (*on_revoke)(void *arg, const rd_kafka_topic_partition_list_t *partitions, bool lost);
    void *arg;
};

/* A consumer of the group, which looks for the group's coordinator at once, but joins by consumer_join().
   Takes the configuration, also on failure; copies the hooks. */
struct consumer *consumer_new(rd_kafka_conf_t *conf, const char *group_id, const struct consumer_hooks *hooks,
                              struct err *err);
/* Subscribes to the topics as a dynamic member; to be called once, and then consumer_poll(). A topic that
   does not exist (yet) is no failure here: see consumer_trouble(). */
bool consumer_join(struct consumer *consumer, const char *const *topics, size_t topic_count, struct err *err);
/* consumer_close() with 5 seconds, unless it was called, and frees. A client that could not be closed in time
   is ended by a thread of its own, so that the caller is not held up. */
void consumer_free(struct consumer *consumer);
AUTO_DEFINE(consumer, struct consumer, consumer_free);

/* The next record, waiting at most timeout_ms, or NULL, which comes before the time is over when a
   partition's end was reached (see consumer_reached()). Never a message with an error: errors are kept as
   trouble, and those that end the client as fatal. The caller destroys the message (rd_kafka_message_destroy)
   before the consumer. To be called at least every max.poll.interval.ms, also while paused. */
rd_kafka_message_t *consumer_poll(struct consumer *consumer, int timeout_ms);

/* Stops and resumes delivery from all partitions; partitions assigned meanwhile are paused too. Those that
   were paused alone stay so. */
bool consumer_pause_all(struct consumer *consumer, struct err *err);
bool consumer_resume_all(struct consumer *consumer, struct err *err);
bool consumer_is_paused(const struct consumer *consumer);

/* Stop and resume delivery from one partition; the others go on. What was fetched of it already is not handed
   out before consumer_resume_partition(), and then comes in order. Forgotten when the partition is revoked.
   Of a partition that is not assigned here both do nothing and answer true. ERR_KAFKA_FATAL: build a new
   consumer. */
bool consumer_pause_partition(struct consumer *consumer, const char *topic, int32_t partition,
                              struct err *err);
bool consumer_resume_partition(struct consumer *consumer, const char *topic, int32_t partition,
                               struct err *err);

/* The offset up to which (itself not) everything that a read_committed reader sees of the partition has been
   handed out by consumer_poll(). Aborted records and markers at the partition's end do not hold it up; an
   open transaction does. Before the first record or end is met: the group's committed offset, where there is
   one. consumer_rewind() takes it back. -1 while
   unknown, and of a partition that is not assigned here. No I/O. */
int64_t consumer_reached(const struct consumer *consumer, const char *topic, int32_t partition);

/* The group's committed offset of any partition, also of one that is not assigned here; -1: none. Stable:
   while a transaction with an offset of it is open, it is ERR_KAFKA_RETRIABLE within timeout_ms. */
bool consumer_committed(struct consumer *consumer, const char *topic, int32_t partition, int timeout_ms,
                        int64_t *offset, struct err *err);

/* Goes back to the first offsets of the batch, on those of its partitions that are still assigned here. */
bool consumer_rewind(struct consumer *consumer, const struct offset_table *batch, struct err *err);

/* Commits the batch's next offsets outside of any transaction and waits for the answer. ERR_KAFKA_RETRIABLE:
   the same call again, or rewind. */
bool consumer_commit_sync(struct consumer *consumer, const struct offset_table *batch, int timeout_ms,
                          struct err *err);

/* A new copy of the group's present metadata, freed by the caller; NULL when out of memory. */
rd_kafka_consumer_group_metadata_t *consumer_group_metadata(struct consumer *consumer);

/* Whether the group has told this member its partitions, be it none (an idle standby). */
bool consumer_is_joined(const struct consumer *consumer);
/* How many partitions this member has now. */
size_t consumer_assigned_count(const struct consumer *consumer);
/* The same, and the partitions themselves: good until the next consumer_poll() or consumer_close(). Only
   topic and partition of the elements mean something. */
size_t consumer_assigned(const struct consumer *consumer, const rd_kafka_topic_partition_list_t **list);
/* The end of the client: a fatal error came, build a new consumer. The text stands in consumer_trouble(). */
bool consumer_is_fatal(const struct consumer *consumer);
/* What it waits for or suffers from, with the remedy where a person is needed; NULL: nothing known. Good
   until the next call on the consumer. It stands until a record, an end or an assignment shows that it is
   over; consumer_poll() also asks for that itself every two seconds, for up to 0.3 seconds each. */
const char *consumer_trouble(const struct consumer *consumer);

/* Tells that the batch's next offsets are committed (by a transaction), for consumer_lag().
   consumer_commit_sync() does it by itself. */
void consumer_note_committed(struct consumer *consumer, const struct offset_table *batch);

/* How far each topic is behind: over the assigned partitions, the sum of last stable offset minus the
   committed one (of a partition that was never committed, its beginning). Asks the brokers, at most
   timeout_ms for each of up to two questions; for the ends by `asker`, which fetches nothing: on the
   consumer's own connection the answer would wait until its fetch is over. A transaction marker at a
   partition's end counts as one. */
typedef void consumer_lag_fn(void *arg, const char *topic, int64_t lag);
bool consumer_lag(struct consumer *consumer, rd_kafka_t *asker, int timeout_ms, consumer_lag_fn *tell,
                  void *arg, struct err *err);

/* Gives the partitions up (on_revoke is called), leaves the group (a static member stays in it) and closes,
   in at most timeout_ms beside what the hook takes. False when the time was over: the group will find out by
   itself. */
bool consumer_close(struct consumer *consumer, int timeout_ms);

/* The generation of the group that this member belongs to: it grows with every rebalance, and a member that
   the group has expelled stays behind. It does not change before on_revoke has returned. ERR_KAFKA_RETRIABLE:
   it is in none now. */
bool consumer_generation(struct consumer *consumer, int32_t *generation, struct err *err);

rd_kafka_t *consumer_handle(const struct consumer *consumer);
