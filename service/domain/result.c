#include "domain/result.h"

struct uuid result_id(const struct uuid *command_id)
{
    return uuid_v5(command_id, SPAN_LITERAL("result"));
}

struct uuid result_conflict_id(const struct uuid *command_id, const uint8_t value_sha256[32])
{
    static const char prefix[] = "conflict/";
    static const char digits[] = "0123456789abcdef";
    char name[sizeof prefix - 1 + 64];
    memcpy(name, prefix, sizeof prefix - 1);
    for (size_t i = 0; i < 32; i++) {
        name[sizeof prefix - 1 + 2 * i] = digits[value_sha256[i] >> 4];
        name[sizeof prefix + 2 * i] = digits[value_sha256[i] & 15];
    }
    return uuid_v5(command_id, span_of(name, sizeof name));
}

static void fill_stores(const struct plan *plan, struct replace_result *result)
{
    for (size_t i = 0; i < plan->store_count; i++) {
        const struct plan_store *store = &plan->stores[i];
        if (store->failure == ERR_NONE) {
            result->successful_stores[result->successful_count++] = store->id;
            continue;
        }
        result->failed_stores[result->failed_count++] = store->id;
        result->failures[result->failure_count++] = (struct store_failure){
            .store_id = store->id,
            .code = span_text(err_name(store->failure)),
            .message = store->message,
            .retryable = err_is_retryable(store->failure),
        };
    }
}

bool result_make(struct arena *arena, const struct plan *plan, int64_t now_ms, struct replace_result *result,
                 struct err *err)
{
    const struct replace_command *command = plan->command;
    bool rejected = plan->rejection != ERR_NONE;
    size_t failed = plan->failed_count;
    *result = (struct replace_result){
        .result_id = result_id(&command->command_id),
        .command_id = command->command_id,
        .status = plan_status(plan),
        .successful_stores =
            arena_array(arena, plan->store_count - failed, sizeof *result->successful_stores),
        .failed_stores = arena_array(arena, failed, sizeof *result->failed_stores),
        .failures = arena_array(arena, failed, sizeof *result->failures),
        .has_rejection = rejected,
        .existing_certificate_id = command->existing_certificate_id,
        .has_certificate_id = plan->has_certificate_id,
        .certificate_id = plan->certificate_id,
        .has_request_id = command->has_request_id,
        .request_id = command->has_request_id ? command->request_id : 0,
        .job_count = (int32_t)plan->job_count,
        .has_scheduled_at = !rejected && plan->view.has_scheduled_at,
        .scheduled_at_ms = rejected ? 0 : plan->view.scheduled_at_ms,
        .dry_run = command->dry_run,
        .requested_by = command->principal.user,
        .completed_at_ms = now_ms,
    };
    if (result->successful_stores == NULL || result->failed_stores == NULL || result->failures == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for a result");
    if (rejected) {
        result->rejection_code = span_text(err_name(plan->rejection));
        result->rejection_message = plan->rejection_message;
    }
    fill_stores(plan, result);
    return true;
}

bool result_drop_messages(struct replace_result *result)
{
    bool smaller = false;
    for (size_t i = 0; i < result->failure_count; i++) {
        smaller = smaller || result->failures[i].message.len > 0;
        result->failures[i].message = SPAN_LITERAL("");
    }
    return smaller;
}

void plan_reject_too_large(struct plan *plan)
{
    plan_reject(
        plan, ERR_TOO_MANY_STORES,
        SPAN_LITERAL("the result is larger than a Kafka message may be; name fewer stores in storeIds, in "
                     "several commands, or raise CERTSWAP_KAFKA_MESSAGE_MAX_BYTES and the topic's limit"));
}
