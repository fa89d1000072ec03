/* The ledger and the watermarks of the contract, section 3, against a real redis-server. */
#include "redis/ledger.h"
#include "redis/watermark.h"
#include "support/redis_fixture.h"

TestSuite(ledger, .init = redis_fixture_start, .fini = redis_fixture_stop, .timeout = 30);

static const struct uuid id = {{1, 2, 3}};

static struct ledger_claim claim(const char *origin, uint8_t payload)
{
    struct ledger_claim it = {.command_id = id, .origin = span_text(origin), .hash = {payload}};
    struct err err = {0};
    cr_assert(ledger_ask(redis, &it, 86400, &err) && ledger_answer(redis, arena, &it, &err), "%s", err.text);
    return it;
}

static struct ledger_claim claim_by(const char *origin, int32_t generation, int32_t gone)
{
    struct ledger_claim it = {.command_id = id,
                              .origin = span_text(origin),
                              .hash = {1},
                              .generation = generation,
                              .gone_generation = gone};
    struct err err = {0};
    cr_assert(ledger_ask(redis, &it, 86400, &err) && ledger_answer(redis, arena, &it, &err), "%s", err.text);
    return it;
}

static bool keep(const struct ledger_claim *claimed, const char *result, const char *decider, struct err *err)
{
    struct ledger_decision decision = {claimed, span_text(result), span_text(decider)};
    return ledger_keep(redis, &decision, 1, 86400, err);
}

Test(ledger, the_first_origin_owns_the_id_and_decides_again_after_a_crash)
{
    struct ledger_claim first = claim("commands/0/5", 1);
    cr_assert_eq(first.state, LEDGER_OWNER);
    cr_assert_eq(first.attempt, 1);
    cr_assert_eq(claim("commands/1/9", 1).state, LEDGER_WAITING);
    struct ledger_claim again = claim("commands/0/5", 1);
    cr_assert_eq(again.state, LEDGER_OWNER);
    cr_assert_eq(again.attempt, 2);
    struct err err = {0};
    cr_assert(keep(&again, "result", "retry/0/3", &err), "%s", err.text);
    cr_assert_eq(claim("commands/0/5", 1).state, LEDGER_OWNER);
}

Test(ledger, a_duplicate_gets_what_was_decided_byte_for_byte)
{
    struct ledger_claim owner = claim("commands/0/5", 1);
    struct err err = {0};
    cr_assert(keep(&owner, "re\nsult", "retry/0/3", &err), "%s", err.text);
    struct ledger_claim duplicate = claim("commands/1/9", 1);
    cr_assert_eq(duplicate.state, LEDGER_DECIDED);
    cr_assert_eq(duplicate.attempt, 1);
    cr_assert(span_equal(duplicate.result, SPAN_LITERAL("re\nsult")));
    cr_assert(span_equal(duplicate.decider, SPAN_LITERAL("retry/0/3")));
}

Test(ledger, another_payload_is_a_conflict_decided_or_not)
{
    struct ledger_claim owner = claim("commands/0/5", 1);
    cr_assert_eq(claim("commands/1/9", 2).state, LEDGER_CONFLICT);
    cr_assert_eq(claim("commands/0/5", 2).state, LEDGER_CONFLICT);
    struct err err = {0};
    cr_assert(keep(&owner, "result", "commands/0/5", &err));
    cr_assert_eq(claim("commands/1/9", 2).state, LEDGER_CONFLICT);
    cr_assert_eq(claim("commands/1/9", 1).state, LEDGER_DECIDED);
}

Test(ledger, a_zombie_does_not_overwrite_the_decision_of_who_took_over)
{
    struct ledger_claim zombie = claim("commands/0/5", 1);
    struct ledger_claim successor = claim("commands/0/5", 1);
    struct err err = {0};
    cr_assert_not(keep(&zombie, "old", "commands/0/5", &err));
    cr_assert_eq(err.code, ERR_KAFKA_ABORTABLE);
    err = (struct err){0};
    cr_assert(keep(&successor, "new", "commands/0/5", &err));
    err = (struct err){0};
    cr_assert_not(keep(&zombie, "old", "commands/0/5", &err));
    cr_assert(span_equal(claim("commands/1/9", 1).result, SPAN_LITERAL("new")));
}

Test(ledger, a_new_claim_takes_the_result_of_the_attempt_before_away)
{
    struct ledger_claim owner = claim("commands/0/5", 1);
    struct err err = {0};
    cr_assert(keep(&owner, "aborted", "commands/0/5", &err));
    struct ledger_claim again = claim("commands/0/5", 1);
    cr_assert_eq(claim("commands/1/9", 1).state, LEDGER_WAITING, "an aborted decision is not handed out");
    cr_assert(keep(&again, "committed", "commands/0/5", &err));
    cr_assert(span_equal(claim("commands/1/9", 1).result, SPAN_LITERAL("committed")));
}

Test(ledger, a_member_that_was_expelled_claims_nothing)
{
    struct ledger_claim successor = claim_by("commands/0/5", 8, 0);
    struct err err = {0};
    cr_assert(keep(&successor, "result", "commands/0/5", &err));
    struct ledger_claim zombie = claim_by("commands/0/5", 7, 0);
    cr_assert_eq(zombie.state, LEDGER_OUTDATED);
    cr_assert_eq(zombie.attempt, 8, "which generation is stored");
    cr_assert(span_equal(claim("commands/1/9", 1).result, SPAN_LITERAL("result")));
    cr_assert_eq(claim_by("commands/0/5", 8, 0).state, LEDGER_OWNER);
    cr_assert_eq(claim_by("commands/0/5", 9, 0).state, LEDGER_OWNER);
}

Test(ledger, a_generation_of_a_deleted_group_is_overwritten_once_proven)
{
    cr_assert_eq(claim_by("commands/0/5", 40, 0).state, LEDGER_OWNER);
    cr_assert_eq(claim_by("commands/0/5", 1, 39).state, LEDGER_OUTDATED,
                 "another one is stored than was proven");
    cr_assert_eq(claim_by("commands/0/5", 1, 40).state, LEDGER_OWNER);
    cr_assert_eq(claim_by("commands/0/5", 2, 0).state, LEDGER_OWNER);
    cr_assert_eq(claim_by("commands/0/5", 1, 40).state, LEDGER_OUTDATED);
}

Test(ledger, places_are_read_back)
{
    const char *topic;
    int32_t partition;
    int64_t offset;
    struct span text = place_text(arena, "certificate.replace.commands", 12, 9007199254740993);
    cr_assert(span_equal(text, SPAN_LITERAL("certificate.replace.commands/12/9007199254740993")));
    cr_assert(place_read(arena, text, &topic, &partition, &offset));
    cr_assert_str_eq(topic, "certificate.replace.commands");
    cr_assert_eq(partition, 12);
    cr_assert_eq(offset, 9007199254740993);
    static const char *const bad[] = {"",
                                      "a",
                                      "a/1",
                                      "/1/2",
                                      "a/1/",
                                      "a//2",
                                      "a/-1/2",
                                      "a/1/2x",
                                      "a/99999999999/1",
                                      "a/1/99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not(place_read(arena, span_text(bad[i]), &topic, &partition, &offset), "%s", bad[i]);
}

Test(ledger, a_watermark_never_goes_back_and_all_partitions_count)
{
    struct err err = {0};
    struct watermark marks[] = {{"events", 0, 1000}, {"events", 1, 2000}, {"events", 0, 900}};
    cr_assert(watermark_advance(redis, marks, 3, &err), "%s", err.text);
    struct watermark_table table;
    cr_assert(watermark_ask(redis, &err) && watermark_answer(redis, arena, &table, &err), "%s", err.text);
    cr_assert_gt(table.now_ms, 1700000000000);
    cr_assert(watermark_passed(&table, "events", 2, 999));
    cr_assert_not(watermark_passed(&table, "events", 2, 1000), "a moment is passed by a later one only");
    cr_assert_not(watermark_passed(&table, "events", 3, 999), "a partition without a watermark holds all up");
    cr_assert_not(watermark_passed(&table, "other", 1, 0));
    cr_assert_not(watermark_passed(&table, "events", 0, 0));
}

Test(ledger, a_watermark_that_is_no_moment_passes_nothing)
{
    struct err err = {0};
    struct watermark marks[] = {{"events", 0, 1000}};
    cr_assert(watermark_advance(redis, marks, 1, &err), "%s", err.text);
    struct span forged[] = {SPAN_LITERAL("HSET"), SPAN_LITERAL("certswap:watermark"),
                            SPAN_LITERAL("events-0"), SPAN_LITERAL("99999999999999999999")};
    AUTO(redis_reply) struct redisReply *reply = NULL;
    cr_assert(redis_append(redis, 4, forged, &err) && redis_take_reply(redis, &reply, &err), "%s", err.text);
    struct watermark_table table;
    cr_assert(watermark_ask(redis, &err) && watermark_answer(redis, arena, &table, &err), "%s", err.text);
    cr_assert_not(watermark_passed(&table, "events", 1, 999));
}
