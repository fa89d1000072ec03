#include "redis/dead_mark.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>

enum { KEY_MAX = 320 };

#define CLAIM_LIFE_S SPAN_LITERAL("60")
#define DONE_LIFE_S SPAN_LITERAL("604800")

static bool call(struct redis *redis, const char *topic, int32_t partition, int64_t offset, struct span verb,
                 struct span life_s, redisReply **reply, struct err *err)
{
    char key[KEY_MAX];
    int len = snprintf(key, sizeof key, "certswap:dead:%s/%" PRId32 "/%" PRId64, topic, partition, offset);
    struct span arguments[] = {span_of(key, (size_t)len), verb, life_s};
    return redis_append_script(redis, REDIS_SCRIPT_DEAD, 1, 3, arguments, err) &&
           redis_take_reply(redis, reply, err);
}

bool dead_mark_claim(struct redis *redis, const char *topic, int32_t partition, int64_t offset,
                     enum dead_claim *claim, struct err *err)
{
    AUTO(redis_reply) redisReply *reply = NULL;
    if (!call(redis, topic, partition, offset, SPAN_LITERAL("claim"), CLAIM_LIFE_S, &reply, err))
        return false;
    const char *answer = reply->type == REDIS_REPLY_STRING ? reply->str : "";
    *claim = strcmp(answer, "mine") == 0 ? DEAD_MINE : strcmp(answer, "done") == 0 ? DEAD_DONE : DEAD_TAKEN;
    return true;
}

bool dead_mark_done(struct redis *redis, const char *topic, int32_t partition, int64_t offset,
                    struct err *err)
{
    AUTO(redis_reply) redisReply *reply = NULL;
    return call(redis, topic, partition, offset, SPAN_LITERAL("done"), DONE_LIFE_S, &reply, err);
}
