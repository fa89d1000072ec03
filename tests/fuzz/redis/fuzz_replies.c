/* Answers of a server that need not be Redis: the first byte says what was asked, the rest is what comes
   back, read by hiredis. What does not answer the question is REDIS_UNAVAILABLE. */
#include "redis/dead_mark.h"
#include "redis/ledger.h"
#include "redis/reply.h"
#include "redis/staging.h"
#include "redis/watermark.h"

#include <assert.h>
#include <hiredis/hiredis.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static redisReader *reader;

/* In place of the connection: questions go nowhere, answers come from the input. */
bool __wrap_redis_append(struct redis *redis, size_t count, const struct span *arguments, struct err *err);
bool __wrap_redis_append_script(struct redis *redis, enum redis_script script, size_t key_count, size_t count,
                                const struct span *arguments, struct err *err);
bool __wrap_redis_take_reply(struct redis *redis, struct redisReply **reply, struct err *err);

bool __wrap_redis_append(struct redis *redis, size_t count, const struct span *arguments, struct err *err)
{
    (void)redis, (void)count, (void)arguments, (void)err;
    return true;
}

bool __wrap_redis_append_script(struct redis *redis, enum redis_script script, size_t key_count, size_t count,
                                const struct span *arguments, struct err *err)
{
    (void)redis, (void)script, (void)key_count, (void)count, (void)arguments, (void)err;
    return true;
}

bool __wrap_redis_take_reply(struct redis *redis, struct redisReply **reply, struct err *err)
{
    void *raw = NULL;
    (void)redis;
    *reply = NULL;
    if (redisReaderGetReply(reader, &raw) != REDIS_OK || raw == NULL)
        return err_set(err, ERR_REDIS_UNAVAILABLE, "no answer");
    *reply = raw;
    if ((*reply)->type != REDIS_REPLY_ERROR)
        return true;
    freeReplyObject(raw);
    *reply = NULL;
    return err_set(err, ERR_REDIS_UNAVAILABLE, "an error");
}

static bool staged(struct arena *arena, bool by_request, struct err *err)
{
    struct staged_lookup lookup = {.by_request = by_request, .id = 7};
    if (!staging_ask(NULL, &lookup, err) || !staging_answer(NULL, arena, &lookup, err))
        return false;
    assert(lookup.state != STAGED_FOUND || (lookup.record.data != NULL && lookup.certificate_id > 0));
    assert(by_request || lookup.certificate_id == 7);
    return true;
}

static bool stage(struct err *err)
{
    static const struct certificate_event event = {.certificate_id = 7, .request_id = 9};
    const struct stage_request requests[2] = {{.event = &event}, {.event = &event}};
    enum stage_outcome outcomes[2];
    return staging_write(NULL, requests, 2, outcomes, err);
}

static bool claimed(struct arena *arena, struct err *err)
{
    struct ledger_claim claim = {.origin = SPAN_LITERAL("commands/3/41")};
    const char *topic;
    int32_t partition;
    int64_t offset;
    if (!ledger_answer(NULL, arena, &claim, err))
        return false;
    if (claim.state == LEDGER_DECIDED) {
        assert(claim.result.data != NULL && claim.decider.data != NULL);
        place_read(arena, claim.decider, &topic, &partition, &offset);
    }
    return true;
}

static bool kept(struct err *err)
{
    static const struct ledger_claim claim = {.origin = SPAN_LITERAL("commands/3/41")};
    const struct ledger_decision decisions[] = {
        {&claim, SPAN_LITERAL("result"), SPAN_LITERAL("commands/3/41")}};
    if (ledger_keep(NULL, decisions, 1, 60, err))
        return true;
    assert(err->code == ERR_REDIS_UNAVAILABLE || err->code == ERR_KAFKA_ABORTABLE);
    err->code = ERR_REDIS_UNAVAILABLE;
    return false;
}

static bool watermarks(struct arena *arena, struct err *err)
{
    struct watermark_table table;
    if (!watermark_answer(NULL, arena, &table, err))
        return false;
    watermark_passed(&table, "events", 3, 1000);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;
    struct err err = {0};
    enum dead_claim dead;
    bool done;
    if (size == 0)
        return 0;
    if (arena == NULL)
        arena = arena_new(0);
    arena_reset(arena);
    reader = redisReaderCreate();
    reply_bound(reader);
    redisReaderFeed(reader, (const char *)data + 1, size - 1);
    switch (data[0] % 7) {
    case 0:
    case 1:
        done = staged(arena, data[0] % 7 == 1, &err);
        break;
    case 2:
        done = stage(&err);
        break;
    case 3:
        done = claimed(arena, &err);
        break;
    case 4:
        done = kept(&err);
        break;
    case 5:
        done = watermarks(arena, &err);
        break;
    default:
        done = dead_mark_claim(NULL, "topic", 1, 2, &dead, &err) && dead_mark_done(NULL, "topic", 1, 2, &err);
    }
    assert(done || err.code == ERR_REDIS_UNAVAILABLE);
    redisReaderFree(reader);
    return 0;
}
