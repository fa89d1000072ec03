#include "pipeline/replace_report.h"

#include "metrics/metrics.h"
#include "pipeline/log_trace.h"

static void count_result(const struct replace_item *item)
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
static void log_result(const struct replace_item *item, int64_t took_us)
{
    const struct replace_result *result = &item->result;
    const rd_kafka_message_t *message = item->message;
    bool repeated = item->fate == ITEM_REPEATED;
    log_info(
        "command", log_uuid("commandId", &result->command_id),
        log_str("status", replace_status_name(result->status)),
        result->has_rejection ? log_span("rejection", result->rejection_code) : log_str("rejection", NULL),
        repeated ? log_bool("duplicate", true) : log_str("duplicate", NULL),
        log_int("existingCertificateId", result->existing_certificate_id),
        log_int("certificateId", result->certificate_id), log_int("jobs", repeated ? 0 : result->job_count),
        log_int("failedStores", (int64_t)result->failed_count), log_bool("dryRun", result->dry_run),
        log_span("requestedBy", result->requested_by), log_int("retries", item->retries), log_trace(message),
        log_int("durationUs", took_us), log_str("topic", rd_kafka_topic_name(message->rkt)),
        log_int("partition", message->partition), log_int("offset", message->offset));
}

static void report_dead(const struct pipeline_context *context, const struct replace_item *item)
{
    const rd_kafka_message_t *message = item->message;
    const char *topic = rd_kafka_topic_name(message->rkt);
    bool retry = strcmp(topic, context->settings->topics.retry) == 0;
    metric_add(METRIC_COMMANDS, 1, METRIC_COMMAND_DEAD_LETTER);
    metric_add(METRIC_DEAD_LETTERS, 1, retry ? METRIC_TOPIC_RETRY : METRIC_TOPIC_COMMANDS);
    log_warn("command refused", log_err(&item->refusal), log_trace(message), log_str("topic", topic),
             log_int("partition", message->partition), log_int("offset", message->offset));
}

static void report_retry(const struct replace_item *item)
{
    metric_add(METRIC_RETRIES, 1);
    log_debug("command waits", log_uuid("commandId", &item->command.command_id),
              log_int("retries", item->retries + 1),
              log_str("for", item->key_may_come                  ? "its token's key"
                             : item->claim.state == LEDGER_OWNER ? "its certificate"
                                                                 : "the first decision of its id"),
              log_trace(item->message));
}

/* Its place is in the line, since no line about the command itself names it. */
static void report_copy(const struct replace_item *item)
{
    const rd_kafka_message_t *message = item->message;
    log_info("command record read again, is decided once with the others of its origin",
             log_uuid("commandId", &item->command.command_id), log_span("origin", item->claim.origin),
             log_str("topic", rd_kafka_topic_name(message->rkt)), log_int("partition", message->partition),
             log_int("offset", message->offset), log_trace(message));
}

void replace_report(const struct pipeline_context *context, const struct replace_item *item, int64_t took_us)
{
    switch (item->fate) {
    case ITEM_DEAD:
        report_dead(context, item);
        break;
    case ITEM_RETRIED:
        report_retry(item);
        break;
    case ITEM_COPY:
        report_copy(item);
        break;
    case ITEM_REPEATED:
        metric_add(METRIC_DUPLICATES, 1);
        log_result(item, took_us);
        break;
    case ITEM_DECIDED:
    case ITEM_CONFLICT:
        count_result(item);
        log_result(item, took_us);
        metric_observe(METRIC_COMMAND_DURATION, (double)took_us / 1000000);
        break;
    }
}
