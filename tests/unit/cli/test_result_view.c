/* A result as people see it, and the exit status that stands for it. */
#include "cli/result_view.h"

#include "cli/subcommands.h"

#include <criterion/criterion.h>

static struct uuid uuid_of(const char *text)
{
    struct uuid uuid;
    cr_assert(uuid_parse(&uuid, span_text(text)));
    return uuid;
}

static void expect(const struct replace_result *result, const char *text)
{
    AUTO(buf) struct buf out = {0};
    result_print(result, &out);
    cr_assert_not(out.failed);
    cr_assert(span_equal(buf_span(&out), span_text(text)), "got:\n%.*s\nwanted:\n%s",
              SPAN_ARG(buf_span(&out)), text);
}

Test(result_view, lists_stores_with_outcome_and_reason)
{
    struct uuid good = uuid_of("11111111-0000-4000-8000-000000000001");
    struct store_failure failure = {.store_id = uuid_of("11111111-0000-4000-8000-000000000002"),
                                    .code = SPAN_LITERAL("NOT_APPROVED"),
                                    .message = SPAN_LITERAL("approve the store\x1b[0m"),
                                    .retryable = true};
    struct replace_result result = {.command_id = uuid_of("7d8f9c1e-0b7a-4c56-9f3e-2a1b3c4d5e6f"),
                                    .status = REPLACE_PARTIAL,
                                    .successful_stores = &good,
                                    .successful_count = 1,
                                    .failed_stores = &failure.store_id,
                                    .failed_count = 1,
                                    .failures = &failure,
                                    .failure_count = 1,
                                    .existing_certificate_id = 123,
                                    .has_certificate_id = true,
                                    .certificate_id = 456,
                                    .job_count = 2,
                                    .has_scheduled_at = true,
                                    .scheduled_at_ms = 1795019781000};
    expect(&result,
           "PARTIAL: some stores got their jobs, others could not "
           "(command 7d8f9c1e-0b7a-4c56-9f3e-2a1b3c4d5e6f)\n"
           "certificate 123 by certificate 456; jobs: 2; scheduled for 2026-11-18T16:36:21.000Z\n\n"
           "STORE                                 OUTCOME       REASON\n"
           "11111111-0000-4000-8000-000000000001  jobs created\n"
           "11111111-0000-4000-8000-000000000002  NOT_APPROVED  approve the store?[0m (may succeed later)\n");
}

Test(result_view, says_why_a_command_was_rejected)
{
    struct replace_result result = {.status = REPLACE_REJECTED,
                                    .has_rejection = true,
                                    .rejection_code = SPAN_LITERAL("NOT_STAGED"),
                                    .rejection_message = SPAN_LITERAL("enroll certificate 456 first"),
                                    .existing_certificate_id = 123,
                                    .has_request_id = true,
                                    .request_id = 9};
    expect(&result, "REJECTED: the command was refused (command 00000000-0000-0000-0000-000000000000)\n"
                    "certificate 123 by the certificate of request 9\n"
                    "NOT_STAGED: enroll certificate 456 first\n");
}

Test(result_view, a_dry_run_says_so)
{
    struct uuid good = uuid_of("11111111-0000-4000-8000-000000000001");
    struct replace_result result = {.status = REPLACE_COMPLETED,
                                    .successful_stores = &good,
                                    .successful_count = 1,
                                    .existing_certificate_id = 1,
                                    .job_count = 1,
                                    .dry_run = true};
    expect(&result, "COMPLETED: every store got its jobs (command 00000000-0000-0000-0000-000000000000)\n"
                    "certificate 1; jobs it would make (dry run): 1\n\n"
                    "STORE                                 OUTCOME             REASON\n"
                    "11111111-0000-4000-8000-000000000001  would get its jobs\n");
}

Test(result_view, every_status_has_an_exit_status_of_its_own)
{
    const int statuses[] = {STATUS_DONE, STATUS_PARTIAL, STATUS_NOT_REPLACED, STATUS_NO_LOCATIONS,
                            STATUS_REJECTED};
    const enum replace_status results[] = {REPLACE_COMPLETED, REPLACE_PARTIAL, REPLACE_FAILED,
                                           REPLACE_NO_LOCATIONS, REPLACE_REJECTED};
    for (size_t i = 0; i < 5; i++)
        cr_assert_eq(result_exit_status(results[i]), statuses[i]);
}
