/* A runner's life: build the clients, serve, tear down, and again after what cannot be mended otherwise. */
#include "log/log.h"
#include "metrics/metrics.h"
#include "pipeline/runner_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    TRANSACTION_TIMEOUT_MOST_MS = 15 * 60 * 1000, /* the brokers' default transaction.max.timeout.ms */
    LAG_EVERY_US = 10 * 1000 * 1000,
    LAG_TIMEOUT_MS = 500,
    CLOSE_MS = 5000,
    TURN_MS = 20,
    FIRST_JOINS_MS = 250,
    RECORD_FRAMING = 512, /* of a topic's limit, what a batch takes around its one record */
};

struct runner *runner_new(struct pipeline_context *context, const struct runner_options *options)
{
    struct runner *runner = calloc(1, sizeof *runner);
    if (runner == NULL)
        return NULL;
    runner->context = context;
    runner->options = *options;
    runner->outbox.group_id = options->group_id;
    runner->backoff_ms = RUNNER_BACKOFF_LEAST_MS;
    runner->transaction_timeout_most_ms = TRANSACTION_TIMEOUT_MOST_MS;
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
    runner_drop_parked(runner, false);
    free(runner->parked);
    batch_free(&runner->batch);
    outbox_free(&runner->outbox);
    offset_table_free(runner->offsets);
    free(runner);
}

/* False: there is no batch any more (its partitions went, or the process stops). */
static bool prepare(struct runner *runner)
{
    struct work *work = &runner->options.work;
    struct err err = {0};
    bool ready = work->prepare(work->self, &runner->batch, runner->consumer, &err);
    while (!ready) {
        struct err ignored = {0};
        health_waiting(runner->health, err.text);
        if (!consumer_is_paused(runner->consumer))
            consumer_pause_all(runner->consumer, &ignored);
        runner_wait_polling(runner);
        if (runner->batch.count == 0 || runner_is_stopping(runner) || consumer_is_fatal(runner->consumer))
            break;
        err = (struct err){0};
        ready = work->prepare(work->self, &runner->batch, runner->consumer, &err);
    }
    struct err resume = {0};
    if (consumer_is_paused(runner->consumer) && !consumer_resume_all(runner->consumer, &resume))
        health_waiting(runner->health, resume.text);
    if (!ready)
        runner_drop_batch(runner);
    return ready;
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
        bool decided = work->decide(work->self, &runner->batch, first, &next, &runner->outbox, &err);
        enum commit_end end =
            decided ? runner_commit(runner, first, next) : runner_abort_and_rewind(runner, first, &err);
        if (end != COMMIT_DONE)
            return end == COMMIT_REWOUND;
        work->committed(work->self, &runner->batch, first, next);
        runner->backoff_ms = RUNNER_BACKOFF_LEAST_MS;
        runner->given_up = (struct err){0};
    }
    runner_drop_batch(runner);
    return true;
}

static int topic_role(const struct pipeline_context *context, const char *topic)
{
    const struct topic_names *names = &context->settings->topics;
    return strcmp(topic, names->enrollments) == 0 ? METRIC_TOPIC_ENROLLMENTS
           : strcmp(topic, names->renewals) == 0  ? METRIC_TOPIC_RENEWALS
           : strcmp(topic, names->retry) == 0     ? METRIC_TOPIC_RETRY
                                                  : METRIC_TOPIC_COMMANDS;
}

static void tell_lag(void *arg, const char *topic, int64_t lag)
{
    struct runner *runner = arg;
    for (size_t i = 0; i < runner->options.input_topic_count && i < RUNNER_TOPICS_MAX; i++)
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
    if (!consumer_lag(runner->consumer, transaction_handle(runner->transaction), LAG_TIMEOUT_MS, tell_lag,
                      runner, &err))
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
    if (trouble == NULL && runner->given_up.code != ERR_NONE)
        trouble = runner->given_up.text;
    if (trouble == NULL && !consumer_is_joined(runner->consumer))
        trouble = "Kafka: joining the consumer group";
    if (work->idle != NULL && runner->batch.count == 0 && !work->idle(work->self, runner->consumer, &err) &&
        trouble == NULL)
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
    while (!runner_is_stopping(runner)) {
        struct err err = {0};
        if (!transaction_poll(runner->transaction, &err)) {
            log_error("pipeline is rebuilt", log_str("part", runner->options.name), log_err(&err));
            runner->rebuilt_for = err;
            return false;
        }
        update_health(runner);
        runner_collect(runner);
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
    return transaction_init(runner->transaction, RUNNER_SLICE_MS, err);
}

static bool step_prime(struct runner *runner, struct err *err)
{
    return transaction_prime(runner->transaction, runner->options.output_topics,
                             runner->options.output_topic_count, RUNNER_SLICE_MS, err);
}

static bool step_may_start(struct runner *runner, struct err *err)
{
    const struct work *work = &runner->options.work;
    if (work->may_start == NULL || work->may_start(work->self, err))
        return true;
    nanosleep(&(struct timespec){.tv_nsec = TURN_MS * 1000 * 1000}, NULL);
    return false;
}

/* As runner_persist(), but a stop ends it at once: nothing is begun. */
static bool persist_until_stop(struct runner *runner, runner_step_fn *step, struct err *err)
{
    while (!step(runner, err)) {
        if (err_class(err->code) != ERR_CLASS_RETRIABLE || runner_is_stopping(runner))
            return false;
        health_waiting(runner->health, err->text);
        health_beat(runner->health);
        *err = (struct err){0};
    }
    return true;
}

/* What counts as too large is the least of the producer's limit, the topics', as far as they may be asked,
   and what a topic has refused. */
static void learn_limits(struct runner *runner)
{
    struct outbox *outbox = &runner->outbox;
    size_t most = runner->context->message_max_bytes;
    for (size_t i = 0; i < runner->options.output_topic_count; i++) {
        size_t bytes;
        struct err err = {0};
        if (topic_message_max_bytes(transaction_handle(runner->transaction), runner->options.output_topics[i],
                                    RUNNER_SLICE_MS, &bytes, &err) &&
            bytes > RECORD_FRAMING && bytes - RECORD_FRAMING < most)
            most = bytes - RECORD_FRAMING;
    }
    if (runner->refused_bytes > 0 && runner->refused_bytes <= most)
        most = runner->refused_bytes - 1;
    if (runner->refused && most >= outbox->message_max_bytes && !runner->one_by_one) {
        runner->one_by_one = true;
        log_warn(
            "no topic tells why it refused a record: records are sent one by one, which is slower; let the "
            "Kafka user describe the topics' configuration, or lower CERTSWAP_KAFKA_MESSAGE_MAX_BYTES to "
            "the least max.message.bytes, and restart",
            log_str("part", runner->options.name));
    }
    runner->refused = false;
    outbox->message_max_bytes = most;
}

static rd_kafka_conf_t *producer_conf(struct runner *runner, struct err *err)
{
    struct pipeline_context *context = runner->context;
    AUTO(kafka_conf)
    rd_kafka_conf_t *conf = kafka_conf_new(context->kafka_properties, context->kafka_property_count,
                                           KAFKA_TRANSACTIONAL_PRODUCER, err);
    if (conf == NULL ||
        (runner->transaction_timeout_ms > 0 &&
         !kafka_conf_transaction_timeout(conf, runner->transaction_timeout_ms, err)) ||
        !kafka_conf_batches(conf, runner->batch_bytes, runner->one_by_one, err))
        return NULL;
    rd_kafka_conf_t *made = conf;
    conf = NULL;
    return made;
}

static bool make_producer(struct runner *runner, struct err *err)
{
    const struct settings *settings = runner->context->settings;
    char id[512];
    snprintf(id, sizeof id, "%s-%s-%s", settings->group_id, settings->instance_id, runner->options.name);
    rd_kafka_conf_t *conf = producer_conf(runner, err);
    runner->transaction = conf != NULL ? transaction_new(conf, id, err) : NULL;
    health_waiting(runner->health, runner->rebuilt_for.code != ERR_NONE
                                       ? runner->rebuilt_for.text
                                       : "Kafka: the transactional producer gets ready");
    if (runner->transaction == NULL)
        return false;
    if (!persist_until_stop(runner, step_init, err)) {
        /* The brokers may allow less than what a transaction was given; then the setting holds again. */
        if (runner->transaction_timeout_ms > 0 && err_class(err->code) != ERR_CLASS_RETRIABLE) {
            runner->transaction_timeout_most_ms = runner->transaction_timeout_ms / 2;
            runner->transaction_timeout_ms = 0;
        }
        return false;
    }
    runner->rebuilt_for = (struct err){0};
    return persist_until_stop(runner, step_prime, err);
}

/* A broker refuses a batch that is over its topic's limit, even of records that are not: the producer is made
   again where the limits that it learns ask for smaller batches. */
static bool build_producer(struct runner *runner, struct err *err)
{
    if (!make_producer(runner, err))
        return false;
    bool one_by_one = runner->one_by_one;
    size_t batch_bytes = runner->batch_bytes;
    learn_limits(runner);
    size_t most = runner->outbox.message_max_bytes;
    runner->batch_bytes = most < runner->context->message_max_bytes ? most : 0;
    if (runner->batch_bytes == batch_bytes && runner->one_by_one == one_by_one)
        return true;
    transaction_free(runner->transaction);
    return make_producer(runner, err);
}

static bool make_consumer(struct runner *runner, struct err *err)
{
    struct pipeline_context *context = runner->context;
    struct consumer_hooks hooks = runner_hooks(runner);
    rd_kafka_conf_t *conf = kafka_conf_new(context->kafka_properties, context->kafka_property_count,
                                           runner->options.consumer_role, err);
    runner->consumer = conf != NULL ? consumer_new(conf, runner->options.group_id, &hooks, err) : NULL;
    return runner->consumer != NULL;
}

/* A member that comes while others are being given their partitions makes them begin again, which librdkafka
   (2.0.2) does only after two seconds: where the group is empty one comes first, and the others together.
   Where it is not, all come together. */
static void wait_for_first(struct runner *runner)
{
    const struct runner_options *options = &runner->options;
    int64_t until = monotonic_us() + FIRST_JOINS_MS * 1000;
    while (options->in_group != NULL && !options->is_first && !atomic_load(options->in_group) &&
           monotonic_us() < until && !runner_is_stopping(runner))
        nanosleep(&(struct timespec){.tv_nsec = TURN_MS * 1000 * 1000}, NULL);
}

static bool join(struct runner *runner, struct err *err)
{
    wait_for_first(runner);
    return consumer_join(runner->consumer, runner->options.input_topics, runner->options.input_topic_count,
                         err);
}

/* The producer first: a member of the group that cannot write would hold its partitions up. The consumer
   finds the group's coordinator while the rest is waited for. */
static bool build(struct runner *runner, struct err *err)
{
    return build_producer(runner, err) && make_consumer(runner, err) &&
           persist_until_stop(runner, step_may_start, err) && join(runner, err);
}

static void tear_down(struct runner *runner)
{
    runner_drop_parked(runner, false);
    runner_drop_batch(runner);
    for (size_t i = 0; i < runner->options.input_topic_count && i < RUNNER_TOPICS_MAX; i++)
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
    int64_t until = runner_back_off(runner);
    while (monotonic_us() < until && !runner_is_stopping(runner)) {
        health_beat(runner->health);
        nanosleep(&(struct timespec){.tv_nsec = TURN_MS * 1000 * 1000}, NULL);
    }
}

static void *run(void *arg)
{
    struct runner *runner = arg;
    while (!runner_is_stopping(runner)) {
        struct err err = {0};
        if (build(runner, &err)) {
            if (!serve(runner))
                metric_add(METRIC_PIPELINE_REBUILDS, 1);
        } else if (!runner_is_stopping(runner)) {
            log_error("pipeline cannot be built", log_str("part", runner->options.name), log_err(&err));
            runner->rebuilt_for = err;
        }
        tear_down(runner);
        if (!runner_is_stopping(runner)) {
            health_waiting(runner->health,
                           runner->rebuilt_for.code != ERR_NONE ? runner->rebuilt_for.text : "being rebuilt");
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
