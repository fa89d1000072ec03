/* The staging rules of the contract, section 3 ("Replay-safe staging") and 9, against a real redis-server. */
#include "domain/staging.h"
#include "redis/dead_mark.h"
#include "redis/staging.h"
#include "redis/watermark.h"
#include "support/redis_fixture.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>

TestSuite(staging, .init = redis_fixture_start, .fini = redis_fixture_stop, .timeout = 30);

/* The answer to a command, as text ("-" for nil). */
static const char *ask(const char *command)
{
    redisContext *context = redisConnectUnix(server.socket);
    redisReply *reply = redisCommand(context, command);
    cr_assert_not_null(reply);
    struct span text = reply->type == REDIS_REPLY_INTEGER ? arena_format(arena, "%lld", reply->integer)
                       : reply->type == REDIS_REPLY_NIL   ? arena_format(arena, "-")
                                                          : arena_format(arena, "%s", reply->str);
    freeReplyObject(reply);
    redisFree(context);
    return (const char *)text.data;
}

static int64_t number(const char *command)
{
    return strtoll(ask(command), NULL, 10);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct certificate_event event(uint8_t id, int64_t occurred_at_ms, int32_t certificate,
                                      int32_t request)
{
    return (struct certificate_event){.event_id.bytes = {id},
                                      .occurred_at_ms = occurred_at_ms,
                                      .certificate_id = certificate,
                                      .request_id = request,
                                      .requester = SPAN_LITERAL("alice")};
}

static int64_t redis_now_ms(void)
{
    int64_t now;
    struct err err = {0};
    cr_assert(redis_time(redis, &now, &err), "%s", err.text);
    return now;
}

static enum stage_outcome stage(struct certificate_event staged, const char *record, const char *refused)
{
    struct stage_request request = {&staged, event_ends(staged.occurred_at_ms, redis_now_ms(), 300000),
                                    span_text(record), span_text(refused)};
    enum stage_outcome outcome;
    struct err err = {0};
    cr_assert(staging_write(redis, &request, 1, &outcome, &err), "%s", err.text);
    return outcome;
}

static struct staged_lookup look(bool by_request, int32_t id)
{
    struct staged_lookup lookup = {.by_request = by_request, .id = id};
    struct err err = {0};
    cr_assert(staging_ask(redis, &lookup, &err) && staging_answer(redis, arena, &lookup, &err), "%s",
              err.text);
    return lookup;
}

static void cr_expect_found(struct staged_lookup lookup, int32_t certificate, const char *record)
{
    cr_assert_eq(lookup.state, STAGED_FOUND);
    cr_assert_eq(lookup.certificate_id, certificate);
    cr_assert(span_equal(lookup.record, span_text(record)));
}

Test(staging, life_counts_from_the_acquisition)
{
    int64_t occurred = now_ms() - 100000;
    cr_assert_eq(stage(event(1, occurred, 456, 9), "sealed", NULL), STAGE_STAGED);
    cr_expect_found(look(false, 456), 456, "sealed");
    cr_expect_found(look(true, 9), 456, "sealed");
    cr_assert_eq(number("PEXPIRETIME certswap:staged:456"), occurred + 300000);
    cr_assert_leq(llabs(number("PTTL certswap:marker:456") - 86400000), 5000);
    cr_assert_leq(llabs(number("PTTL certswap:request:9") - 86400000), 5000);
    cr_assert_str_eq(ask("GET certswap:request:9"), "456");
}

Test(staging, a_moment_in_the_future_counts_from_now)
{
    stage(event(1, now_ms() + 3600000, 456, 9), "sealed", NULL);
    int64_t ends = number("PEXPIRETIME certswap:staged:456");
    cr_assert_leq(llabs(ends - now_ms() - 300000), 5000);
}

Test(staging, the_same_event_never_lengthens_its_life)
{
    int64_t ahead = now_ms() + 3600000;
    stage(event(1, ahead, 456, 9), "sealed", NULL);
    int64_t ends = number("PEXPIRETIME certswap:staged:456");
    ask("EXPIRE certswap:marker:456 5000");
    ask("EXPIRE certswap:request:9 5000");
    for (int64_t first = now_ms(); now_ms() < first + 20;)
        continue;
    cr_assert_eq(stage(event(1, ahead, 456, 9), "sealed again", NULL), STAGE_REPLAYED);
    cr_assert_eq(number("PEXPIRETIME certswap:staged:456"), ends);
    cr_assert_leq(number("TTL certswap:marker:456"), 5000);
    cr_assert_leq(number("TTL certswap:request:9"), 5000);
}

Test(staging, what_is_over_leaves_marker_and_request_key_only)
{
    cr_assert_eq(stage(event(1, now_ms() - 300001, 456, 9), "sealed", NULL), STAGE_OVER);
    cr_assert_str_eq(ask("EXISTS certswap:staged:456"), "0");
    cr_assert_eq(look(false, 456).state, STAGED_EXPIRED);
    struct staged_lookup by_request = look(true, 9);
    cr_assert_eq(by_request.state, STAGED_EXPIRED);
    cr_assert_eq(by_request.certificate_id, 456);
}

Test(staging, never_and_expired_are_told_apart)
{
    cr_assert_eq(look(false, 456).state, STAGED_MISSING);
    struct staged_lookup by_request = look(true, 9);
    cr_assert_eq(by_request.state, STAGED_MISSING);
    cr_assert_eq(by_request.certificate_id, 0);
    stage(event(1, now_ms(), 456, 9), "sealed", NULL);
    ask("DEL certswap:staged:456");
    cr_assert_eq(look(false, 456).state, STAGED_EXPIRED);
}

/* As nobody but an attacker writes it. */
Test(staging, a_request_that_leads_to_no_certificate_id_is_unknown)
{
    static const char *const ids[] = {"4294967752", "456x", "-456", "0", "certificate"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        ask((const char *)arena_format(arena, "SET certswap:request:9 %s", ids[i]).data);
        ask((const char *)arena_format(arena, "SET certswap:staged:%s sealed", ids[i]).data);
        struct staged_lookup found = look(true, 9);
        cr_assert_eq(found.state, STAGED_MISSING, "%s", ids[i]);
        cr_assert_eq(found.certificate_id, 0);
    }
}

Test(staging, an_older_event_never_replaces_a_newer_one)
{
    int64_t now = now_ms();
    stage(event(2, now, 456, 10), "newer", NULL);
    cr_assert_eq(stage(event(1, now - 1, 456, 9), "older", NULL), STAGE_OLDER);
    cr_expect_found(look(false, 456), 456, "newer");
    cr_expect_found(look(true, 9), 456, "newer");
    cr_assert_eq(stage(event(3, now - 1, 456, 9), NULL, "wrong password"), STAGE_OLDER);
    cr_expect_found(look(false, 456), 456, "newer");
    cr_assert_eq(stage(event(4, now + 1, 456, 9), "newest", NULL), STAGE_STAGED);
    cr_expect_found(look(false, 456), 456, "newest");
}

Test(staging, the_newest_decides_also_when_it_is_refused)
{
    int64_t now = now_ms();
    stage(event(1, now - 10, 456, 9), "older", NULL);
    cr_assert_eq(stage(event(2, now, 456, 9), NULL, "wrong password"), STAGE_REFUSED);
    cr_assert_str_eq(ask("EXISTS certswap:staged:456"), "0");
    struct staged_lookup refused = look(true, 9);
    cr_assert_eq(refused.state, STAGED_REFUSED);
    cr_assert(span_equal(refused.refused, SPAN_LITERAL("wrong password")));
    stage(event(3, now + 1, 456, 9), "newest", NULL);
    cr_expect_found(look(false, 456), 456, "newest");
}

Test(staging, the_newer_event_wins_a_request_id)
{
    int64_t now = now_ms();
    stage(event(1, now, 456, 9), "a", NULL);
    stage(event(2, now - 1, 457, 9), "b", NULL);
    cr_assert_str_eq(ask("GET certswap:request:9"), "456");
    stage(event(3, now + 1, 458, 9), "c", NULL);
    cr_assert_str_eq(ask("GET certswap:request:9"), "458");
    /* the certificate that lost its request is staged again for another: it does not take the request back */
    stage(event(4, now + 2, 456, 10), "d", NULL);
    cr_assert_str_eq(ask("GET certswap:request:9"), "458");
}

Test(staging, many_in_one_round_trip_keep_their_order)
{
    enum { COUNT = 500 };
    struct certificate_event events[COUNT];
    struct stage_request requests[COUNT];
    enum stage_outcome outcomes[COUNT];
    struct staged_lookup lookups[COUNT];
    int64_t now = now_ms();
    for (int i = 0; i < COUNT; i++) {
        events[i] = event((uint8_t)i, now, i + 1, i + 1);
        requests[i] =
            (struct stage_request){&events[i], now + 300000, arena_format(arena, "record %d", i + 1), {0}};
        lookups[i] = (struct staged_lookup){.by_request = i % 2 == 1, .id = i + 1};
    }
    struct err err = {0};
    cr_assert(staging_write(redis, requests, COUNT, outcomes, &err), "%s", err.text);
    for (int i = 0; i < COUNT; i++)
        cr_assert(staging_ask(redis, &lookups[i], &err), "%s", err.text);
    for (int i = 0; i < COUNT; i++)
        cr_assert(staging_answer(redis, arena, &lookups[i], &err), "%s", err.text);
    for (int i = 0; i < COUNT; i++)
        cr_expect_found(lookups[i], i + 1, (const char *)arena_format(arena, "record %d", i + 1).data);
}

Test(staging, a_server_that_restarts_or_forgets_its_scripts_is_found_again)
{
    stage(event(1, now_ms(), 456, 9), "sealed", NULL);
    redis_server_end(&server);
    struct staged_lookup lookup = {.id = 456};
    struct err err = {0};
    cr_assert_not(staging_ask(redis, &lookup, &err) && staging_answer(redis, arena, &lookup, &err));
    cr_assert_eq(err.code, ERR_REDIS_UNAVAILABLE);
    unlink(server.socket);
    redis_server_run(&server);
    cr_assert_eq(stage(event(1, now_ms(), 456, 9), "sealed", NULL), STAGE_STAGED);
    ask("SCRIPT FLUSH");
    err = (struct err){0};
    cr_assert_not(staging_ask(redis, &lookup, &err) && staging_answer(redis, arena, &lookup, &err),
                  "the script was unknown");
    cr_expect_found(look(false, 456), 456, "sealed");
}

Test(staging, an_error_answer_names_its_remedy_and_no_password)
{
    ask("CONFIG SET requirepass hunter2");
    struct redis_options wrong = options;
    wrong.password = "hunter3";
    AUTO(redis) struct redis *other = redis_new(&wrong);
    struct err err = {0};
    cr_assert_not(redis_ping(other, &err));
    cr_assert_not_null(strstr(err.text, "CERTSWAP_REDIS_URL"));
    cr_assert_null(strstr(err.text, "hunter"));
    wrong.password = "hunter2";
    wrong.database = 3;
    AUTO(redis) struct redis *right = redis_new(&wrong);
    err = (struct err){0};
    cr_assert(redis_ping(right, &err), "%s", err.text);
}

Test(staging, a_dead_letter_is_claimed_once)
{
    struct err err = {0};
    enum dead_claim claim;
    cr_assert(dead_mark_claim(redis, "certstore.inventory", 3, 77, &claim, &err));
    cr_assert_eq(claim, DEAD_MINE);
    cr_assert(dead_mark_claim(redis, "certstore.inventory", 3, 77, &claim, &err));
    cr_assert_eq(claim, DEAD_TAKEN);
    cr_assert_leq(number("TTL certswap:dead:certstore.inventory/3/77"), 60);
    cr_assert(dead_mark_done(redis, "certstore.inventory", 3, 77, &err));
    cr_assert(dead_mark_claim(redis, "certstore.inventory", 3, 77, &claim, &err));
    cr_assert_eq(claim, DEAD_DONE);
    cr_assert_gt(number("TTL certswap:dead:certstore.inventory/3/77"), 604700);
}

Test(staging, material_is_bound_to_its_key_and_requester)
{
    struct span a = staging_binding(arena, 456, SPAN_LITERAL("alice"));
    cr_assert(span_equal(a, SPAN_LITERAL("certswap:staged:456\0alice")));
}
