#include "pipeline/replace_output.h"

#include "domain/job.h"
#include "pipeline/job_seal.h"
#include "pipeline/log_trace.h"

/* An output of the command; key and id in text. */
static bool make_record(struct replace_tools *tools, const struct replace_item *item, enum record_kind kind,
                        const char *topic, const struct uuid *id, const struct uuid *key,
                        struct out_record *record, struct err *err)
{
    char text[UUID_TEXT_LEN + 1];
    uuid_format(id, text);
    struct span id_text = arena_copy(tools->arena, span_of(text, UUID_TEXT_LEN));
    uuid_format(key, text);
    struct span key_text = arena_copy(tools->arena, span_of(text, UUID_TEXT_LEN));
    struct span value = arena_copy(tools->arena, buf_span(&tools->scratch));
    if (id_text.data == NULL || key_text.data == NULL || value.data == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory for an output record");
    *record = (struct out_record){
        .kind = OUT_EVENT,
        .topic = topic,
        .trace = &item->trace,
        .key = key_text,
        .value = value,
        .event = {id_text, span_text(record_full_name(kind)), tools->context->event_source, key_text,
                  tools->now_ms},
    };
    return true;
}

/* Seals all that the store's jobs carry before the first is made: that something cannot be sealed comes
   before that something is too large. A store whose jobs cannot be sealed fails in the plan. */
static bool seal_store_jobs(struct job_sealer *sealer, struct plan *plan, size_t store, struct err *err)
{
    for (unsigned variant = 0; variant < CREDENTIAL_VARIANT_COUNT; variant++) {
        struct credential_or_sealed ignored;
        struct err why = {0};
        if ((plan->stores[store].variants & 1U << variant) == 0 ||
            job_sealer_credential(sealer, store, variant, &ignored, &why))
            continue;
        if (why.code != ERR_SEALING_FAILED)
            return err_set(err, why.code, "%s", why.text);
        struct span message = arena_copy(sealer->arena, span_text(why.text));
        if (message.data == NULL)
            return err_set(err, ERR_NO_MEMORY, "out of memory for a failure");
        plan_fail_store(plan, store, ERR_SEALING_FAILED, message);
        return true;
    }
    return true;
}

/* Adds one store's jobs; a store with one that is too large gets none. */
static bool add_store_jobs(struct replace_tools *tools, struct replace_item *item, struct job_sealer *sealer,
                           size_t store, struct outbox *outbox, struct err *err)
{
    struct plan *plan = &item->plan;
    const struct plan_store *of = &plan->stores[store];
    size_t mark = outbox->count;
    for (size_t job = of->first_job; job < of->first_job + of->job_count; job++) {
        struct store_job filled;
        struct out_record record;
        if (!job_fill(tools->arena, plan, store, job, tools->now_ms, &filled, err) ||
            !job_sealer_credential(sealer, store, plan->jobs[job].variant, &filled.credential, err))
            return false;
        buf_reset(&tools->scratch);
        if (!codec_encode_store_job(tools->codec, &filled, &tools->scratch, err) ||
            !make_record(tools, item, RECORD_STORE_JOB, tools->context->settings->topics.jobs, &filled.job_id,
                         &filled.store_id, &record, err))
            return false;
        size_t size = outbox_record_size(&record);
        if (size > outbox->message_max_bytes) {
            struct span message = arena_format(tools->arena,
                                               "the job takes %zu bytes, more than message.max.bytes (%zu): "
                                               "raise CERTSWAP_KAFKA_MESSAGE_MAX_BYTES, "
                                               "and max.message.bytes of the jobs topic with it",
                                               size, outbox->message_max_bytes);
            if (message.data == NULL)
                return err_set(err, ERR_NO_MEMORY, "out of memory for a failure");
            plan_fail_store(plan, store, ERR_JOB_TOO_LARGE, message);
            outbox_cut(outbox, mark);
            return true;
        }
        if (!outbox_add(outbox, &record, err))
            return false;
    }
    return true;
}

bool output_add_jobs(struct replace_tools *tools, struct replace_item *item, struct outbox *outbox,
                     struct err *err)
{
    struct package package = {0};
    AUTO(job_sealer) struct job_sealer sealer = {0};
    struct plan *plan = &item->plan;
    size_t mark = outbox->count;
    if (!package_build(tools->arena, plan, &item->material, tools->context->settings->pkcs12_iterations,
                       &package, err) ||
        !job_sealer_begin(&sealer, tools->arena, tools->codec, tools->recipients, plan, &package,
                          tools->now_ms, err))
        return false;
    for (size_t store = 0; store < plan->store_count; store++) {
        if (plan->stores[store].failure == ERR_NONE && !seal_store_jobs(&sealer, plan, store, err))
            return false;
        if (plan->stores[store].failure == ERR_NONE &&
            !add_store_jobs(tools, item, &sealer, store, outbox, err))
            return false;
    }
    if (item->command.dry_run)
        outbox_cut(outbox, mark);
    return true;
}

static bool encode_result(struct replace_tools *tools, struct replace_item *item, struct out_record *record,
                          struct err *err)
{
    buf_reset(&tools->scratch);
    return codec_encode_replace_result(tools->codec, &item->result, &tools->scratch, err) &&
           make_record(tools, item, RECORD_REPLACE_RESULT, tools->context->settings->topics.results,
                       &item->result.result_id, &item->result.command_id, record, err);
}

/* A rejection names nothing that grows but its requester: one that fills a message is cut. */
static bool encode_rejection(struct replace_tools *tools, struct replace_item *item,
                             const struct outbox *outbox, struct out_record *record, struct err *err)
{
    enum { USER_MOST = 256 };
    struct span *user = &item->result.requested_by;
    if (!encode_result(tools, item, record, err))
        return false;
    if (outbox_record_size(record) <= outbox->message_max_bytes || user->len <= USER_MOST)
        return true;
    user->len = USER_MOST;
    while (user->len > 0 && (user->data[user->len] & 0xC0) == 0x80)
        user->len--;
    return encode_result(tools, item, record, err);
}

bool output_add_result(struct replace_tools *tools, struct replace_item *item, struct outbox *outbox,
                       size_t mark, struct err *err)
{
    struct out_record record;
    if (!result_make(tools->arena, &item->plan, tools->now_ms, &item->result, err) ||
        !encode_result(tools, item, &record, err))
        return false;
    if (outbox_record_size(&record) > outbox->message_max_bytes && result_drop_messages(&item->result) &&
        !encode_result(tools, item, &record, err))
        return false;
    if (outbox_record_size(&record) > outbox->message_max_bytes) {
        outbox_cut(outbox, mark);
        if (item->plan.rejection == ERR_NONE)
            plan_reject_too_large(&item->plan);
        if (!result_make(tools->arena, &item->plan, tools->now_ms, &item->result, err) ||
            !encode_rejection(tools, item, outbox, &record, err))
            return false;
    }
    item->encoded_result = record.value;
    return outbox_add(outbox, &record, err);
}

bool output_add_conflict(struct replace_tools *tools, struct replace_item *item, struct outbox *outbox,
                         struct err *err)
{
    struct out_record record;
    plan_reject(
        &item->plan, ERR_COMMAND_ID_CONFLICT,
        SPAN_LITERAL("a command with this id and another content came before; send this one under a new id"));
    if (!result_make(tools->arena, &item->plan, tools->now_ms, &item->result, err))
        return false;
    item->result.result_id = result_conflict_id(&item->command.command_id, item->claim.hash);
    return encode_rejection(tools, item, outbox, &record, err) && outbox_add(outbox, &record, err);
}

bool output_add_repeat(struct replace_tools *tools, struct replace_item *item, struct outbox *outbox,
                       struct err *err)
{
    struct out_record record;
    struct replace_result *kept = &item->result;
    struct err why = {0};
    if (!codec_decode_replace_result(tools->codec, item->claim.result, tools->arena, kept, &why)) {
        if (!codec_error_is_of_message(why.code))
            return err_set(err, why.code, "%s", why.text);
        log_error("a kept result cannot be read", log_uuid("commandId", &item->command.command_id),
                  log_err(&why), log_trace(item->message));
        item->fate = ITEM_RETRIED;
        return output_add_retry(tools, item, outbox, err);
    }
    buf_reset(&tools->scratch);
    buf_put(&tools->scratch, item->claim.result.data, item->claim.result.len);
    if (!make_record(tools, item, RECORD_REPLACE_RESULT, tools->context->settings->topics.results,
                     &kept->result_id, &kept->command_id, &record, err))
        return false;
    record.event.time_ms = kept->completed_at_ms;
    if (outbox_record_size(&record) > outbox->message_max_bytes) {
        err_set(
            &item->refusal, ERR_JOB_TOO_LARGE,
            "the kept result takes %zu bytes, more than the topic takes now: raise its max.message.bytes and "
            "send the command again under the same id",
            outbox_record_size(&record));
        item->fate = ITEM_DEAD;
        return output_add_dead_letter(tools, item, outbox, err);
    }
    return outbox_add(outbox, &record, err);
}

bool output_add_retry(struct replace_tools *tools, struct replace_item *item, struct outbox *outbox,
                      struct err *err)
{
    const struct settings *settings = tools->context->settings;
    struct out_record record = {
        .kind = OUT_RETRY,
        .topic = settings->topics.retry,
        .origin = item->message,
        .retry = {item->claim.origin, item->retries + 1, item->first_seen_ms,
                  tools->redis_now_ms + settings->retry_delay_ms},
    };
    return outbox_add(outbox, &record, err);
}

bool output_add_dead_letter(struct replace_tools *tools, struct replace_item *item, struct outbox *outbox,
                            struct err *err)
{
    struct out_record record = {.kind = OUT_DEAD_LETTER,
                                .topic = tools->context->settings->topics.dlq,
                                .origin = item->message,
                                .why = &item->refusal,
                                .keyring = staging_keys_for_dead_letters(tools->keys)};
    return outbox_add(outbox, &record, err);
}
