/* Requests and answers while each allocation of ours fails in turn: an error that says so, or the very same
   as with memory. */
#include "gateway/request.h"
#include "gateway/waiting.h"
#include "support/failing_malloc.h"

#include <criterion/criterion.h>

Test(gateway_memory, bodies)
{
    static const char body[] = "{\"ExistingCertificateId\":123,\"CertificateId\":456,\"Password\":\"secret\","
                               "\"JobTime\":\"2026-11-19T16:23:01Z\"}";
    long failures = 0;
    for (long nth = 1;; nth++) {
        struct replace_command command = {0};
        struct err err = {0};
        fail_allocation(nth);
        struct arena *arena = arena_new(0);
        bool done = arena != NULL && request_read(arena, SPAN_LITERAL(body), &command, &err);
        bool failed = fail_allocation_end();
        cr_assert(done || arena == NULL || err.code == ERR_NO_MEMORY, "%ld: %s", nth, err.text);
        cr_assert(!done ||
                  (command.certificate_id == 456 && span_equal(command.password, SPAN_LITERAL("secret"))));
        if (arena != NULL)
            arena_free(arena);
        failures += failed;
        if (!failed)
            break;
    }
    cr_assert_gt(failures, 3);
}

static void no_wake(struct waiter *waiter)
{
    (void)waiter;
}

/* A command, its result, and the same asked again. */
static void go_round(void)
{
    static const uint8_t digest[WAITING_DIGEST_LEN] = {1}, hash[32] = {2};
    static struct uuid store = {{7}};
    struct replace_result result = {
        .status = REPLACE_COMPLETED, .successful_stores = &store, .successful_count = 1};
    struct waiter first = {.deadline_ms = 9, .wake = no_wake}, second = first;
    AUTO(buf) struct buf message = {0};
    struct waiting *waiting = waiting_new(&(struct waiting_limits){
        .most_waiters = 2, .most_commands = 2, .most_bytes = 100000, .remember_ms = 1000});
    if (waiting == NULL)
        return;
    buf_put_text(&message, "bytes");
    if (!message.failed && waiting_add(waiting, &result.command_id, digest, hash, 0, &first, &message)) {
        waiting_sweep(waiting, 9);
        cr_assert(first.answer.status == 504 || first.answer.status == 500);
        enum waiting_join joined = waiting_join(waiting, &result.command_id, digest, 9, &second, &message);
        cr_assert(joined == WAITING_AGAIN || joined == WAITING_FULL);
        waiting_close(waiting, "the end");
    }
    answer_result(&first.answer, &result);
    static const char whole[] =
        "{\"SuccessfulStores\":[\"07000000-0000-0000-0000-000000000000\"],\"FailedStores\":[]}";
    cr_assert(first.answer.status == 500 || span_equal(buf_span(&first.answer.body), SPAN_LITERAL(whole)));
    answer_free(&first.answer);
    answer_free(&second.answer);
    waiting_free(waiting);
}

Test(gateway_memory, answers)
{
    for (long nth = 1;; nth++) {
        fail_allocation(nth);
        go_round();
        if (!fail_allocation_end())
            break;
    }
}
