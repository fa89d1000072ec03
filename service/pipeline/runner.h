/* pipeline/runner: one thread that polls, lets the work decide, and commits. It knows the errors' classes and
   nothing of the work; the work knows nothing of transactions. Staging and replacing are two kinds of work.
 */
#pragma once

#include "kafka/topics.h"
#include "pipeline/batch.h"
#include "pipeline/context.h"
#include "pipeline/outbox.h"

/* What is done with a batch. All calls come from the runner's thread. The consumer is lent for questions
 * only. */
struct work {
    void *self;
    /* Whether records may come; false: not yet, and what it waits for. Until then the group is not joined, so
       that others who can work get the partitions. NULL: at once. */
    bool (*may_start)(void *self, struct err *err);
    /* For how many more milliseconds the record must wait; its partition stands still until then, the others
       go on. NULL: none waits. */
    int (*delay_ms)(void *self, const rd_kafka_message_t *message);
    /* All I/O that deciding needs, for the whole batch at once. May be called again for the same batch, or a
       longer one. On failure the runner waits and calls again: a dependency that is down loses nothing. */
    bool (*prepare)(void *self, const struct batch *batch, struct consumer *consumer, struct err *err);
    /* Decides records from `first` on, at least one, and adds what they give to the outbox; *next is the
       first that is left. What it borrows must stay good until finish. On failure the batch is rewound. */
    bool (*decide)(void *self, const struct batch *batch, size_t first, size_t *next, struct outbox *outbox,
                   struct err *err);
    /* Records [first, next) are committed: count and log them. */
    void (*committed)(void *self, const struct batch *batch, size_t first, size_t next);
    /* The batch is over, committed or dropped. */
    void (*finish)(void *self);
    /* Between two batches: all that was polled is committed. False: not ready, and why. NULL: nothing to look
     * after. */
    bool (*idle)(void *self, struct consumer *consumer, struct err *err);
};

struct runner_options {
    const char *name; /* of its health part, log lines and transactional.id: "pipeline-0" */
    const char *group_id;
    enum kafka_role consumer_role;
    const char *const *input_topics;
    size_t input_topic_count;
    const char *const *output_topics; /* that must exist before it is ready */
    size_t output_topic_count;
    /* Of runners that are members of one group: whether the first of them has its partitions; the others wait
       a moment for that. NULL: it is alone. */
    atomic_bool *in_group;
    bool is_first;
    size_t batch_most; /* records of a batch; 0: CERTSWAP_BATCH_MAX alone decides */
    struct work work;
};

struct runner;

/* Copies the options; borrows what they point to, and the context. NULL when out of memory. */
struct runner *runner_new(struct pipeline_context *context, const struct runner_options *options);
/* False: no thread could be made. */
bool runner_start(struct runner *runner);
/* Waits for its end, after the context's `stop`. */
void runner_join(struct runner *runner);
void runner_free(struct runner *runner);
