/* The table of commands and who waits for them. */
#include "gateway/waiting.h"

#include "domain/result.h"

#include <criterion/criterion.h>

static const uint8_t digest_a[WAITING_DIGEST_LEN] = {1}, digest_b[WAITING_DIGEST_LEN] = {2};
static const uint8_t hash[32] = {7};

struct woken {
    struct waiter waiter;
    int times;
};

static void wake(struct waiter *waiter)
{
    ((struct woken *)waiter)->times++;
}

static struct woken waits_until(int64_t deadline_ms)
{
    return (struct woken){.waiter = {.deadline_ms = deadline_ms, .wake = wake}};
}

static struct waiting *new_table(void)
{
    struct waiting *waiting = waiting_new(&(struct waiting_limits){
        .most_waiters = 3, .most_commands = 2, .most_bytes = 100000, .remember_ms = 1000});
    cr_assert_not_null(waiting);
    return waiting;
}

static struct uuid id_of(uint8_t last)
{
    struct uuid id = {{0}};
    id.bytes[15] = last;
    return id;
}

static enum waiting_join join(struct waiting *waiting, uint8_t last, const uint8_t *digest, int64_t now_ms,
                              struct woken *woken)
{
    struct uuid id = id_of(last);
    AUTO(buf) struct buf message = {0};
    enum waiting_join joined = waiting_join(waiting, &id, digest, now_ms, &woken->waiter, &message);
    cr_assert_eq(message.len, joined == WAITING_AGAIN ? 5 : 0);
    return joined;
}

/* Joins as new. */
static void add(struct waiting *waiting, uint8_t last, int64_t now_ms, struct woken *woken)
{
    struct uuid id = id_of(last);
    AUTO(buf) struct buf message = {0};
    buf_put_text(&message, "bytes");
    cr_assert_eq(join(waiting, last, digest_a, now_ms, woken), WAITING_NEW);
    cr_assert(waiting_add(waiting, &id, digest_a, hash, now_ms, &woken->waiter, &message));
    cr_assert_eq(message.len, 0);
}

static struct replace_result result_of(uint8_t last)
{
    struct uuid id = id_of(last);
    return (struct replace_result){
        .command_id = id, .result_id = result_id(&id), .status = REPLACE_COMPLETED};
}

Test(gateway_waiting, a_result_wakes_all_who_asked_for_it)
{
    AUTO(waiting) struct waiting *waiting = new_table();
    struct woken first = waits_until(100), second = waits_until(100), third = waits_until(100);
    add(waiting, 1, 0, &first);
    cr_assert_eq(join(waiting, 1, digest_a, 0, &second), WAITING_JOINED);
    cr_assert_eq(join(waiting, 1, digest_b, 0, &third), WAITING_CONFLICT);
    cr_assert_eq(waiting_count(waiting), 2);
    struct replace_result result = result_of(1), other = result_of(2);
    cr_assert_not(waiting_expects(waiting, &other.command_id));
    cr_assert_not(waiting_result(waiting, &other));
    cr_assert(waiting_expects(waiting, &result.command_id));
    cr_assert(waiting_result(waiting, &result));
    cr_assert(first.times == 1 && second.times == 1 && third.times == 0);
    cr_assert_eq(first.waiter.answer.status, 200);
    cr_assert_eq(waiting_count(waiting), 0);
    cr_assert_not(waiting_expects(waiting, &result.command_id));
    cr_assert_not(waiting_result(waiting, &result), "a result counts once");
    /* And whoever asks later gets it at once. */
    cr_assert_eq(join(waiting, 1, digest_a, 0, &third), WAITING_ANSWERED);
    cr_assert_eq(third.waiter.answer.status, 200);
    answer_free(&first.waiter.answer);
    answer_free(&second.waiter.answer);
    answer_free(&third.waiter.answer);
}

/* A conflict's result counts where it speaks of the bytes that were sent from here, and not where of others'.
 */
Test(gateway_waiting, conflicts_are_told_apart)
{
    AUTO(waiting) struct waiting *waiting = new_table();
    struct woken one = waits_until(100);
    add(waiting, 1, 0, &one);
    struct replace_result result = result_of(1);
    static const uint8_t others[32] = {8};
    result.status = REPLACE_REJECTED;
    result.rejection_code = SPAN_LITERAL("COMMAND_ID_CONFLICT");
    result.result_id = result_conflict_id(&result.command_id, others);
    cr_assert_not(waiting_result(waiting, &result));
    cr_assert_eq(one.times, 0);
    result.result_id = result_conflict_id(&result.command_id, hash);
    cr_assert(waiting_result(waiting, &result));
    cr_assert_eq(one.waiter.answer.status, 409);
    answer_free(&one.waiter.answer);
}

Test(gateway_waiting, late_results_are_kept_and_the_same_bytes_sent_again)
{
    AUTO(waiting) struct waiting *waiting = new_table();
    struct woken one = waits_until(100), two = waits_until(300);
    add(waiting, 1, 0, &one);
    waiting_sweep(waiting, 99);
    cr_assert_eq(one.times, 0);
    waiting_sweep(waiting, 100);
    cr_assert_eq(one.times, 1);
    cr_assert_eq(one.waiter.answer.status, 504);
    answer_free(&one.waiter.answer);
    cr_assert_eq(join(waiting, 1, digest_a, 200, &two), WAITING_AGAIN);
    struct replace_result result = result_of(1);
    cr_assert(waiting_result(waiting, &result));
    cr_assert_eq(two.waiter.answer.status, 200);
    answer_free(&two.waiter.answer);
    /* Forgotten some time after the last request. */
    waiting_sweep(waiting, 1199);
    cr_assert_eq(join(waiting, 1, digest_a, 1199, &two), WAITING_ANSWERED);
    answer_free(&two.waiter.answer);
    waiting_sweep(waiting, 2199);
    cr_assert_eq(join(waiting, 1, digest_a, 2199, &two), WAITING_NEW);
}

Test(gateway_waiting, bounds)
{
    AUTO(waiting) struct waiting *waiting = new_table();
    struct woken all[5];
    for (uint8_t i = 0; i < 3; i++) {
        all[i] = waits_until(100);
        add(waiting, i, 0, &all[i]);
    }
    all[3] = all[4] = waits_until(100);
    cr_assert_eq(join(waiting, 9, digest_a, 0, &all[3]), WAITING_FULL);
    cr_assert_eq(join(waiting, 1, digest_a, 0, &all[3]), WAITING_FULL);
    for (uint8_t i = 0; i < 3; i++) {
        struct replace_result result = result_of(i);
        cr_assert(waiting_result(waiting, &result));
        answer_free(&all[i].waiter.answer);
    }
    waiting_sweep(waiting, 1);
    /* Two are remembered, the newest. */
    cr_assert_eq(join(waiting, 0, digest_a, 1, &all[3]), WAITING_NEW);
    for (uint8_t i = 1; i < 3; i++) {
        cr_assert_eq(join(waiting, i, digest_a, 1, &all[3]), WAITING_ANSWERED);
        answer_free(&all[3].waiter.answer);
    }
}

Test(gateway_waiting, what_could_not_be_sent_and_what_is_closed)
{
    AUTO(waiting) struct waiting *waiting = new_table();
    struct woken one = waits_until(100), two = waits_until(100), three = waits_until(100);
    add(waiting, 1, 0, &one);
    add(waiting, 2, 0, &two);
    struct uuid id = id_of(1);
    waiting_fail(waiting, &id, FAULT_UNAVAILABLE, "later");
    cr_assert_eq(one.waiter.answer.status, 503);
    answer_free(&one.waiter.answer);
    cr_assert_eq(two.times, 0);
    cr_assert_eq(join(waiting, 1, digest_a, 0, &one), WAITING_AGAIN);
    waiting_close(waiting, "the end");
    cr_assert(one.times == 2 && two.times == 1);
    cr_assert_eq(two.waiter.answer.fault, FAULT_STOPPING);
    answer_free(&one.waiter.answer);
    answer_free(&two.waiter.answer);
    cr_assert_eq(join(waiting, 2, digest_a, 0, &three), WAITING_CLOSED);
    AUTO(buf) struct buf message = {0};
    buf_put_text(&message, "bytes");
    id = id_of(3);
    cr_assert_not(waiting_add(waiting, &id, digest_a, hash, 0, &three.waiter, &message));
    cr_assert_eq(message.len, 5);
}
