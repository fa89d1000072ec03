#include "pipeline/replace_work.h"

#include "crypto/sealing.h"
#include "kafka/ends.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "pipeline/authenticate.h"
#include "pipeline/registry_of.h"
#include "pipeline/replace_item.h"
#include "pipeline/replace_report.h"
#include "redis/watermark.h"

#include <stdlib.h>

enum {
    OUTPUT_BYTES = 16 * 1024 * 1024, /* at about this much a batch is committed; a command is never split */
    DECIDE_US = 5 * 1000 * 1000,     /* after this long too: costly wraps must not make the loop look dead */
    COMMITTED_TIMEOUT_MS = 500,
    METADATA_TIMEOUT_MS = 500,
};

struct replace_work {
    struct replace_tools tools;
    struct redis *redis;
    struct ends *ends;          /* made when it is first needed */
    struct replace_item *items; /* in the arena; `count` of them */
    size_t count;
};

struct replace_work *replace_work_new(struct pipeline_context *context, struct err *err)
{
    struct replace_work *work = calloc(1, sizeof *work);
    if (work == NULL) {
        err_set(err, ERR_NO_MEMORY, "out of memory for a pipeline");
        return NULL;
    }
    struct replace_tools *tools = &work->tools;
    tools->context = context;
    tools->policy = (struct plan_policy){
        .max_stores_per_command = (size_t)context->settings->max_stores_per_command,
        .require_sealed = context->settings->require_sealed,
        .can_unseal = context->settings->sealing_dir != NULL,
        .token_decides = context->keys != NULL,
    };
    tools->token_rules = (struct jwt_rules){
        .issuer = span_text(context->settings->jwt_issuer),
        .audience = span_text(context->settings->jwt_audience),
        .user_claim = context->settings->jwt_user_claim,
        .permissions_claim = context->settings->jwt_permissions_claim,
    };
    tools->arena = arena_new(0);
    bool reads = registry_codec(context->schemas, context->registry, &tools->codec, &tools->registry, err);
    tools->reader = inventory_reader_new(context->inventory);
    tools->unsealer = unsealer_new(context->settings->sealing_dir, err);
    tools->recipients = sealing_recipients_new();
    tools->keys = staging_keys_new(context->settings, err);
    work->redis = redis_new(&context->redis);
    if (tools->arena == NULL || !reads || tools->reader == NULL || tools->unsealer == NULL ||
        tools->recipients == NULL || tools->keys == NULL || work->redis == NULL) {
        err_set(err, ERR_NO_MEMORY, "out of memory for a pipeline");
        replace_work_free(work);
        return NULL;
    }
    return work;
}

static void forget_items(struct replace_work *work)
{
    for (size_t i = 0; i < work->count; i++)
        replace_item_free(&work->items[i]);
    work->count = 0;
    authenticate_end(&work->tools);
    arena_reset(work->tools.arena);
}

static void finish(void *self)
{
    struct replace_work *work = self;
    forget_items(work);
    registry_client_forget(work->tools.registry);
}

void replace_work_free(struct replace_work *work)
{
    if (work == NULL)
        return;
    if (work->tools.arena != NULL)
        forget_items(work);
    ends_free(work->ends);
    registry_client_free(work->tools.registry);
    codec_free(work->tools.codec);
    inventory_reader_free(work->tools.reader);
    unsealer_free(work->tools.unsealer);
    sealing_recipients_free(work->tools.recipients);
    staging_keys_free(work->tools.keys);
    buf_free(&work->tools.scratch);
    arena_free(work->tools.arena);
    redis_free(work->redis);
    free(work);
}

/* A command that is decided before the whole inventory is known would miss stores; before a key set is known
   its token could not be judged; and one whose outputs cannot be written would be decided in vain. */
static bool may_start(void *self, struct err *err)
{
    struct replace_work *work = self;
    struct replace_tools *tools = &work->tools;
    if (!atomic_load(&tools->context->inventory_read))
        return err_set(err, ERR_KAFKA_RETRIABLE, "waits until the whole inventory has been read");
    bool known = authenticate_begin(tools, err);
    authenticate_end(tools);
    return known && codec_can_write(tools->codec, RECORD_STORE_JOB, err) &&
           codec_can_write(tools->codec, RECORD_REPLACE_RESULT, err);
}

/* A retry record says by Redis' clock when it is due; none waits for longer than the delay that certswap
 * gives. */
static int delay_ms(void *self, const rd_kafka_message_t *message)
{
    struct replace_work *work = self;
    const struct settings *settings = work->tools.context->settings;
    int64_t not_before_ms;
    if (work->tools.redis_ahead_ms == 0 ||
        strcmp(rd_kafka_topic_name(message->rkt), settings->topics.retry) != 0 ||
        !message_header_number(message, RETRY_HEADER_NOT_BEFORE, &not_before_ms))
        return 0;
    int64_t left_ms = not_before_ms - (monotonic_us() / 1000 + work->tools.redis_ahead_ms);
    return left_ms <= 0 ? 0 : left_ms < settings->retry_delay_ms ? (int)left_ms : settings->retry_delay_ms;
}

/* The questions of the whole batch in one round trip. The watermarks come first: what they have passed when
   they are read is staged when the material is looked up. */
static bool ask(struct replace_work *work, int32_t generation, struct err *err)
{
    int retention_s = work->tools.context->settings->command_retention_s;
    if (!watermark_ask(work->redis, err))
        return false;
    for (size_t i = 0; i < work->count; i++) {
        struct replace_item *item = &work->items[i];
        if (!replace_item_counts(item))
            continue;
        item->lookup.by_request = item->command.has_request_id;
        item->lookup.id = item->lookup.by_request ? item->command.request_id : item->command.certificate_id;
        item->claim.generation = generation;
        if (!ledger_ask(work->redis, &item->claim, retention_s, err) ||
            (replace_item_wants_lookup(item) && !staging_ask(work->redis, &item->lookup, err)))
            return false;
    }
    return true;
}

static bool take_answers(struct replace_work *work, struct watermark_table *watermarks, struct err *err)
{
    struct arena *arena = work->tools.arena;
    if (!watermark_answer(work->redis, arena, watermarks, err))
        return false;
    work->tools.redis_now_ms = watermarks->now_ms;
    work->tools.redis_ahead_ms = watermarks->now_ms - monotonic_us() / 1000;
    for (size_t i = 0; i < work->count; i++) {
        struct replace_item *item = &work->items[i];
        if (!replace_item_counts(item))
            continue;
        if (item->first_seen_ms == 0)
            item->first_seen_ms = watermarks->now_ms;
        if (!ledger_answer(work->redis, arena, &item->claim, err))
            return false;
        if (replace_item_wants_lookup(item) && !staging_answer(work->redis, arena, &item->lookup, err))
            return false;
    }
    return true;
}

/* The token before the material: who is refused for it has none opened. */
static bool open_items(struct replace_work *work, struct err *err)
{
    for (size_t i = 0; i < work->count; i++) {
        struct replace_item *item = &work->items[i];
        if (!replace_item_counts(item))
            continue;
        if (!authenticate(&work->tools, item, err) ||
            (replace_item_wants_lookup(item) && !item->key_may_come &&
             !replace_item_take_lookup(&work->tools, item, err)))
            return false;
    }
    return true;
}

/* A commit of the offset where the batch begins changes nothing, and the group takes it from its present
 * members only. */
static bool prove_membership(const struct batch *batch, struct consumer *consumer, struct err *err)
{
    const rd_kafka_message_t *first = batch->messages[0];
    AUTO(offset_table) struct offset_table *table = offset_table_new();
    if (table == NULL ||
        !offset_table_add_place(table, rd_kafka_topic_name(first->rkt), first->partition, first->offset - 1))
        return err_set(err, ERR_NO_MEMORY, "out of memory for an offset");
    return consumer_commit_sync(consumer, table, COMMITTED_TIMEOUT_MS, err);
}

/* A claim is outdated where a later generation has made one: then this member was expelled, and must not
   decide. Or the group was deleted and counts from the beginning: a member that the group still takes commits
   from is no zombie, and what was stored is of the group that is gone. */
static bool claim_outdated_again(struct replace_work *work, const struct batch *batch,
                                 struct consumer *consumer, struct err *err)
{
    bool proven = false;
    for (size_t i = 0; i < work->count; i++) {
        struct replace_item *item = &work->items[i];
        if (!replace_item_counts(item) || item->claim.state != LEDGER_OUTDATED)
            continue;
        if (!proven && !prove_membership(batch, consumer, err))
            return false;
        proven = true;
        item->claim.gone_generation = (int32_t)item->claim.attempt;
        if (!ledger_ask(work->redis, &item->claim, work->tools.context->settings->command_retention_s, err) ||
            !ledger_answer(work->redis, work->tools.arena, &item->claim, err))
            return false;
        if (item->claim.state == LEDGER_OUTDATED)
            return err_set(err, ERR_KAFKA_RETRIABLE,
                           "Kafka: another member of the group has taken a command over");
    }
    return true;
}

/* Whether the decision that a duplicate found is committed: the group's offset is past the record that
   decided, and after that was seen the ledger still holds the same decision. ERR_NONE with *repeatable false:
   not yet. */
static bool check_decision(struct replace_work *work, struct replace_item *item, struct consumer *consumer,
                           struct err *err)
{
    struct arena *arena = work->tools.arena;
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t committed;
    struct err unknown = {0};
    if (!place_read(arena, item->claim.decider, &topic, &partition, &offset) ||
        !consumer_committed(consumer, topic, partition, COMMITTED_TIMEOUT_MS, &committed, &unknown) ||
        committed <= offset)
        return true;
    struct ledger_claim again = item->claim;
    if (!ledger_ask(work->redis, &again, work->tools.context->settings->command_retention_s, err) ||
        !ledger_answer(work->redis, arena, &again, err))
        return false;
    item->repeatable = again.state == LEDGER_DECIDED && again.attempt == item->claim.attempt;
    return true;
}

/* How many partitions the event topics have now: each one's watermark counts, also that of a new one. */
static bool count_partitions(struct replace_work *work, size_t *enrollments, size_t *renewals,
                             struct err *err)
{
    struct pipeline_context *context = work->tools.context;
    const struct topic_names *topics = &context->settings->topics;
    if (work->ends == NULL) {
        rd_kafka_conf_t *conf =
            kafka_conf_new(context->kafka_properties, context->kafka_property_count, KAFKA_ENDS, err);
        work->ends = conf != NULL ? ends_new(conf, err) : NULL;
    }
    return work->ends != NULL &&
           ends_partition_count(work->ends, topics->enrollments, METADATA_TIMEOUT_MS, enrollments, err) &&
           ends_partition_count(work->ends, topics->renewals, METADATA_TIMEOUT_MS, renewals, err);
}

/* Says of the commands without material whether it may still come. What cannot be known counts as yes. */
static void check_watermarks(struct replace_work *work, const struct watermark_table *watermarks)
{
    const struct topic_names *topics = &work->tools.context->settings->topics;
    size_t enrollments = 0;
    size_t renewals = 0;
    bool counted = false;
    struct err err = {0};
    for (size_t i = 0; i < work->count; i++) {
        struct replace_item *item = &work->items[i];
        if (!replace_item_lacks_material(item))
            continue;
        /* A command that is seen for the first time now cannot have been passed: do not ask for it. */
        bool new = item->first_seen_ms >= watermarks->now_ms;
        if (!new && !counted && !count_partitions(work, &enrollments, &renewals, &err))
            log_warn("event topics cannot be counted", log_err(&err));
        counted = counted || !new;
        item->may_still_come =
            new || !watermark_passed(watermarks, topics->enrollments, enrollments, item->first_seen_ms) ||
            !watermark_passed(watermarks, topics->renewals, renewals, item->first_seen_ms);
    }
}

static bool prepare_batch(struct replace_work *work, const struct batch *batch, struct consumer *consumer,
                          struct err *err)
{
    struct watermark_table watermarks;
    forget_items(work);
    unsealer_refresh(work->tools.unsealer);
    staging_keys_refresh(work->tools.keys);
    work->tools.now_ms = clock_now_ms(work->tools.context->clock);
    work->items = arena_array(work->tools.arena, batch->count, sizeof *work->items);
    if (work->items == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory for a batch of commands");
    work->count = batch->count;
    for (size_t i = 0; i < batch->count; i++)
        if (!replace_item_read(&work->tools, batch->messages[i], &work->items[i], err))
            return false;
    replace_items_find_copies(work->items, work->count);
    /* The generation before the claims: a member that was expelled meanwhile must not pass for its successor.
     */
    int32_t generation;
    if (!authenticate_begin(&work->tools, err) || !consumer_generation(consumer, &generation, err) ||
        !ask(work, generation, err) || !take_answers(work, &watermarks, err) ||
        !claim_outdated_again(work, batch, consumer, err) || !open_items(work, err))
        return false;
    for (size_t i = 0; i < work->count; i++)
        if (replace_item_counts(&work->items[i]) && work->items[i].claim.state == LEDGER_DECIDED &&
            !check_decision(work, &work->items[i], consumer, err))
            return false;
    check_watermarks(work, &watermarks);
    return true;
}

/* Answers that are still to come after a failure are to none of the next questions. */
static bool prepare(void *self, const struct batch *batch, struct consumer *consumer, struct err *err)
{
    struct replace_work *work = self;
    if (prepare_batch(work, batch, consumer, err))
        return true;
    redis_reset(work->redis);
    return false;
}

/* Keeps the decisions before their transaction commits: a duplicate must find them once it has. */
static bool keep_decisions(struct replace_work *work, size_t first, size_t next, struct err *err)
{
    struct arena *arena = work->tools.arena;
    struct ledger_decision *decisions = arena_array(arena, next - first, sizeof *decisions);
    size_t count = 0;
    if (decisions == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory for decisions");
    for (size_t i = first; i < next; i++) {
        const struct replace_item *item = &work->items[i];
        const rd_kafka_message_t *message = item->message;
        if (item->fate != ITEM_DECIDED)
            continue;
        struct span decider =
            place_text(arena, rd_kafka_topic_name(message->rkt), message->partition, message->offset);
        if (decider.data == NULL)
            return err_set(err, ERR_NO_MEMORY, "out of memory for decisions");
        decisions[count++] = (struct ledger_decision){&item->claim, item->encoded_result, decider};
    }
    return count == 0 || ledger_keep(work->redis, decisions, count,
                                     work->tools.context->settings->command_retention_s, err);
}

static bool decide(void *self, const struct batch *batch, size_t first, size_t *next, struct outbox *outbox,
                   struct err *err)
{
    struct replace_work *work = self;
    bool decided = true;
    size_t i = first;
    int64_t until_us = monotonic_us() + DECIDE_US;
    inventory_read_begin(work->tools.reader);
    size_t mark = 0;
    do {
        mark = outbox->count;
        decided = replace_item_decide(&work->tools, &work->items[i], outbox, err);
    } while (decided && ++i < batch->count && outbox->bytes < OUTPUT_BYTES && monotonic_us() < until_us);
    inventory_read_end(work->tools.reader);
    if (!decided && i > first && err_class(err->code) == ERR_CLASS_RETRIABLE && outbox->count == mark) {
        /* What came before may be what this one waits for: it comes first, and this one is tried again. */
        *err = (struct err){0};
        decided = true;
    }
    *next = i;
    if (decided && keep_decisions(work, first, i, err))
        return true;
    redis_reset(work->redis);
    return false;
}

static void committed(void *self, const struct batch *batch, size_t first, size_t next)
{
    const struct replace_work *work = self;
    int64_t took_us = monotonic_us() - batch->polled_at_us;
    metric_observe(METRIC_BATCH_COMMANDS, (double)(next - first));
    for (size_t i = first; i < next; i++)
        replace_report(work->tools.context, &work->items[i], took_us);
}

struct work replace_work(struct replace_work *work)
{
    return (struct work){
        .self = work,
        .may_start = may_start,
        .delay_ms = delay_ms,
        .prepare = prepare,
        .decide = decide,
        .committed = committed,
        .finish = finish,
    };
}
