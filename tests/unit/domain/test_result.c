#include "domain/job.h"
#include "domain/result.h"
#include "world.h"

#include <criterion/criterion.h>

static struct world world;

static void setup(void)
{
    world_init(&world);
}

static void teardown(void)
{
    world_free(&world);
}

TestSuite(job, .init = setup, .fini = teardown);
TestSuite(result, .init = setup, .fini = teardown);

static struct replace_result result_now(void)
{
    struct replace_result result;
    struct err err = {0};
    cr_assert(result_make(world.arena, &world.plan, world.now_ms + 5, &result, &err), "%s", err.text);
    return result;
}

static void expect_uuid(struct uuid id, const char *expected)
{
    char text[UUID_TEXT_LEN + 1];
    uuid_format(&id, text);
    cr_expect_str_eq(text, expected);
}

/* Expected value from Python's uuid.uuid5 and hashlib: of the bytes "value". */
Test(result, a_conflicts_id_is_made_of_the_bytes)
{
    static const uint8_t sha256[32] = {0xCD, 0x42, 0x40, 0x4D, 0x52, 0xAD, 0x55, 0xCC, 0xFA, 0x9A, 0xCA,
                                       0x4A, 0xDC, 0x82, 0x8A, 0xA5, 0x80, 0x0A, 0xD9, 0xD3, 0x85, 0xA0,
                                       0x67, 0x1F, 0xBC, 0xBF, 0x72, 0x41, 0x18, 0x32, 0x06, 0x19};
    struct uuid command;
    cr_assert(uuid_parse(&command, SPAN_LITERAL("7d8f9c1e-0b7a-4c56-9f3e-2a1b3c4d5e6f")));
    expect_uuid(result_conflict_id(&command, sha256), "2ab13de9-d602-5516-b90c-5cf9f1fb450a");
}

/* Expected values from Python's uuid.uuid5. */
Test(job, id_is_version_5_of_store_and_alias)
{
    struct uuid command;
    struct uuid id;
    cr_assert(uuid_parse(&command, SPAN_LITERAL("C0FFEE00-0000-0000-0000-000000000000")));
    struct uuid store = world_store_id(1);
    cr_assert(job_id(world.arena, &command, &store, SPAN_LITERAL("web"), &id));
    expect_uuid(id, "b06e8b72-1565-5d46-810d-37cc329274d0");
    cr_assert(job_id(world.arena, &command, &store, SPAN_LITERAL(""), &id));
    expect_uuid(id, "7a3b019e-e6e0-502f-9078-08787c170a6a");
    char alias[1000];
    memset(alias, 'a', sizeof alias);
    cr_assert(job_id(world.arena, &command, &store, span_of(alias, sizeof alias), &id));
    expect_uuid(id, "9fccc443-7c4d-506c-932c-14acb747588b");
    expect_uuid(result_id(&command), "0c899347-1fa6-5f2b-8350-b00701798328");
}

Test(job, has_what_the_contract_says)
{
    world.command.has_job_time = true;
    world.command.job_time = SPAN_LITERAL("2027-01-01T00:00:00Z");
    world.entries[1][0].thumbprint = SPAN_LITERAL("00112233445566778899aabbccddeeff00112233");
    const struct plan *plan = world_plan(&world);
    struct store_job job;
    cr_assert(job_fill(world.arena, plan, 1, plan->stores[1].first_job, world.now_ms, &job, NULL));
    expect_uuid(job.job_id, "b06e8b72-1565-5d46-810d-37cc329274d0");
    cr_assert(uuid_equal(&job.command_id, &world.command.command_id));
    cr_assert(uuid_equal(&job.store_id, &world.stores[1].store_id));
    cr_assert(uuid_equal(&job.agent_id, &world.stores[1].agent.agent_id));
    cr_assert(span_equal(job.store_type, SPAN_LITERAL("JKS")));
    cr_assert(span_equal(job.client_machine, SPAN_LITERAL("web01.example.com")));
    cr_assert(span_equal(job.store_path, SPAN_LITERAL("/etc/pki/web.jks")));
    cr_assert(job.has_container_id);
    cr_assert_eq(job.container_id, 7);
    cr_assert(span_equal(job.alias, SPAN_LITERAL("web")));
    cr_assert(job.overwrite);
    cr_assert_eq(job.existing_certificate_id, EXISTING);
    cr_assert(span_equal(job.existing_thumbprint, world.entries[1][0].thumbprint), "as written");
    cr_assert_eq(job.certificate_id, NEW);
    cr_assert(span_equal(job.thumbprint, world.staged.thumbprint));
    cr_assert(job.has_scheduled_at);
    cr_assert_eq(job.scheduled_at_ms, INT64_C(1798761600000));
    cr_assert(span_equal(job.requested_by, SPAN_LITERAL("CORP\\ada")));
    cr_assert_eq(job.created_at_ms, world.now_ms);
    cr_assert(job_fill(world.arena, plan, 0, plan->stores[0].first_job, world.now_ms, &job, NULL));
    cr_assert(span_equal(job.existing_thumbprint, world.entries[0][0].thumbprint), "packed and unpacked");
}

Test(result, of_a_partial_success)
{
    world.stores[1].approved = false;
    world.command.has_job_time = true;
    world.command.job_time = SPAN_LITERAL("2027-01-01T00:00:00Z");
    world.command.dry_run = true;
    world_plan(&world);
    plan_fail_store(&world.plan, 2, ERR_JOB_TOO_LARGE, SPAN_LITERAL("too large"));
    struct replace_result result = result_now();
    cr_assert_eq(result.status, REPLACE_PARTIAL);
    expect_uuid(result.result_id, "0c899347-1fa6-5f2b-8350-b00701798328");
    cr_assert_eq(result.successful_count, 1);
    cr_assert_eq(result.successful_stores[0].bytes[15], 0);
    cr_assert_eq(result.failed_count, 2);
    cr_assert_eq(result.failed_stores[0].bytes[15], 1);
    cr_assert_eq(result.failed_stores[1].bytes[15], 2);
    cr_assert_eq(result.failure_count, 2);
    cr_assert(span_equal(result.failures[0].code, SPAN_LITERAL("NOT_APPROVED")));
    cr_assert(result.failures[0].retryable);
    cr_assert_gt(result.failures[0].message.len, 0);
    cr_assert(span_equal(result.failures[1].code, SPAN_LITERAL("JOB_TOO_LARGE")));
    cr_assert(span_equal(result.failures[1].message, SPAN_LITERAL("too large")));
    cr_assert_not(result.failures[1].retryable);
    cr_assert_not(result.has_rejection);
    cr_assert_eq(result.existing_certificate_id, EXISTING);
    cr_assert(result.has_certificate_id);
    cr_assert_eq(result.certificate_id, NEW);
    cr_assert(result.has_request_id);
    cr_assert_eq(result.request_id, REQUEST);
    cr_assert_eq(result.job_count, 1);
    cr_assert(result.has_scheduled_at);
    cr_assert_eq(result.scheduled_at_ms, INT64_C(1798761600000));
    cr_assert(result.dry_run);
    cr_assert(span_equal(result.requested_by, SPAN_LITERAL("CORP\\ada")));
    cr_assert_eq(result.completed_at_ms, world.now_ms + 5);
}

Test(result, of_a_rejection_has_no_schedule)
{
    world.command.has_job_time = true;
    world.command.job_time = SPAN_LITERAL("2027-01-01T00:00:00Z");
    world.staged.requester = SPAN_LITERAL("bob");
    world_plan(&world);
    struct replace_result result = result_now();
    cr_assert_eq(result.status, REPLACE_REJECTED);
    cr_assert(result.has_rejection);
    cr_assert(span_equal(result.rejection_code, SPAN_LITERAL("NOT_REQUESTER")));
    cr_assert_gt(result.rejection_message.len, 0);
    cr_assert_not(result.has_scheduled_at);
    cr_assert_eq(result.job_count, 0);
    cr_assert_eq(result.successful_count + result.failed_count + result.failure_count, 0);
}

Test(result, too_large_loses_its_messages_then_becomes_a_rejection)
{
    world.stores[1].approved = false;
    world_plan(&world);
    struct replace_result result = result_now();
    cr_assert(result_drop_messages(&result));
    cr_assert_eq(result.failures[0].message.len, 0);
    cr_assert(span_equal(result.failures[0].code, SPAN_LITERAL("NOT_APPROVED")));
    cr_assert_not(result_drop_messages(&result), "nothing is left to drop");
    plan_reject_too_large(&world.plan);
    result = result_now();
    cr_assert(span_equal(result.rejection_code, SPAN_LITERAL("TOO_MANY_STORES")));
    cr_assert_eq(world.plan.job_count, 0);
    cr_assert_eq(result.failed_count, 0);
}
