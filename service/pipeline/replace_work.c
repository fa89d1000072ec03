#include "pipeline/replace_work.h"

#include "log/log.h"
#include "metrics/metrics.h"
#include "pipeline/replace_item.h"

#include <stdlib.h>

enum {
    OUTPUT_BYTES = 16 * 1024 * 1024
}; /* at about this much a batch is committed; a command is never split */

struct replace_work {
    struct replace_tools tools;
    struct redis *redis;
    struct replace_item *items; /* in the arena; `count` of them */
    size_t count;
};

struct replace_work *replace_work_new(struct pipeline_context *context)
{
    struct replace_work *work = calloc(1, sizeof *work);
    if (work == NULL)
        return NULL;
    struct replace_tools *tools = &work->tools;
    tools->context = context;
    tools->policy = (struct plan_policy){
        .max_stores_per_command = (size_t)context->settings->max_stores_per_command,
        .require_sealed = context->settings->require_sealed,
    };
    tools->arena = arena_new(0);
    tools->codec = codec_new(context->schemas);
    tools->reader = inventory_reader_new(context->inventory);
    work->redis = redis_new(&context->redis);
    if (tools->arena == NULL || tools->codec == NULL || tools->reader == NULL || work->redis == NULL) {
        replace_work_free(work);
        return NULL;
    }
    return work;
}

static void finish(void *self)
{
    struct replace_work *work = self;
    for (size_t i = 0; i < work->count; i++)
        replace_item_free(&work->items[i]);
    work->count = 0;
    arena_reset(work->tools.arena);
}

void replace_work_free(struct replace_work *work)
{
    if (work == NULL)
        return;
    if (work->tools.arena != NULL)
        finish(work);
    codec_free(work->tools.codec);
    inventory_reader_free(work->tools.reader);
    buf_free(&work->tools.scratch);
    arena_free(work->tools.arena);
    redis_free(work->redis);
    free(work);
}

/* A command that is decided before the whole inventory is known would miss stores. */
static bool may_start(void *self, struct err *err)
{
    struct replace_work *work = self;
    return atomic_load(&work->tools.context->inventory_read) ||
           err_set(err, ERR_KAFKA_RETRIABLE, "waits until the whole inventory has been read");
}

/* Asks for all commands at once: one round trip a batch. */
static bool look_up(struct replace_work *work, struct err *err)
{
    struct arena *arena = work->tools.arena;
    struct staged_lookup *lookups = arena_array(arena, work->count, sizeof *lookups);
    if (lookups == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory for a batch of commands");
    size_t asked = 0;
    for (size_t i = 0; i < work->count; i++) {
        const struct replace_command *command = &work->items[i].command;
        if (replace_item_wants_lookup(&work->items[i]))
            lookups[asked++] = (struct staged_lookup){
                .by_request = command->has_request_id,
                .id = command->has_request_id ? command->request_id : command->certificate_id};
    }
    int64_t redis_now_ms;
    if (!staging_read(work->redis, arena, lookups, asked, &redis_now_ms, err))
        return false;
    for (size_t i = 0, answer = 0; i < work->count; i++) {
        if (!replace_item_wants_lookup(&work->items[i]))
            continue;
        work->items[i].lookup = lookups[answer++];
        if (!replace_item_take_lookup(&work->tools, &work->items[i], err))
            return false;
    }
    return true;
}

static bool prepare(void *self, const struct batch *batch, struct err *err)
{
    struct replace_work *work = self;
    finish(work);
    work->tools.now_ms = clock_now_ms(work->tools.context->clock);
    work->items = arena_array(work->tools.arena, batch->count, sizeof *work->items);
    if (work->items == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory for a batch of commands");
    work->count = batch->count;
    for (size_t i = 0; i < batch->count; i++)
        if (!replace_item_read(&work->tools, batch->messages[i], &work->items[i], err))
            return false;
    return look_up(work, err);
}

static bool decide(void *self, const struct batch *batch, size_t first, size_t *next, struct outbox *outbox,
                   struct err *err)
{
    struct replace_work *work = self;
    bool decided = true;
    size_t i = first;
    inventory_read_begin(work->tools.reader);
    do
        decided = replace_item_decide(&work->tools, &work->items[i], outbox, err);
    while (decided && ++i < batch->count && outbox->bytes < OUTPUT_BYTES);
    inventory_read_end(work->tools.reader);
    *next = i;
    return decided;
}

static void count(const struct replace_item *item)
{
    const struct replace_result *result = &item->result;
    metric_add(METRIC_COMMANDS, 1, (enum metric_command_outcome)result->status);
    if (item->plan.rejection != ERR_NONE)
        metric_add(METRIC_REJECTIONS, 1, item->plan.rejection);
    if (!result->dry_run)
        metric_add(METRIC_JOBS, result->job_count);
    for (size_t i = 0; i < item->plan.store_count; i++)
        if (item->plan.stores[i].failure != ERR_NONE)
            metric_add(METRIC_STORE_FAILURES, 1, item->plan.stores[i].failure);
}

/* The audit line: the one that a command gets. */
static void report(const struct replace_item *item, int64_t took_us)
{
    const rd_kafka_message_t *message = item->message;
    struct log_field topic = log_str("topic", rd_kafka_topic_name(message->rkt));
    struct log_field partition = log_int("partition", message->partition);
    struct log_field offset = log_int("offset", message->offset);
    if (item->refusal.code != ERR_NONE) {
        metric_add(METRIC_COMMANDS, 1, METRIC_COMMAND_DEAD_LETTER);
        metric_add(METRIC_DEAD_LETTERS, 1, METRIC_TOPIC_COMMANDS);
        log_warn("command refused", log_err(&item->refusal), topic, partition, offset);
        return;
    }
    count(item);
    const struct replace_result *result = &item->result;
    struct trace_context trace;
    trace_context_from_message(&trace, message);
    log_info("command", log_uuid("commandId", &result->command_id),
             log_str("status", replace_status_name(result->status)),
             log_str("rejection", result->has_rejection ? err_name(item->plan.rejection) : NULL),
             log_int("existingCertificateId", result->existing_certificate_id),
             log_int("certificateId", result->certificate_id), log_int("jobs", result->job_count),
             log_int("failedStores", (int64_t)result->failed_count), log_bool("dryRun", result->dry_run),
             log_span("requestedBy", result->requested_by),
             trace.traceparent.len > 0 ? log_span("traceparent", trace.traceparent)
                                       : log_str("traceparent", NULL),
             log_int("durationUs", took_us), topic, partition, offset);
}

static void committed(void *self, const struct batch *batch, size_t first, size_t next)
{
    struct replace_work *work = self;
    int64_t took_us = monotonic_us() - batch->polled_at_us;
    metric_observe(METRIC_BATCH_COMMANDS, (double)(next - first));
    for (size_t i = first; i < next; i++) {
        report(&work->items[i], took_us);
        metric_observe(METRIC_COMMAND_DURATION, (double)took_us / 1000000);
    }
}

struct work replace_work(struct replace_work *work)
{
    return (struct work){work, may_start, prepare, decide, committed, finish, NULL};
}
