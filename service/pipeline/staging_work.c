#include "pipeline/staging_work.h"

#include "crypto/credential_open.h"
#include "domain/staging.h"
#include "metrics/metrics.h"
#include "pipeline/log_trace.h"
#include "pipeline/registry_of.h"
#include "pipeline/staged_count.h"
#include "pipeline/staged_record.h"
#include "pipeline/staging_keys.h"
#include "pipeline/unseal.h"
#include "pipeline/watermark_probe.h"
#include "redis/watermark.h"

#include <stdlib.h>

enum { PING_EVERY_US = 1000 * 1000, CREDENTIAL_BYTES_MAX = 1024 * 1024 };

enum fate { FATE_IGNORED, FATE_STAGED, FATE_DEAD };

struct item {
    enum fate fate;
    struct certificate_event event;
    struct err refusal; /* FATE_DEAD; of a FATE_STAGED event whose credential was refused, with its marker */
    size_t request;     /* FATE_STAGED: index into requests and outcomes */
};

struct staging_work {
    struct pipeline_context *context;
    struct arena *arena;
    struct codec *codec;
    struct registry_client *registry; /* of the codec; NULL: none is set */
    struct redis *redis;
    struct watermark_probe *probe;
    struct unsealer *unsealer;
    struct staging_keys *keys;
    struct item *items;
    struct stage_request *requests;
    enum stage_outcome *outcomes;
    size_t request_count;
    struct staged_count staged;
    int64_t pinged_us;
    int64_t redis_now_ms; /* of the batch */
    bool redis_answers;
};

struct staging_work *staging_work_new(struct pipeline_context *context, struct err *err)
{
    struct staging_work *work = calloc(1, sizeof *work);
    if (work == NULL) {
        err_set(err, ERR_NO_MEMORY, "out of memory for the staging");
        return NULL;
    }
    work->context = context;
    work->unsealer = unsealer_new(context->settings->sealing_dir, err);
    work->keys = staging_keys_new(context->settings, err);
    work->arena = arena_new(0);
    bool reads = registry_codec(context->schemas, context->registry, &work->codec, &work->registry, err);
    work->redis = redis_new(&context->redis);
    work->probe = watermark_probe_new(context);
    if (work->unsealer == NULL || work->keys == NULL || work->arena == NULL || !reads ||
        work->redis == NULL || work->probe == NULL) {
        err_set(err, ERR_NO_MEMORY, "out of memory for the staging");
        staging_work_free(work);
        return NULL;
    }
    return work;
}

void staging_work_free(struct staging_work *work)
{
    if (work == NULL)
        return;
    unsealer_free(work->unsealer);
    staging_keys_free(work->keys);
    watermark_probe_free(work->probe);
    registry_client_free(work->registry);
    codec_free(work->codec);
    redis_free(work->redis);
    arena_free(work->arena);
    free(work);
}

static void note_redis(struct staging_work *work, bool answers)
{
    work->redis_answers = answers;
    work->pinged_us = monotonic_us();
    metric_set(METRIC_DEPENDENCY_UP, answers, METRIC_DEPENDENCY_REDIS);
}

/* The event's credential in clear, borrowing from the event or from *plain. False with SEAL_INVALID or
   CREDENTIAL_INVALID where it did not come as it must, or NO_MEMORY. */
static bool read_credential(struct staging_work *work, const struct certificate_event *event,
                            struct buf *plain, struct credential *credential, struct err *err)
{
    if (event->credential.is_sealed)
        return unseal_credential(work->unsealer, work->codec, work->arena, &event->credential.sealed, plain,
                                 credential, err);
    if (work->context->settings->require_sealed)
        return err_set(err, ERR_CREDENTIAL_INVALID,
                       "the credential is not sealed; publish the event with a SealedCredential, sealed to "
                       "the service's certificate, and renew what was readable");
    *credential = event->credential.plain;
    return true;
}

/* Opens, checks and encrypts an event's credential; false with what refuses it, or NO_MEMORY. */
static bool seal_material(struct staging_work *work, const struct certificate_event *event, int64_t ends_ms,
                          struct span *record, struct err *err)
{
    const struct staged_life life = {event->event_id, event->occurred_at_ms, ends_ms};
    struct pfx_limits limits = {work->context->settings->pkcs12_max_iterations, CREDENTIAL_BYTES_MAX};
    struct credential credential;
    AUTO(buf) struct buf plain = {0};
    AUTO(material) struct material material = {0};
    return read_credential(work, event, &plain, &credential, err) &&
           credential_open(&limits, &credential, &material, err) &&
           material_check(&material, event->thumbprint, err) &&
           staged_record_seal(work->arena, staging_keys_ring(work->keys), event->certificate_id,
                              event->requester, &life, &material, record, err);
}

static bool is_refusal(enum err_code code)
{
    enum err_class class = err_class(code);
    return class == ERR_CLASS_REJECTION || class == ERR_CLASS_CONVERSION || class == ERR_CLASS_REFUSAL;
}

/* Decodes one record and says what becomes of it. False only where the dependency or memory fails. */
static bool read_item(struct staging_work *work, const rd_kafka_message_t *message, struct item *item,
                      struct err *err)
{
    const struct topic_names *topics = &work->context->settings->topics;
    const char *topic = rd_kafka_topic_name(message->rkt);
    enum record_kind kind =
        strcmp(topic, topics->renewals) == 0 ? RECORD_CERTIFICATE_RENEWED : RECORD_CERTIFICATE_ENROLLED;
    bool decoded = codec_decode_certificate_event(work->codec, kind, message_value(message), work->arena,
                                                  &item->event, &item->refusal);
    if (!decoded && !codec_error_is_of_message(item->refusal.code))
        return err_set(err, item->refusal.code, "%s", item->refusal.text);
    item->event.is_renewal = kind == RECORD_CERTIFICATE_RENEWED;
    item->fate = FATE_DEAD;
    if (!decoded && item->refusal.code == ERR_AVRO_INVALID)
        return true;
    if (!event_is_staged(&item->event)) {
        item->fate = FATE_IGNORED;
        return true;
    }
    if (!decoded || !event_check(&item->event, &item->refusal))
        return true;
    struct stage_request *request = &work->requests[work->request_count];
    *request = (struct stage_request){
        .event = &item->event,
        .ends_ms = event_ends(item->event.occurred_at_ms, work->redis_now_ms,
                              (int64_t)work->context->settings->staging_ttl_s * 1000),
    };
    if (!seal_material(work, &item->event, request->ends_ms, &request->record, &item->refusal)) {
        if (!is_refusal(item->refusal.code))
            return err_set(err, item->refusal.code, "%s", item->refusal.text);
        request->refused = span_text(item->refusal.text);
    }
    item->fate = FATE_STAGED;
    item->request = work->request_count++;
    return true;
}

static void refresh_keys(struct staging_work *work)
{
    unsealer_refresh(work->unsealer);
    staging_keys_refresh(work->keys);
}

static bool prepare_batch(struct staging_work *work, const struct batch *batch, struct err *err)
{
    refresh_keys(work);
    arena_reset(work->arena);
    work->request_count = 0;
    work->items = arena_array(work->arena, batch->count, sizeof *work->items);
    work->requests = arena_array(work->arena, batch->count, sizeof *work->requests);
    work->outcomes = arena_array(work->arena, batch->count, sizeof *work->outcomes);
    if (work->items == NULL || work->requests == NULL || work->outcomes == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory for a batch of events");
    /* When lives end is sealed with the material, so it is Redis' clock of before: no other may count. */
    if (!redis_time(work->redis, &work->redis_now_ms, err))
        return false;
    for (size_t i = 0; i < batch->count; i++)
        if (!read_item(work, batch->messages[i], &work->items[i], err))
            return false;
    return staging_write(work->redis, work->requests, work->request_count, work->outcomes, err);
}

static bool prepare(void *self, const struct batch *batch, struct consumer *consumer, struct err *err)
{
    (void)consumer;
    struct staging_work *work = self;
    bool staged = prepare_batch(work, batch, err);
    if (staged || err->code == ERR_REDIS_UNAVAILABLE)
        note_redis(work, staged);
    if (!staged)
        redis_reset(work->redis);
    return staged;
}

static bool decide(void *self, const struct batch *batch, size_t first, size_t *next, struct outbox *outbox,
                   struct err *err)
{
    struct staging_work *work = self;
    for (size_t i = first; i < batch->count; i++) {
        const struct item *item = &work->items[i];
        if (item->refusal.code == ERR_NONE || item->fate == FATE_IGNORED)
            continue;
        struct out_record record = {.kind = OUT_DEAD_LETTER,
                                    .topic = work->context->settings->topics.dlq,
                                    .origin = batch->messages[i],
                                    .why = &item->refusal,
                                    .keyring = staging_keys_for_dead_letters(work->keys)};
        if (!outbox_add(outbox, &record, err))
            return false;
    }
    *next = batch->count;
    return true;
}

static enum metric_event_outcome metric_outcome(const struct staging_work *work, const struct item *item)
{
    static const enum metric_event_outcome outcomes[] = {
        [STAGE_STAGED] = METRIC_EVENT_STAGED,  [STAGE_REPLAYED] = METRIC_EVENT_REPLAYED,
        [STAGE_OVER] = METRIC_EVENT_EXPIRED,   [STAGE_REFUSED] = METRIC_EVENT_REFUSED,
        [STAGE_OLDER] = METRIC_EVENT_REPLAYED,
    };
    return item->fate == FATE_IGNORED ? METRIC_EVENT_IGNORED
           : item->fate == FATE_DEAD  ? METRIC_EVENT_DEAD_LETTER
                                      : outcomes[work->outcomes[item->request]];
}

static const char *const outcome_texts[] = {
    [METRIC_EVENT_STAGED] = "staged",   [METRIC_EVENT_REFUSED] = "refused",
    [METRIC_EVENT_IGNORED] = "ignored", [METRIC_EVENT_REPLAYED] = "replayed",
    [METRIC_EVENT_EXPIRED] = "expired", [METRIC_EVENT_DEAD_LETTER] = "dead letter",
};

/* As stage.lua does, by this instance's clock instead of Redis'. */
static void note_staged(struct staging_work *work, int64_t occurred_at_ms, int64_t now_ms)
{
    int64_t from_ms = occurred_at_ms < now_ms ? occurred_at_ms : now_ms;
    staged_count_add(&work->staged, from_ms + (int64_t)work->context->settings->staging_ttl_s * 1000, now_ms);
}

static void report(struct staging_work *work, const rd_kafka_message_t *message, const struct item *item)
{
    enum metric_event_outcome outcome = metric_outcome(work, item);
    const struct certificate_event *event = &item->event;
    metric_add(METRIC_EVENTS, 1, event->is_renewal ? METRIC_EVENT_RENEWAL : METRIC_EVENT_ENROLLMENT, outcome);
    if (item->refusal.code != ERR_NONE && item->fate != FATE_IGNORED)
        metric_add(METRIC_DEAD_LETTERS, 1,
                   event->is_renewal ? METRIC_TOPIC_RENEWALS : METRIC_TOPIC_ENROLLMENTS);
    if (outcome == METRIC_EVENT_STAGED) {
        int64_t now_ms = clock_now_ms(work->context->clock);
        metric_observe(METRIC_STAGING_DELAY, (double)(now_ms - event->occurred_at_ms) / 1000);
        note_staged(work, event->occurred_at_ms, now_ms);
    }
    log_info(event->is_renewal ? "renewal" : "enrollment", log_str("outcome", outcome_texts[outcome]),
             log_int("certificateId", event->certificate_id), log_int("requestId", event->request_id),
             event->is_renewal ? log_int("renewedCertificateId", event->renewed_certificate_id)
                               : log_str("", NULL),
             log_err(item->fate == FATE_IGNORED ? &(struct err){0} : &item->refusal), log_trace(message),
             log_str("topic", rd_kafka_topic_name(message->rkt)), log_int("partition", message->partition),
             log_int("offset", message->offset));
}

static void committed(void *self, const struct batch *batch, size_t first, size_t next)
{
    struct staging_work *work = self;
    for (size_t i = first; i < next; i++)
        report(work, batch->messages[i], &work->items[i]);
    metric_set(METRIC_STAGED, staged_count_at(&work->staged, clock_now_ms(work->context->clock)));
}

static void finish(void *self)
{
    struct staging_work *work = self;
    arena_reset(work->arena);
    work->request_count = 0;
    registry_client_forget(work->registry);
}

/* Nobody else asks Redis while nothing happens, and readiness must fall when it is gone. */
static bool idle(void *self, struct consumer *consumer, struct err *err)
{
    struct staging_work *work = self;
    refresh_keys(work);
    metric_set(METRIC_STAGED, staged_count_at(&work->staged, clock_now_ms(work->context->clock)));
    if (monotonic_us() - work->pinged_us >= PING_EVERY_US || !work->redis_answers)
        note_redis(work, redis_ping(work->redis, err));
    if (work->redis_answers && watermark_probe_turn(work->probe, work->redis, consumer, err))
        return true;
    redis_reset(work->redis);
    return false;
}

struct work staging_work(struct staging_work *work)
{
    return (struct work){.self = work,
                         .prepare = prepare,
                         .decide = decide,
                         .committed = committed,
                         .finish = finish,
                         .idle = idle};
}
