#include "pipeline/inventory_loop.h"

#include "domain/staging.h"
#include "kafka/dead_letter.h"
#include "kafka/producer.h"
#include "kafka/reader.h"
#include "metrics/metrics.h"
#include "pipeline/batch.h"
#include "pipeline/log_trace.h"
#include "pipeline/registry_of.h"
#include "redis/dead_mark.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    POLL_MS = 100,
    SLICE_MS = 1000,
    DEAD_PENDING_MAX = 1000, /* more poison than this waits in the topic until the dead letters are written */
    DEAD_RETRY_US = 2 * 1000 * 1000,
};

/* A record that cannot be used, kept until it is known that its dead letter is written. */
struct dead {
    rd_kafka_message_t *message;
    struct err why;
};

struct inventory_loop {
    struct pipeline_context *context;
    pthread_t thread;
    struct health_part *health;
    struct codec *codec;
    struct registry_client *registry; /* of the codec; NULL: none is set */
    struct arena *arena;
    struct redis *redis;
    struct reader *reader;
    struct producer *producer;
    struct dead *dead;
    size_t dead_count;
    int64_t dead_tried_us;
    bool caught_up;
};

struct inventory_loop *inventory_loop_new(struct pipeline_context *context)
{
    struct inventory_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return NULL;
    loop->context = context;
    struct err err = {0};
    bool reads = registry_codec(context->schemas, context->registry, &loop->codec, &loop->registry, &err);
    loop->arena = arena_new(0);
    loop->redis = redis_new(&context->redis);
    loop->dead = calloc(DEAD_PENDING_MAX, sizeof *loop->dead);
    loop->health = health_add(context->health, "inventory");
    if (!reads || loop->arena == NULL || loop->redis == NULL || loop->dead == NULL || loop->health == NULL) {
        inventory_loop_free(loop);
        return NULL;
    }
    return loop;
}

static void free_clients(struct inventory_loop *loop)
{
    for (size_t i = 0; i < loop->dead_count; i++)
        rd_kafka_message_destroy(loop->dead[i].message);
    loop->dead_count = 0;
    if (loop->reader != NULL)
        reader_free(loop->reader);
    if (loop->producer != NULL)
        producer_free(loop->producer);
    loop->reader = NULL;
    loop->producer = NULL;
}

void inventory_loop_free(struct inventory_loop *loop)
{
    if (loop == NULL)
        return;
    free_clients(loop);
    registry_client_free(loop->registry);
    codec_free(loop->codec);
    arena_free(loop->arena);
    redis_free(loop->redis);
    free(loop->dead);
    free(loop);
}

static bool stopping(const struct inventory_loop *loop)
{
    return atomic_load(&loop->context->stop);
}

/* The record into the inventory. False with why it cannot be used, or with what must be waited for:
   NO_MEMORY, or the schema registry. */
static bool apply(struct inventory_loop *loop, const rd_kafka_message_t *message, struct err *err)
{
    bool has_key = message->key != NULL;
    struct store_inventory store;
    struct uuid id;
    if (message->payload == NULL)
        return inventory_key_check(has_key, message_key(message), NULL, &id, err) &&
               inventory_remove(loop->context->inventory, &id, err);
    return codec_decode_store_inventory(loop->codec, message_value(message), loop->arena, &store, err) &&
           inventory_key_check(has_key, message_key(message), &store, &id, err) &&
           inventory_put(loop->context->inventory, &store, err);
}

/* Takes the message: it is applied, or kept as dead. False: it must wait, the caller still has it. */
static bool handle_take(struct inventory_loop *loop, rd_kafka_message_t *message)
{
    struct err err = {0};
    arena_reset(loop->arena);
    if (apply(loop, message, &err)) {
        rd_kafka_message_destroy(message);
        return true;
    }
    if (!codec_error_is_of_message(err.code)) {
        health_waiting(loop->health, err.text);
        return false;
    }
    log_warn("inventory record refused", log_err(&err), log_trace(message),
             log_str("topic", rd_kafka_topic_name(message->rkt)), log_int("partition", message->partition),
             log_int("offset", message->offset));
    loop->dead[loop->dead_count++] = (struct dead){message, err};
    return true;
}

/* The topic may take less than the producer: then the least form must do. */
static bool send_dead_letter(struct inventory_loop *loop, const struct dead *dead, struct err *err)
{
    const struct settings *settings = loop->context->settings;
    const struct dead_letter_form form = {.topic = settings->topics.dlq, .group_id = settings->group_id};
    AUTO(record_headers) struct record_headers headers = {0};
    struct kafka_record record;
    struct err failure = {0};
    if (!dead_letter_make_within(&record, &headers, dead->message, &form, &dead->why,
                                 loop->context->message_max_bytes, err))
        return false;
    if (producer_send_wait(loop->producer, &record, SLICE_MS * 5, NULL, &failure))
        return true;
    if (failure.code != ERR_JOB_TOO_LARGE)
        return err_set(err, failure.code, "%s", failure.text);
    return dead_letter_make_within(&record, &headers, dead->message, &form, &dead->why, 0, err) &&
           producer_send_wait(loop->producer, &record, SLICE_MS * 5, NULL, err);
}

/* Whether the record's dead letter is known to be written. */
static bool bury(struct inventory_loop *loop, const struct dead *dead, struct err *err)
{
    const rd_kafka_message_t *message = dead->message;
    const char *topic = rd_kafka_topic_name(message->rkt);
    enum dead_claim claim;
    if (!dead_mark_claim(loop->redis, topic, message->partition, message->offset, &claim, err))
        return false;
    if (claim != DEAD_MINE)
        return claim == DEAD_DONE;
    if (!send_dead_letter(loop, dead, err))
        return false;
    metric_add(METRIC_DEAD_LETTERS, 1, METRIC_TOPIC_INVENTORY);
    struct err unmarked = {0};
    if (!dead_mark_done(loop->redis, topic, message->partition, message->offset, &unmarked))
        log_warn("a dead letter may be written twice", log_err(&unmarked));
    return true;
}

static void bury_all(struct inventory_loop *loop)
{
    if (loop->dead_count == 0 || monotonic_us() - loop->dead_tried_us < DEAD_RETRY_US)
        return;
    size_t kept = 0;
    struct err err = {0};
    for (size_t i = 0; i < loop->dead_count; i++) {
        health_beat(loop->health);
        if (err.code == ERR_NONE && bury(loop, &loop->dead[i], &err))
            rd_kafka_message_destroy(loop->dead[i].message);
        else
            loop->dead[kept++] = loop->dead[i];
    }
    loop->dead_count = kept;
    loop->dead_tried_us = kept > 0 ? monotonic_us() : 0;
    if (err.code != ERR_NONE)
        log_warn("dead letters of the inventory wait", log_int("count", (int64_t)kept), log_err(&err));
}

static void update_metrics(struct inventory_loop *loop)
{
    struct inventory_stats stats = inventory_stats(loop->context->inventory);
    metric_set(METRIC_INVENTORY_STORES, (int64_t)stats.stores);
    metric_set(METRIC_INVENTORY_LOCATIONS, (int64_t)stats.locations);
    metric_set(METRIC_INVENTORY_BYTES, (int64_t)stats.bytes);
    metric_set(METRIC_INVENTORY_READY, loop->caught_up);
}

/* Whether the whole topic has been read and the commands may be decided by it. */
static bool catch_up(struct inventory_loop *loop, struct err *err)
{
    if (loop->caught_up)
        return true;
    if (!reader_is_caught_up(loop->reader) || !inventory_load_end(loop->context->inventory, err))
        return false;
    loop->caught_up = true;
    atomic_store(&loop->context->inventory_read, true);
    struct inventory_stats stats = inventory_stats(loop->context->inventory);
    log_info("inventory read", log_int("stores", (int64_t)stats.stores),
             log_int("locations", (int64_t)stats.locations));
    return true;
}

static void update_health(struct inventory_loop *loop)
{
    struct err err = {0};
    health_beat(loop->health);
    registry_client_forget(loop->registry);
    bool caught_up = catch_up(loop, &err);
    update_metrics(loop);
    if (err.code != ERR_NONE) {
        health_waiting(loop->health, err.text);
        return;
    }
    char reason[ERR_TEXT_MAX];
    const char *trouble = reader_trouble(loop->reader);
    if (caught_up && reader_is_caught_up(loop->reader)) {
        if (trouble != NULL)
            health_waiting(loop->health, trouble);
        else
            health_ready(loop->health);
        return;
    }
    snprintf(reason, sizeof reason, "%llu records read, not yet at the end%s%s",
             (unsigned long long)reader_record_count(loop->reader), trouble != NULL ? "; " : "",
             trouble != NULL ? trouble : "");
    health_waiting(loop->health, reason);
}

static void rest(struct inventory_loop *loop)
{
    for (int i = 0; i < SLICE_MS / POLL_MS && !stopping(loop); i++) {
        health_beat(loop->health);
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000}, NULL);
    }
}

static bool build(struct inventory_loop *loop, struct err *err)
{
    struct pipeline_context *context = loop->context;
    rd_kafka_conf_t *conf =
        kafka_conf_new(context->kafka_properties, context->kafka_property_count, KAFKA_PLAIN_PRODUCER, err);
    loop->producer = conf != NULL ? producer_new(conf, err) : NULL;
    if (loop->producer == NULL)
        return false;
    conf = kafka_conf_new(context->kafka_properties, context->kafka_property_count, KAFKA_INVENTORY_CONSUMER,
                          err);
    loop->reader = conf != NULL ? reader_new(conf, context->settings->group_id,
                                             context->settings->topics.inventory, READER_FROM_BEGINNING, err)
                                : NULL;
    if (loop->reader == NULL)
        return false;
    health_waiting(loop->health, "Kafka: finding the partitions of the inventory topic");
    while (!reader_begin(loop->reader, SLICE_MS, err)) {
        if (err_class(err->code) != ERR_CLASS_RETRIABLE || stopping(loop))
            return false;
        health_waiting(loop->health, err->text);
        health_beat(loop->health);
        *err = (struct err){0};
    }
    return true;
}

/* Runs until the process stops (true), or the reader cannot go on (false, with why). */
static bool serve(struct inventory_loop *loop, struct err *err)
{
    int64_t updated_us = 0;
    while (!stopping(loop) && !reader_is_fatal(loop->reader)) {
        bool caught_up_now = !loop->caught_up && reader_is_caught_up(loop->reader);
        if (caught_up_now || monotonic_us() - updated_us > POLL_MS * 1000) {
            update_health(loop);
            updated_us = monotonic_us();
        }
        bury_all(loop);
        if (loop->dead_count == DEAD_PENDING_MAX) {
            rest(loop);
            continue;
        }
        rd_kafka_message_t *message = reader_poll(loop->reader, POLL_MS);
        while (message != NULL && !handle_take(loop, message)) {
            rest(loop);
            if (stopping(loop)) {
                rd_kafka_message_destroy(message);
                break;
            }
        }
    }
    return stopping(loop) || err_set(err, ERR_KAFKA_RETRIABLE, "%s", reader_trouble(loop->reader));
}

static void *run(void *arg)
{
    struct inventory_loop *loop = arg;
    inventory_load_begin(loop->context->inventory);
    while (!stopping(loop)) {
        struct err err = {0};
        bool built = build(loop, &err);
        if ((!built || !serve(loop, &err)) && !stopping(loop)) {
            log_error(built ? "inventory reader is rebuilt" : "inventory reader cannot be built",
                      log_err(&err));
            health_waiting(loop->health, err.text);
            metric_add(METRIC_PIPELINE_REBUILDS, 1);
            rest(loop);
        }
        free_clients(loop);
    }
    return NULL;
}

bool inventory_loop_start(struct inventory_loop *loop)
{
    return pthread_create(&loop->thread, NULL, run, loop) == 0;
}

void inventory_loop_join(struct inventory_loop *loop)
{
    pthread_join(loop->thread, NULL);
}
