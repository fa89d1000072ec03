/* How a runner commits: one transaction for what a batch writes and the offsets it has read, and what becomes
   of each class of error. */
#include "log/log.h"
#include "metrics/metrics.h"
#include "pipeline/runner_private.h"

enum {
    TAKES_TIME = 1000
}; /* records that a transaction has where its time may be its own, not an outage's */

static bool step_begin(struct runner *runner, struct err *err)
{
    return transaction_begin(runner->transaction, err);
}

static bool step_send(struct runner *runner, struct err *err)
{
    for (; runner->sent < runner->outbox.count; runner->sent++) {
        if (!outbox_send(&runner->outbox, runner->sent, runner->transaction, RUNNER_SLICE_MS, err))
            return false;
        if (runner->sent % 256 == 0)
            health_beat(runner->health);
    }
    return true;
}

static bool step_offsets(struct runner *runner, struct err *err)
{
    return transaction_send_offsets(runner->transaction, runner->offsets, runner->consumer, RUNNER_SLICE_MS,
                                    err);
}

static bool step_commit(struct runner *runner, struct err *err)
{
    if (transaction_commit(runner->transaction, RUNNER_SLICE_MS, err))
        return true;
    /* Records that cannot be written only look like slow ones: the topics' state says why, and what to do. */
    struct err cause = {0};
    if (err_class(err->code) == ERR_CLASS_RETRIABLE &&
        !transaction_prime(runner->transaction, runner->options.output_topics,
                           runner->options.output_topic_count, RUNNER_SLICE_MS, &cause))
        err_set(err, err->code, "%s", cause.text);
    return false;
}

static bool step_abort(struct runner *runner, struct err *err)
{
    return transaction_abort(runner->transaction, RUNNER_SLICE_MS, err);
}

static bool step_commit_offsets(struct runner *runner, struct err *err)
{
    return consumer_commit_sync(runner->consumer, runner->offsets, RUNNER_SLICE_MS, err);
}

bool runner_persist(struct runner *runner, runner_step_fn *step, struct err *err)
{
    while (!step(runner, err)) {
        if (err_class(err->code) != ERR_CLASS_RETRIABLE || runner_is_out_of_time(runner))
            return false;
        health_waiting(runner->health, err->text);
        health_beat(runner->health);
        *err = (struct err){0};
    }
    return true;
}

/* The next transaction of such a size gets more time; the setting counts when the producer is made anew. */
static void allow_more_time(struct runner *runner)
{
    int64_t limit = transaction_time_limit_ms(runner->transaction);
    if (limit >= runner->transaction_timeout_most_ms)
        return;
    runner->transaction_timeout_ms = limit * 2 < runner->transaction_timeout_most_ms
                                         ? (int)limit * 2
                                         : runner->transaction_timeout_most_ms;
    log_warn("a transaction took too long and gets more time", log_str("part", runner->options.name),
             log_int("timeoutMs", runner->transaction_timeout_ms));
}

/* A topic takes less than was thought. The limits are asked for again when the producer is made anew. */
static void learn_from_refusal(struct runner *runner)
{
    size_t bytes = transaction_refused_bytes(runner->transaction) + OUT_HEADERS_MAX;
    runner->refused = true;
    if (runner->one_by_one && (runner->refused_bytes == 0 || bytes < runner->refused_bytes))
        runner->refused_bytes = bytes;
    log_warn("a topic refused a record as too large", log_str("part", runner->options.name),
             log_int("messageMaxBytes", (int64_t)runner->outbox.message_max_bytes));
}

static enum commit_end rebuild(struct runner *runner, const struct err *why)
{
    if (transaction_was_too_large(runner->transaction))
        learn_from_refusal(runner);
    if (transaction_timed_out(runner->transaction) && runner->outbox.count >= TAKES_TIME)
        allow_more_time(runner);
    log_error("pipeline is rebuilt", log_str("part", runner->options.name), log_err(why));
    runner->rebuilt_for = *why;
    return COMMIT_REBUILD;
}

enum commit_end runner_abort_and_rewind(struct runner *runner, size_t first, const struct err *why)
{
    if (err_class(why->code) == ERR_CLASS_FATAL)
        return rebuild(runner, why);
    runner->given_up = *why;
    log_warn("batch given up, will be read again", log_str("part", runner->options.name), log_err(why));
    struct err err = {0};
    if (transaction_is_open(runner->transaction)) {
        metric_add(METRIC_TRANSACTIONS, 1, METRIC_TRANSACTION_ABORTED);
        if (!runner_persist(runner, step_abort, &err))
            return rebuild(runner, &err);
    }
    if (transaction_was_too_large(runner->transaction) || transaction_timed_out(runner->transaction))
        return rebuild(runner, why);
    /* Parked records come behind those of the batch in their partition: both are handed out again. */
    bool known = batch_offsets(&runner->batch, first, runner->batch.count, runner->offsets, &err);
    for (size_t i = 0; known && i < runner->parked_count; i++)
        known = offset_table_add(runner->offsets, runner->parked[i].message) ||
                err_set(&err, ERR_NO_MEMORY, "out of memory for offsets");
    runner_drop_parked(runner, true);
    if (!known || !consumer_rewind(runner->consumer, runner->offsets, &err))
        return rebuild(runner, &err);
    runner_drop_batch(runner);
    runner_wait_polling(runner);
    return COMMIT_REWOUND;
}

enum commit_end runner_commit(struct runner *runner, size_t first, size_t next)
{
    static runner_step_fn *const steps[] = {step_begin, step_send, step_offsets};
    struct err err = {0};
    if (!batch_offsets(&runner->batch, first, next, runner->offsets, &err))
        return runner_abort_and_rewind(runner, first, &err);
    if (runner->outbox.count == 0)
        return step_commit_offsets(runner, &err) ? COMMIT_DONE : runner_abort_and_rewind(runner, first, &err);
    runner->sent = 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (!runner_persist(runner, steps[i], &err))
            return runner_abort_and_rewind(runner, first, &err);
    if (!runner_persist(runner, step_commit, &err))
        /* Out of time with the outcome open: an abort here could contradict a commit that was made. */
        return err_class(err.code) == ERR_CLASS_ABORTABLE ? runner_abort_and_rewind(runner, first, &err)
                                                          : rebuild(runner, &err);
    metric_add(METRIC_TRANSACTIONS, 1, METRIC_TRANSACTION_COMMITTED);
    consumer_note_committed(runner->consumer, runner->offsets);
    return COMMIT_DONE;
}
