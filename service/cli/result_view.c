#include "cli/result_view.h"

#include "base/iso8601.h"
#include "cli/subcommands.h"
#include "cli/table.h"

int result_exit_status(enum replace_status status)
{
    static const int STATUSES[] = {
        [REPLACE_COMPLETED] = STATUS_DONE,      [REPLACE_PARTIAL] = STATUS_PARTIAL,
        [REPLACE_FAILED] = STATUS_NOT_REPLACED, [REPLACE_NO_LOCATIONS] = STATUS_NO_LOCATIONS,
        [REPLACE_REJECTED] = STATUS_REJECTED,
    };
    return STATUSES[status];
}

/* What the status means for the person who asked. */
static const char *meaning(enum replace_status status)
{
    static const char *const MEANINGS[] = {
        [REPLACE_COMPLETED] = "every store got its jobs",
        [REPLACE_PARTIAL] = "some stores got their jobs, others could not",
        [REPLACE_FAILED] = "no store could get a job",
        [REPLACE_NO_LOCATIONS] = "no store holds the existing certificate",
        [REPLACE_REJECTED] = "the command was refused",
    };
    return MEANINGS[status];
}

static void put_head(const struct replace_result *result, struct buf *out)
{
    char command[UUID_TEXT_LEN + 1];
    uuid_format(&result->command_id, command);
    buf_put_format(out, "%s: %s (command %s)\n", replace_status_name(result->status), meaning(result->status),
                   command);
    buf_put_format(out, "certificate %d", result->existing_certificate_id);
    if (result->has_certificate_id)
        buf_put_format(out, " by certificate %d", result->certificate_id);
    else if (result->has_request_id)
        buf_put_format(out, " by the certificate of request %d", result->request_id);
    if (result->status != REPLACE_REJECTED)
        buf_put_format(out, "; jobs%s: %d", result->dry_run ? " it would make (dry run)" : "",
                       result->job_count);
    if (result->has_scheduled_at) {
        char when[ISO8601_TEXT_MAX];
        iso8601_format(result->scheduled_at_ms, when);
        buf_put_format(out, "; scheduled for %s", when);
    }
    buf_put_byte(out, '\n');
}

static void add_row(struct table *table, const struct uuid *store, struct span outcome, struct span reason)
{
    char text[UUID_TEXT_LEN + 1];
    uuid_format(store, text);
    table_add(table, (const struct span[]){span_text(text), outcome, reason});
}

static void add_rows(struct table *table, const struct replace_result *result)
{
    const char *created = result->dry_run ? "would get its jobs" : "jobs created";
    for (size_t i = 0; i < result->successful_count; i++)
        add_row(table, &result->successful_stores[i], span_text(created), span_text(""));
    AUTO(buf) struct buf reason = {0};
    for (size_t i = 0; i < result->failure_count; i++) {
        const struct store_failure *failure = &result->failures[i];
        buf_reset(&reason);
        buf_put(&reason, failure->message.data, failure->message.len);
        buf_put_text(&reason, failure->retryable ? " (may succeed later)" : "");
        add_row(table, &failure->store_id, failure->code, buf_span(&reason));
    }
}

void result_print(const struct replace_result *result, struct buf *out)
{
    static const char *const TITLES[] = {"STORE", "OUTCOME", "REASON"};
    put_head(result, out);
    if (result->has_rejection) {
        table_put_clean(out, result->rejection_code);
        buf_put_text(out, ": ");
        table_put_clean(out, result->rejection_message);
        buf_put_byte(out, '\n');
    }
    AUTO(table) struct table *table = table_new(TITLES, 3);
    if (table == NULL) {
        out->failed = true;
        return;
    }
    add_rows(table, result);
    if (table_rows(table) == 0)
        return;
    buf_put_byte(out, '\n');
    table_print(table, out);
}
