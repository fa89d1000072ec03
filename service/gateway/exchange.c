#include "gateway/exchange.h"

#include "crypto/library.h"
#include "crypto/sealing.h"
#include "kafka/producer.h"
#include "kafka/reader.h"
#include "log/log.h"
#include "metrics/metrics.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    SLICE_MS = 500,
    BEGIN_PAUSE_MS = 100,
    POLL_MS = 20,
    RESULTS_AT_ONCE = 500,
    REBUILD_PAUSE_MS = 1000,
    RESULT_ARENA_MAX = 128 * 1024 * 1024,
    REMEMBER_MS = 10 * 60 * 1000,
    REMEMBER_COMMANDS = 4096,
    REMEMBER_BYTES = 64 * 1024 * 1024,
};

struct exchange {
    struct exchange_options options;
    struct waiting *waiting;
    struct producer *producer;
    struct codec *encoder; /* of who sends, and its client of the registry */
    struct registry_client *encoder_client;
    struct codec *decoder; /* of the thread, likewise */
    struct registry_client *decoder_client;
    struct arena *arena;   /* of the thread */
    struct reader *reader; /* of the thread */
    pthread_t thread;
    bool started;
    _Atomic bool stopping;
    _Atomic bool ready;
    pthread_mutex_t lock; /* of the reason */
    char reason[ERR_TEXT_MAX];
};

int64_t exchange_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t wall_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void set_state(struct exchange *exchange, bool ready, const char *reason)
{
    const char *text = reason != NULL ? reason : "";
    pthread_mutex_lock(&exchange->lock);
    bool changed = atomic_load(&exchange->ready) != ready || (!ready && strcmp(text, exchange->reason) != 0);
    snprintf(exchange->reason, sizeof exchange->reason, "%s", text);
    atomic_store(&exchange->ready, ready);
    pthread_mutex_unlock(&exchange->lock);
    if (changed && ready)
        log_info("ready", log_str("results", exchange->options.results_topic));
    else if (changed)
        log_warn("not ready", log_str("reason", text));
}

bool exchange_is_ready(struct exchange *exchange, struct buf *reasons)
{
    pthread_mutex_lock(&exchange->lock);
    bool well = atomic_load(&exchange->ready) && exchange->reason[0] == '\0';
    if (!well && reasons != NULL)
        buf_put_format(reasons, "kafka: %s\n",
                       exchange->reason[0] != '\0' ? exchange->reason : "the results are not read yet");
    pthread_mutex_unlock(&exchange->lock);
    return well;
}

/* The thread */

static void take_result(struct exchange *exchange, const rd_kafka_message_t *message)
{
    struct uuid id;
    if (message->payload == NULL || !uuid_parse(&id, span_of(message->key, message->key_len)) ||
        !waiting_expects(exchange->waiting, &id))
        return;
    struct replace_result result = {0};
    struct err err = {0};
    arena_reset(exchange->arena);
    registry_client_forget(exchange->decoder_client);
    if (!codec_decode_replace_result(exchange->decoder, span_of(message->payload, message->len),
                                     exchange->arena, &result, &err)) {
        log_warn("a result cannot be read", log_uuid("command_id", &id),
                 log_int("partition", message->partition), log_int("offset", message->offset), log_err(&err));
        return;
    }
    if (waiting_result(exchange->waiting, &result) && result.has_rejection &&
        span_equal(result.rejection_code, span_text(err_name(ERR_SEAL_INVALID))))
        log_warn("the service cannot open what this gateway seals: see --seal-to",
                 log_uuid("command_id", &id));
}

/* producer_done_fn */
static void on_sent(void *arg, struct span key, const struct err *failure)
{
    struct exchange *exchange = arg;
    struct uuid id;
    if (failure->code == ERR_NONE || !uuid_parse(&id, key))
        return;
    log_warn("a command could not be stored", log_uuid("command_id", &id), log_err(failure));
    char text[UUID_TEXT_LEN + 1];
    char told[ERR_TEXT_MAX];
    uuid_format(&id, text);
    snprintf(told, sizeof told,
             "the request could not be given to Kafka, or it is not known whether it was; send it again, the "
             "same, with "
             "the header Idempotency-Key: %s",
             text);
    waiting_fail(exchange->waiting, &id, FAULT_UNAVAILABLE, told);
}

/* Makes the reader where there is none, and has it begin. Nothing is sent before that, nor before a schema
   registry has told by which id: so who sends never waits for one. */
static bool begin(struct exchange *exchange)
{
    const struct exchange_options *o = &exchange->options;
    struct err err = {0};
    if (exchange->reader == NULL) {
        rd_kafka_conf_t *conf =
            kafka_conf_new(o->properties, o->property_count, KAFKA_INVENTORY_CONSUMER, &err);
        if (conf != NULL)
            exchange->reader = reader_new(conf, o->group_id, o->results_topic, READER_FROM_END, &err);
    }
    registry_client_forget(exchange->decoder_client);
    if (exchange->reader != NULL && reader_begin(exchange->reader, SLICE_MS, &err) &&
        codec_can_write(exchange->decoder, RECORD_REPLACE_COMMAND, &err)) {
        set_state(exchange, true, NULL);
        return true;
    }
    set_state(exchange, false, err.text);
    if (exchange->reader == NULL || reader_is_fatal(exchange->reader)) {
        reader_free(exchange->reader);
        exchange->reader = NULL;
    }
    nanosleep(&(struct timespec){.tv_nsec = BEGIN_PAUSE_MS * 1000000L}, NULL);
    return false;
}

/* Results may pass by while a new reader begins: who waits for one gets NO_RESULT, and asks again. */
static void drop_reader(struct exchange *exchange)
{
    set_state(exchange, false, reader_trouble(exchange->reader));
    reader_free(exchange->reader);
    exchange->reader = NULL;
    nanosleep(&(struct timespec){.tv_sec = REBUILD_PAUSE_MS / 1000}, NULL);
}

static void read_some(struct exchange *exchange)
{
    rd_kafka_message_t *message = reader_poll(exchange->reader, POLL_MS);
    for (int count = 1; message != NULL; count++) {
        take_result(exchange, message);
        rd_kafka_message_destroy(message);
        /* others' results must not keep the thread from the time limits */
        message = count < RESULTS_AT_ONCE ? reader_poll(exchange->reader, 0) : NULL;
    }
    if (reader_is_fatal(exchange->reader))
        drop_reader(exchange);
    else
        set_state(exchange, true, reader_trouble(exchange->reader));
}

static void *run(void *arg)
{
    struct exchange *exchange = arg;
    bool reading = false;
    while (!atomic_load(&exchange->stopping)) {
        if (!reading)
            reading = begin(exchange);
        if (reading)
            read_some(exchange);
        reading = reading && exchange->reader != NULL;
        producer_serve(exchange->producer);
        int64_t now_ms = exchange_clock_ms();
        waiting_sweep(exchange->waiting, now_ms);
        metric_set(METRIC_GATEWAY_WAITING, (int64_t)waiting_count(exchange->waiting));
        if (exchange->options.tick != NULL)
            exchange->options.tick(exchange->options.tick_arg, now_ms);
    }
    return NULL;
}

/* Who sends */

static bool seal(struct exchange *exchange, struct replace_command *command, struct buf *cms,
                 char recipient[SEALING_RECIPIENT_LEN + 1], struct err *err)
{
    if (command->password_kind != PASSWORD_PLAIN || exchange->options.seal_to.len == 0)
        return true;
    if (!sealing_seal(exchange->options.seal_to, command->password, wall_clock_ms(), cms, recipient, err))
        return false;
    command->password_kind = PASSWORD_SEALED;
    command->password = (struct span){0};
    command->sealed_password = (struct sealed){.recipient = span_text(recipient), .cms = buf_span(cms)};
    return true;
}

/* The command's bytes, sealed and framed, and their SHA-256. */
static bool make_message(struct exchange *exchange, struct replace_command *command, struct buf *message,
                         uint8_t hash[CRYPTO_DIGEST_MAX], struct err *err)
{
    AUTO(buf) struct buf cms = {0};
    char recipient[SEALING_RECIPIENT_LEN + 1];
    command->issued_at_ms = wall_clock_ms();
    return seal(exchange, command, &cms, recipient, err) &&
           codec_encode_replace_command(exchange->encoder, command, message, err) &&
           crypto_hash(DIGEST_SHA256, buf_span(message), hash, err);
}

static bool produce(struct exchange *exchange, const struct uuid *id, struct span message, struct err *err)
{
    char key[UUID_TEXT_LEN + 1];
    uuid_format(id, key);
    const struct kafka_record record = {
        .topic = exchange->options.commands_topic, .key = span_text(key), .value = message};
    return producer_queue(exchange->producer, &record, err);
}

/* Answers at once. Returns false. */
static bool refuse(struct waiter *waiter, enum gateway_fault fault, const struct uuid *id,
                   const char *message)
{
    answer_fault(&waiter->answer, fault, id, message);
    return false;
}

static bool cannot(struct waiter *waiter, const struct uuid *id, const struct err *err)
{
    log_error("a command cannot be made", log_uuid("command_id", id), log_err(err));
    return refuse(waiter, FAULT_INTERNAL, id, "the gateway cannot make the command; its log says why");
}

static bool send_new(struct exchange *exchange, struct replace_command *command,
                     const uint8_t digest[WAITING_DIGEST_LEN], struct waiter *waiter)
{
    AUTO(buf) struct buf message = {0};
    AUTO(buf) struct buf copy = {0};
    uint8_t hash[CRYPTO_DIGEST_MAX];
    struct err err = {0};
    if (!make_message(exchange, command, &message, hash, &err))
        return cannot(waiter, &command->command_id, &err);
    buf_put(&copy, message.data, message.len);
    if (copy.failed || !waiting_add(exchange->waiting, &command->command_id, digest, hash,
                                    exchange_clock_ms(), waiter, &copy))
        return refuse(waiter, FAULT_INTERNAL, NULL,
                      "the gateway is being stopped or out of memory; nothing was sent, try again");
    if (!produce(exchange, &command->command_id, buf_span(&message), &err)) {
        log_warn("a command cannot be queued", log_uuid("command_id", &command->command_id), log_err(&err));
        waiting_fail(exchange->waiting, &command->command_id, FAULT_TOO_BUSY,
                     "too much waits for Kafka; try again later");
    }
    return true;
}

bool exchange_send(struct exchange *exchange, struct replace_command *command, bool has_id,
                   const uint8_t digest[WAITING_DIGEST_LEN], struct waiter *waiter)
{
    struct err err = {0};
    uint8_t random[16];
    if (!has_id && !crypto_random(random, sizeof random, &err))
        return cannot(waiter, &command->command_id, &err);
    if (!has_id)
        command->command_id = uuid_v4(random);
    const struct uuid *id = &command->command_id;
    if (!atomic_load(&exchange->ready))
        return refuse(waiter, FAULT_UNAVAILABLE, NULL,
                      "Kafka does not answer the gateway; nothing was sent, try later");
    AUTO(buf) struct buf message = {0};
    int64_t now_ms = exchange_clock_ms();
    waiter->deadline_ms = now_ms + exchange->options.timeout_ms;
    switch (waiting_join(exchange->waiting, id, digest, now_ms, waiter, &message)) {
    case WAITING_NEW:
        return send_new(exchange, command, digest, waiter);
    case WAITING_JOINED:
        return true;
    case WAITING_AGAIN:
        if (!produce(exchange, id, buf_span(&message), &err))
            waiting_fail(exchange->waiting, id, FAULT_TOO_BUSY, "too much waits for Kafka; try again later");
        return true;
    case WAITING_ANSWERED:
        return false;
    case WAITING_CONFLICT:
        return refuse(waiter, FAULT_COMMAND_ID_CONFLICT, id,
                      "this Idempotency-Key came before with another body or token; take a new one");
    case WAITING_CLOSED:
        return refuse(waiter, FAULT_STOPPING, NULL,
                      "the gateway is being stopped; nothing was sent, try again");
    case WAITING_FULL:
        break;
    }
    return refuse(waiter, FAULT_TOO_BUSY, NULL,
                  "as many requests wait as this gateway takes; try again later");
}

size_t exchange_waiting(struct exchange *exchange)
{
    return waiting_count(exchange->waiting);
}

/* Start and stop */

/* A command that Kafka does not take while its request waits is not sent later, when nobody waits. */
static bool start_producer(struct exchange *exchange, struct err *err)
{
    const struct exchange_options *o = &exchange->options;
    char milliseconds[16];
    char reason[ERR_TEXT_MAX];
    snprintf(milliseconds, sizeof milliseconds, "%d", o->timeout_ms);
    rd_kafka_conf_t *conf = kafka_conf_new(o->properties, o->property_count, KAFKA_PLAIN_PRODUCER, err);
    if (conf == NULL)
        return false;
    if (rd_kafka_conf_set(conf, "message.timeout.ms", milliseconds, reason, sizeof reason) !=
        RD_KAFKA_CONF_OK) {
        rd_kafka_conf_destroy(conf);
        return err_set(err, ERR_CONFIG_INVALID, "message.timeout.ms: %s", reason);
    }
    exchange->producer = producer_new(conf, err);
    if (exchange->producer != NULL)
        producer_on_done(exchange->producer, on_sent, exchange);
    return exchange->producer != NULL;
}

struct exchange *exchange_start(const struct exchange_options *options, struct err *err)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL || pthread_mutex_init(&exchange->lock, NULL) != 0) {
        free(exchange);
        err_set(err, ERR_NO_MEMORY, "out of memory at the start");
        return NULL;
    }
    exchange->options = *options;
    exchange->waiting = waiting_new(&(struct waiting_limits){.most_waiters = options->most_waiting,
                                                             .most_commands = REMEMBER_COMMANDS,
                                                             .most_bytes = REMEMBER_BYTES,
                                                             .remember_ms = REMEMBER_MS});
    exchange->arena = arena_new(RESULT_ARENA_MAX);
    if (exchange->waiting == NULL || exchange->arena == NULL)
        err_set(err, ERR_NO_MEMORY, "out of memory at the start");
    else if (registry_codec(options->schemas, options->registry, &exchange->encoder,
                            &exchange->encoder_client, err) &&
             registry_codec(options->schemas, options->registry, &exchange->decoder,
                            &exchange->decoder_client, err) &&
             start_producer(exchange, err))
        exchange->started =
            pthread_create(&exchange->thread, NULL, run, exchange) == 0 ||
            err_set(err, ERR_INTERNAL, "no thread could be started; look at the process' limits");
    if (exchange->started)
        return exchange;
    exchange_free(exchange);
    return NULL;
}

void exchange_close(struct exchange *exchange)
{
    waiting_close(exchange->waiting,
                  "the gateway is being stopped; the request was sent and may still be carried out");
    atomic_store(&exchange->stopping, true);
    if (exchange->started)
        pthread_join(exchange->thread, NULL);
    exchange->started = false;
}

void exchange_free(struct exchange *exchange)
{
    assert(!exchange->started);
    producer_free(exchange->producer);
    reader_free(exchange->reader);
    waiting_free(exchange->waiting);
    registry_client_free(exchange->encoder_client);
    registry_client_free(exchange->decoder_client);
    codec_free(exchange->encoder);
    codec_free(exchange->decoder);
    if (exchange->arena != NULL)
        arena_free(exchange->arena);
    pthread_mutex_destroy(&exchange->lock);
    free(exchange);
}
