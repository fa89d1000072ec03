/* What a runner takes in: polling, parking what must wait, dropping what a rebalance takes away. */
#include "log/log.h"
#include "pipeline/runner_private.h"

#include <stdlib.h>

void runner_drop_batch(struct runner *runner)
{
    runner->options.work.finish(runner->options.work.self);
    batch_clear(&runner->batch);
    outbox_cut(&runner->outbox, 0);
}

static bool resume(struct runner *runner, const rd_kafka_message_t *message)
{
    struct err err = {0};
    if (consumer_resume_partition(runner->consumer, rd_kafka_topic_name(message->rkt), message->partition,
                                  &err))
        return true;
    log_warn("a partition stands still", log_err(&err), log_str("topic", rd_kafka_topic_name(message->rkt)),
             log_int("partition", message->partition));
    return false;
}

void runner_drop_parked(struct runner *runner, bool resume_them)
{
    for (size_t i = 0; i < runner->parked_count; i++) {
        if (resume_them)
            resume(runner, runner->parked[i].message);
        rd_kafka_message_destroy(runner->parked[i].message);
    }
    runner->parked_count = 0;
}

/* Hooks run within consumer_poll() only, and no transaction is open then: what was begun is finished already,
   and what is in hand beyond that has not left a trace. */
static void on_revoke(void *arg, const rd_kafka_topic_partition_list_t *partitions, bool lost)
{
    struct runner *runner = arg;
    log_debug("partitions revoked", log_str("part", runner->options.name),
              log_int("partitions", partitions->cnt), log_bool("lost", lost),
              log_int("dropped", (int64_t)runner->batch.count));
    runner_drop_parked(runner, false);
    runner_drop_batch(runner);
    runner->given_up = (struct err){0};
}

static void on_assign(void *arg, const rd_kafka_topic_partition_list_t *partitions)
{
    struct runner *runner = arg;
    log_debug("partitions assigned", log_str("part", runner->options.name),
              log_int("partitions", partitions->cnt));
    if (runner->options.is_first)
        atomic_store(runner->options.in_group, true);
}

struct consumer_hooks runner_hooks(struct runner *runner)
{
    return (struct consumer_hooks){on_assign, on_revoke, runner};
}

/* Gives a record back for which there is no memory: it will be handed out again. */
static void give_back(struct runner *runner, rd_kafka_message_t *message)
{
    AUTO(offset_table) struct offset_table *back = offset_table_new();
    struct err err = {0};
    if (back == NULL || !offset_table_add(back, message) || !consumer_rewind(runner->consumer, back, &err))
        abort(); /* going on would skip the record: a crash does not */
    rd_kafka_message_destroy(message);
}

/* Parks a record that must wait; false: it need not, or cannot. */
static bool park_take(struct runner *runner, rd_kafka_message_t *message)
{
    struct work *work = &runner->options.work;
    int delay_ms = work->delay_ms != NULL ? work->delay_ms(work->self, message) : 0;
    if (delay_ms <= 0)
        return false;
    if (runner->parked_count == runner->parked_cap) {
        size_t cap = runner->parked_cap > 0 ? runner->parked_cap * 2 : 16;
        struct parked *parked = reallocarray(runner->parked, cap, sizeof *parked);
        if (parked == NULL)
            return false;
        runner->parked = parked;
        runner->parked_cap = cap;
    }
    struct err err = {0};
    if (!consumer_pause_partition(runner->consumer, rd_kafka_topic_name(message->rkt), message->partition,
                                  &err))
        return false;
    runner->parked[runner->parked_count++] =
        (struct parked){message, monotonic_us() + (int64_t)delay_ms * 1000};
    return true;
}

/* Puts the parked records whose time has come into the batch; their partitions go on. */
static void unpark(struct runner *runner)
{
    int64_t now = monotonic_us();
    for (size_t i = 0; i < runner->parked_count;) {
        struct parked parked = runner->parked[i];
        if (parked.due_us > now || !batch_add_take(&runner->batch, parked.message)) {
            i++;
            continue;
        }
        runner->parked[i] = runner->parked[--runner->parked_count];
        resume(runner, parked.message);
    }
}

/* Polls once; what comes joins the batch, or is parked. False: nothing came. */
static bool poll_once(struct runner *runner, int timeout_ms)
{
    rd_kafka_message_t *message = consumer_poll(runner->consumer, timeout_ms);
    if (message == NULL)
        return false;
    if (!park_take(runner, message) && !batch_add_take(&runner->batch, message))
        give_back(runner, message);
    return true;
}

/* How long a poll may wait before a parked record's time comes. */
static int poll_timeout_ms(const struct runner *runner)
{
    int64_t timeout = RUNNER_POLL_MS;
    int64_t now = monotonic_us();
    for (size_t i = 0; i < runner->parked_count; i++) {
        int64_t left = (runner->parked[i].due_us - now + 999) / 1000;
        timeout = left < timeout ? left : timeout;
    }
    return timeout > 0 ? (int)timeout : 0;
}

void runner_collect(struct runner *runner)
{
    size_t most = (size_t)runner->context->settings->batch_max;
    if (runner->options.batch_most != 0 && runner->options.batch_most < most)
        most = runner->options.batch_most;
    unpark(runner);
    int timeout_ms = runner->batch.count > 0 ? 0 : poll_timeout_ms(runner);
    while (runner->batch.count < most && poll_once(runner, timeout_ms))
        timeout_ms = 0;
    unpark(runner);
}

void runner_wait_polling(struct runner *runner)
{
    int64_t until = runner_back_off(runner);
    do {
        health_beat(runner->health);
        poll_once(runner, RUNNER_POLL_MS);
    } while (monotonic_us() < until && !runner_is_stopping(runner) && !consumer_is_fatal(runner->consumer));
}
