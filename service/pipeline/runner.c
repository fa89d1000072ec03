#include "pipeline/runner.h"

#include "log/log.h"
#include "metrics/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    POLL_MS = 100,
    SLICE_MS = 1000,        /* of one transactional call; between two the heart beats */
    BACKOFF_LEAST_MS = 100, /* after an abort, or a dependency that is down; doubled up to the most */
    BACKOFF_MOST_MS = 5000,
    LAG_EVERY_US = 10 * 1000 * 1000,
    LAG_TIMEOUT_MS = 500,
    CLOSE_MS = 5000,
    TOPICS_MAX = 4,
};

struct runner {
    struct pipeline_context *context;
    struct runner_options options;
    pthread_t thread;
    struct health_part *health;
    struct consumer *consumer;
    struct transaction *transaction;
    struct batch batch;
    struct outbox outbox;
    struct offset_table *offsets; /* of the records being committed */
    size_t sent;                  /* records of the outbox that are queued */
    int backoff_ms;
    int64_t stop_seen_us; /* 0: not yet */
    int64_t lag_asked_us;
    int64_t lag[TOPICS_MAX]; /* this runner's share of the gauge, by input topic */
};

struct runner *runner_new(struct pipeline_context *context, const struct runner_options *options)
{
    struct runner *runner = calloc(1, sizeof *runner);
    if (runner == NULL)
        return NULL;
    runner->context = context;
    runner->options = *options;
    runner->outbox.group_id = options->group_id;
    runner->outbox.message_max_bytes = context->message_max_bytes;
    runner->backoff_ms = BACKOFF_LEAST_MS;
    runner->offsets = offset_table_new();
    runner->health = health_add(context->health, options->name);
    if (runner->offsets == NULL || runner->health == NULL) {
        runner_free(runner);
        return NULL;
    }
    return runner;
}

void runner_free(struct runner *runner)
{
    if (runner == NULL)
        return;
    batch_free(&runner->batch);
    outbox_free(&runner->outbox);
    if (runner->offsets != NULL)
        offset_table_free(runner->offsets);
    free(runner);
}

static bool stopping(struct runner *runner)
{
    if (!atomic_load(&runner->context->stop))
        return false;
    if (runner->stop_seen_us == 0)
        runner->stop_seen_us = monotonic_us();
    return true;
}

/* Two thirds of the deadline are for what is begun; the rest is for leaving the group. */
static bool out_of_time(struct runner *runner)
{
    int64_t allowed_us = (int64_t)runner->context->settings->stop_deadline_s * 1000000 * 2 / 3;
    return stopping(runner) && monotonic_us() - runner->stop_seen_us > allowed_us;
}

static void drop_batch(struct runner *runner)
{
    runner->options.work.finish(runner->options.work.self);
    batch_clear(&runner->batch);
    outbox_cut(&runner->outbox, 0);
}

/* Hooks run within consumer_poll() only, and no transaction is open then: what was begun is finished already,
   and what is in hand beyond that has not left a trace. */
static void on_revoke(void *arg, const rd_kafka_topic_partition_list_t *partitions, bool lost)
{
    struct runner *runner = arg;
    log_debug("partitions revoked", log_str("part", runner->options.name),
              log_int("partitions", partitions->cnt), log_bool("lost", lost),
              log_int("dropped", (int64_t)runner->batch.count));
    drop_batch(runner);
}

static void on_assign(void *arg, const rd_kafka_topic_partition_list_t *partitions)
{
    struct runner *runner = arg;
    log_debug("partitions assigned", log_str("part", runner->options.name),
              log_int("partitions", partitions->cnt));
}

/* Polls once; what comes joins the batch. */
static bool poll_into_batch(struct runner *runner, int timeout_ms)
{
    rd_kafka_message_t *message = consumer_poll(runner->consumer, timeout_ms);
    if (message == NULL)
        return false;
    if (batch_add_take(&runner->batch, message))
        return true;
    AUTO(offset_table) struct offset_table *back = offset_table_new();
    struct err err = {0};
    if (back != NULL && offset_table_add(back, message))
        consumer_rewind(runner->consumer, back, &err);
    rd_kafka_message_destroy(message);
    return false;
}

static void collect(struct runner *runner)
{
    if (!poll_into_batch(runner, POLL_MS))
        return;
    while (runner->batch.count < (size_t)runner->context->settings->batch_max && poll_into_batch(runner, 0))
        continue;
}

/* Waits for the backoff while the group sees this member alive. */
static void wait_polling(struct runner *runner)
{
    int64_t until = monotonic_us() + (int64_t)runner->backoff_ms * 1000;
    do {
        health_beat(runner->health);
        poll_into_batch(runner, POLL_MS);
    } while (monotonic_us() < until && !stopping(runner) && !consumer_is_fatal(runner->consumer));
    runner->backoff_ms = runner->backoff_ms * 2 < BACKOFF_MOST_MS ? runner->backoff_ms * 2 : BACKOFF_MOST_MS;
}

/* False: there is no batch any more (its partitions went, or the process stops). */
static bool prepare(struct runner *runner)
{
    struct work *work = &runner->options.work;
    struct err err = {0};
    bool paused = false;
    bool ready = work->prepare(work->self, &runner->batch, &err);
    while (!ready) {
        health_waiting(runner->health, err.text);
        struct err ignored = {0};
        if (!paused)
            paused = consumer_pause_all(runner->consumer, &ignored);
        wait_polling(runner);
        if (runner->batch.count == 0 || stopping(runner) || consumer_is_fatal(runner->consumer))
            break;
        err = (struct err){0};
        ready = work->prepare(work->self, &runner->batch, &err);
    }
    struct err resume = {0};
    if (consumer_is_paused(runner->consumer) && !consumer_resume_all(runner->consumer, &resume))
        health_waiting(runner->health, resume.text);
    if (!ready)
        drop_batch(runner);
    return ready;
}

typedef bool step_fn(struct runner *runner, struct err *err);

static bool step_begin(struct runner *runner, struct err *err)
{
    return transaction_begin(runner->transaction, err);
}

static bool step_send(struct runner *runner, struct err *err)
{
    for (; runner->sent < runner->outbox.count; runner->sent++)
        if (!outbox_send(&runner->outbox, runner->sent, runner->transaction, SLICE_MS, err))
            return false;
    return true;
}

static bool step_offsets(struct runner *runner, struct err *err)
{
    return transaction_send_offsets(runner->transaction, runner->offsets, runner->consumer, SLICE_MS, err);
}

static bool step_commit(struct runner *runner, struct err *err)
{
    return transaction_commit(runner->transaction, SLICE_MS, err);
}

static bool step_abort(struct runner *runner, struct err *err)
{
    return transaction_abort(runner->transaction, SLICE_MS, err);
}

static bool step_commit_offsets(struct runner *runner, struct err *err)
{
    return consumer_commit_sync(runner->consumer, runner->offsets, SLICE_MS, err);
}

/* The same call again for as long as it may be: only it can tell how a commit went. */
static bool persist(struct runner *runner, step_fn *step, struct err *err)
{
    while (!step(runner, err)) {
        if (err_class(err->code) != ERR_CLASS_RETRIABLE || out_of_time(runner))
            return false;
        health_waiting(runner->health, err->text);
        health_beat(runner->health);
        *err = (struct err){0};
    }
    return true;
}

/* Makes the outbox and the batch's offsets [first, next) visible together. */
static bool commit(struct runner *runner, size_t first, size_t next, struct err *err)
{
    static step_fn *const transaction[] = {step_begin, step_send, step_offsets, step_commit};
    if (!batch_offsets(&runner->batch, first, next, runner->offsets, err))
        return false;
    if (runner->outbox.count == 0)
        return step_commit_offsets(runner, err);
    runner->sent = 0;
    for (size_t i = 0; i < sizeof transaction / sizeof *transaction; i++)
        if (!persist(runner, transaction[i], err))
            return false;
    metric_add(METRIC_TRANSACTIONS, 1, METRIC_TRANSACTION_COMMITTED);
    consumer_note_committed(runner->consumer, runner->offsets);
    return true;
}

/* What is not committed is taken up again from `first`. False: the pipeline must be rebuilt. */
static bool abort_and_rewind(struct runner *runner, size_t first, const struct err *why)
{
    log_warn("batch given up, will be read again", log_str("part", runner->options.name), log_err(why));
    struct err err = {0};
    if (transaction_is_open(runner->transaction)) {
        metric_add(METRIC_TRANSACTIONS, 1, METRIC_TRANSACTION_ABORTED);
        if (!persist(runner, step_abort, &err))
            return false;
    }
    if (!batch_offsets(&runner->batch, first, runner->batch.count, runner->offsets, &err) ||
        !consumer_rewind(runner->consumer, runner->offsets, &err)) {
        log_error("cannot rewind", log_str("part", runner->options.name), log_err(&err));
        return false;
    }
    drop_batch(runner);
    wait_polling(runner);
    return true;
}

/* Works the batch off, in one transaction or several. False: the pipeline must be rebuilt. */
static bool work_off(struct runner *runner)
{
    struct work *work = &runner->options.work;
    if (!prepare(runner))
        return !consumer_is_fatal(runner->consumer);
    for (size_t first = 0, next = 0; first < runner->batch.count; first = next) {
        struct err err = {0};
        health_beat(runner->health);
        outbox_cut(&runner->outbox, 0);
        if (!work->decide(work->self, &runner->batch, first, &next, &runner->outbox, &err) ||
            !commit(runner, first, next, &err)) {
            if (err_class(err.code) != ERR_CLASS_FATAL)
                return abort_and_rewind(runner, first, &err);
            log_error("pipeline is rebuilt", log_str("part", runner->options.name), log_err(&err));
            return false;
        }
        work->committed(work->self, &runner->batch, first, next);
        runner->backoff_ms = BACKOFF_LEAST_MS;
    }
    drop_batch(runner);
    return true;
}

static int topic_role(const struct pipeline_context *context, const char *topic)
{
    const struct topic_names *names = &context->settings->topics;
    return strcmp(topic, names->enrollments) == 0 ? METRIC_TOPIC_ENROLLMENTS
           : strcmp(topic, names->renewals) == 0  ? METRIC_TOPIC_RENEWALS
                                                  : METRIC_TOPIC_COMMANDS;
}

static void tell_lag(void *arg, const char *topic, int64_t lag)
{
    struct runner *runner = arg;
    for (size_t i = 0; i < runner->options.input_topic_count && i < TOPICS_MAX; i++)
        if (strcmp(runner->options.input_topics[i], topic) == 0) {
            metric_add(METRIC_CONSUMER_LAG, lag - runner->lag[i], topic_role(runner->context, topic));
            runner->lag[i] = lag;
        }
}

static void update_lag(struct runner *runner)
{
    int64_t now = monotonic_us();
    if (now - runner->lag_asked_us < LAG_EVERY_US || consumer_assigned_count(runner->consumer) == 0)
        return;
    runner->lag_asked_us = now;
    struct err err = {0};
    if (!consumer_lag(runner->consumer, LAG_TIMEOUT_MS, tell_lag, runner, &err))
        log_debug("lag unknown", log_str("part", runner->options.name), log_err(&err));
}

static void update_health(struct runner *runner)
{
    struct work *work = &runner->options.work;
    struct err err = {0};
    health_beat(runner->health);
    const char *trouble = consumer_trouble(runner->consumer);
    metric_set(METRIC_DEPENDENCY_UP, trouble == NULL, METRIC_DEPENDENCY_KAFKA);
    if (trouble == NULL)
        trouble = transaction_trouble(runner->transaction);
    if (trouble == NULL && !consumer_is_joined(runner->consumer))
        trouble = "Kafka: joining the consumer group";
    if (work->idle != NULL && !work->idle(work->self, &err) && trouble == NULL)
        trouble = err.text;
    if (trouble != NULL)
        health_waiting(runner->health, trouble);
    else
        health_ready(runner->health);
    update_lag(runner);
}

/* Runs until the process stops (true) or the pipeline must be rebuilt. */
static bool serve(struct runner *runner)
{
    while (!stopping(runner)) {
        struct err err = {0};
        if (!transaction_poll(runner->transaction, &err)) {
            log_error("pipeline is rebuilt", log_str("part", runner->options.name), log_err(&err));
            return false;
        }
        update_health(runner);
        collect(runner);
        if (runner->batch.count > 0 && !work_off(runner))
            return false;
        if (consumer_is_fatal(runner->consumer)) {
            log_error("pipeline is rebuilt", log_str("part", runner->options.name),
                      log_str("reason", consumer_trouble(runner->consumer)));
            return false;
        }
    }
    return true;
}

static bool step_init(struct runner *runner, struct err *err)
{
    return transaction_init(runner->transaction, SLICE_MS, err);
}

static bool step_prime(struct runner *runner, struct err *err)
{
    return transaction_prime(runner->transaction, runner->options.output_topics,
                             runner->options.output_topic_count, SLICE_MS, err);
}

static bool step_may_start(struct runner *runner, struct err *err)
{
    const struct work *work = &runner->options.work;
    if (work->may_start == NULL || work->may_start(work->self, err))
        return true;
    nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    return false;
}

/* As persist(), but a stop ends it at once: nothing is begun. */
static bool persist_until_stop(struct runner *runner, step_fn *step, struct err *err)
{
    while (!step(runner, err)) {
        if (err_class(err->code) != ERR_CLASS_RETRIABLE || stopping(runner))
            return false;
        health_waiting(runner->health, err->text);
        health_beat(runner->health);
        *err = (struct err){0};
    }
    return true;
}

/* The producer first: a member of the group that cannot write would hold its partitions up. */
static bool build(struct runner *runner, struct err *err)
{
    struct pipeline_context *context = runner->context;
    const struct settings *settings = context->settings;
    char id[512];
    snprintf(id, sizeof id, "%s-%s-%s", settings->group_id, settings->instance_id, runner->options.name);
    rd_kafka_conf_t *conf = kafka_conf_new(context->kafka_properties, context->kafka_property_count,
                                           KAFKA_TRANSACTIONAL_PRODUCER, err);
    runner->transaction = conf != NULL ? transaction_new(conf, id, err) : NULL;
    health_waiting(runner->health, "Kafka: the transactional producer gets ready");
    if (runner->transaction == NULL || !persist_until_stop(runner, step_init, err) ||
        !persist_until_stop(runner, step_prime, err) || !persist_until_stop(runner, step_may_start, err))
        return false;
    struct consumer_hooks hooks = {on_assign, on_revoke, runner};
    conf = kafka_conf_new(context->kafka_properties, context->kafka_property_count,
                          runner->options.consumer_role, err);
    runner->consumer = conf != NULL
                           ? consumer_new(conf, runner->options.group_id, NULL, runner->options.input_topics,
                                          runner->options.input_topic_count, &hooks, err)
                           : NULL;
    return runner->consumer != NULL;
}

static void tear_down(struct runner *runner)
{
    drop_batch(runner);
    for (size_t i = 0; i < runner->options.input_topic_count && i < TOPICS_MAX; i++)
        tell_lag(runner, runner->options.input_topics[i], 0);
    if (runner->consumer != NULL) {
        if (!consumer_close(runner->consumer, CLOSE_MS))
            log_warn("left the group without its answer", log_str("part", runner->options.name));
        consumer_free(runner->consumer);
    }
    if (runner->transaction != NULL)
        transaction_free(runner->transaction);
    runner->consumer = NULL;
    runner->transaction = NULL;
}

static void rest_before_rebuild(struct runner *runner)
{
    int64_t until = monotonic_us() + (int64_t)runner->backoff_ms * 1000;
    while (monotonic_us() < until && !stopping(runner)) {
        health_beat(runner->health);
        nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    }
    runner->backoff_ms = runner->backoff_ms * 2 < BACKOFF_MOST_MS ? runner->backoff_ms * 2 : BACKOFF_MOST_MS;
}

static void *run(void *arg)
{
    struct runner *runner = arg;
    while (!stopping(runner)) {
        struct err err = {0};
        if (build(runner, &err)) {
            if (!serve(runner))
                metric_add(METRIC_PIPELINE_REBUILDS, 1);
        } else if (!stopping(runner)) {
            log_error("pipeline cannot be built", log_str("part", runner->options.name), log_err(&err));
            health_waiting(runner->health, err.text);
        }
        tear_down(runner);
        if (!stopping(runner)) {
            health_waiting(runner->health, err.code != ERR_NONE ? err.text : "being rebuilt");
            rest_before_rebuild(runner);
        }
    }
    return NULL;
}

bool runner_start(struct runner *runner)
{
    return pthread_create(&runner->thread, NULL, run, runner) == 0;
}

void runner_join(struct runner *runner)
{
    pthread_join(runner->thread, NULL);
}
