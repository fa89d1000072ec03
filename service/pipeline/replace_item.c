#include "pipeline/replace_item.h"

#include "domain/job.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "pipeline/batch.h"
#include "pipeline/package.h"
#include "pipeline/staged_record.h"

void replace_item_free(struct replace_item *item)
{
    material_free(&item->material);
}

bool replace_item_read(struct replace_tools *tools, const rd_kafka_message_t *message,
                       struct replace_item *item, struct err *err)
{
    item->message = message;
    if (!codec_decode_replace_command(tools->codec, message_value(message), tools->arena, &item->command,
                                      &item->refusal))
        return item->refusal.code != ERR_NO_MEMORY || err_set(err, ERR_NO_MEMORY, "%s", item->refusal.text);
    struct plan_input input = {.command = &item->command, .policy = &tools->policy, .now_ms = tools->now_ms};
    return plan_precheck(tools->arena, &input, &item->plan, err);
}

bool replace_item_wants_lookup(const struct replace_item *item)
{
    return item->refusal.code == ERR_NONE && item->plan.rejection == ERR_NONE;
}

/* A value that cannot be opened is the operator's business as much as the caller's. */
static void report_unreadable(const struct replace_item *item, const struct err *why)
{
    metric_add(METRIC_STAGED_UNREADABLE, 1);
    log_error("staged value cannot be used", log_int("certificateId", item->lookup.certificate_id),
              log_err(why), log_uuid("commandId", &item->command.command_id));
}

bool replace_item_take_lookup(struct replace_tools *tools, struct replace_item *item, struct err *err)
{
    const struct staged_lookup *lookup = &item->lookup;
    struct staged_outcome *staged = &item->staged;
    *staged = (struct staged_outcome){.state = lookup->state,
                                      .has_certificate_id = lookup->certificate_id != 0,
                                      .certificate_id = lookup->certificate_id,
                                      .reason = lookup->refused};
    if (lookup->state != STAGED_FOUND)
        return true;
    struct err why = {0};
    char thumbprint[THUMBPRINT_TEXT_LEN + 1];
    if (staged_record_open(tools->arena, tools->context->keyring, lookup->certificate_id, lookup->record,
                           &staged->requester, &item->material, &why)) {
        if (material_thumbprint(&item->material, thumbprint))
            staged->thumbprint = arena_copy(tools->arena, span_of(thumbprint, THUMBPRINT_TEXT_LEN));
        return staged->thumbprint.data != NULL ||
               err_set(err, ERR_NO_MEMORY, "out of memory for a thumbprint");
    }
    if (why.code == ERR_NO_MEMORY)
        return err_set(err, why.code, "%s", why.text);
    report_unreadable(item, &why);
    staged->state = STAGED_REFUSED;
    staged->reason = arena_copy(tools->arena, span_text(why.text));
    return staged->reason.data != NULL || err_set(err, ERR_NO_MEMORY, "out of memory for a reason");
}

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
        .origin = item->message,
        .key = key_text,
        .value = value,
        .event = {id_text, span_text(record_full_name(kind)), tools->context->event_source, key_text,
                  tools->now_ms},
    };
    return true;
}

/* Adds one store's jobs; a store with one that is too large gets none. */
static bool add_store_jobs(struct replace_tools *tools, struct replace_item *item,
                           const struct package *package, size_t store, struct outbox *outbox,
                           struct err *err)
{
    struct plan *plan = &item->plan;
    const struct plan_store *of = &plan->stores[store];
    size_t mark = outbox->count;
    for (size_t job = of->first_job; job < of->first_job + of->job_count; job++) {
        struct store_job filled;
        struct out_record record;
        if (!job_fill(tools->arena, plan, store, job, tools->now_ms, &filled, err))
            return false;
        filled.credential = (struct credential_or_sealed){
            .is_sealed = false, .plain = package->contents[plan->jobs[job].variant]};
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

/* A dry run goes the whole way but for the jobs themselves: what would fail fails. */
static bool add_jobs(struct replace_tools *tools, struct replace_item *item, struct outbox *outbox,
                     struct err *err)
{
    struct package package = {0};
    size_t mark = outbox->count;
    if (!package_build(tools->arena, &item->plan, &item->material,
                       tools->context->settings->pkcs12_iterations, &package, err))
        return false;
    for (size_t store = 0; store < item->plan.store_count; store++)
        if (item->plan.stores[store].failure == ERR_NONE &&
            !add_store_jobs(tools, item, &package, store, outbox, err))
            return false;
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

/* A result that is over the producer's limit loses its messages; if that is not enough, the command is
 * rejected. */
static bool add_result(struct replace_tools *tools, struct replace_item *item, struct outbox *outbox,
                       size_t mark, struct err *err)
{
    struct out_record record;
    if (!result_make(tools->arena, &item->plan, tools->now_ms, &item->result, err) ||
        !encode_result(tools, item, &record, err))
        return false;
    if (outbox_record_size(&record) > outbox->message_max_bytes && result_drop_messages(&item->result) &&
        !encode_result(tools, item, &record, err))
        return false;
    if (outbox_record_size(&record) > outbox->message_max_bytes && item->plan.rejection == ERR_NONE) {
        outbox_cut(outbox, mark);
        plan_reject_too_large(&item->plan);
        if (!result_make(tools->arena, &item->plan, tools->now_ms, &item->result, err) ||
            !encode_result(tools, item, &record, err))
            return false;
    }
    return outbox_add(outbox, &record, err);
}

bool replace_item_decide(struct replace_tools *tools, struct replace_item *item, struct outbox *outbox,
                         struct err *err)
{
    size_t mark = outbox->count;
    if (item->refusal.code != ERR_NONE) {
        struct out_record record = {.kind = OUT_DEAD_LETTER,
                                    .topic = tools->context->settings->topics.dlq,
                                    .origin = item->message,
                                    .why = &item->refusal};
        return outbox_add(outbox, &record, err);
    }
    if (item->plan.rejection == ERR_NONE) {
        struct plan_input input = {&item->command, &item->staged, tools->reader, &tools->policy,
                                   tools->now_ms};
        if (!plan_decide(tools->arena, &input, &item->plan, err))
            return false;
    }
    if (item->plan.rejection == ERR_NONE && !add_jobs(tools, item, outbox, err))
        return false;
    return add_result(tools, item, outbox, mark, err);
}
