#include "redis/staging.h"

#include "redis/reply.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { LIFE_OF_MARKER_S = 24 * 60 * 60, KEY_MAX = 48, NUMBER_MAX = 24, LOOKUP_PARTS = 7 };

static const char *const outcome_names[] = {
    [STAGE_STAGED] = "staged",   [STAGE_REPLAYED] = "replayed", [STAGE_OVER] = "over",
    [STAGE_REFUSED] = "refused", [STAGE_OLDER] = "older",
};

static struct span format_number(char text[NUMBER_MAX], int64_t number)
{
    int len = snprintf(text, NUMBER_MAX, "%" PRId64, number);
    return span_of(text, (size_t)len);
}

static struct span format_key(char text[KEY_MAX], const char *kind, int32_t id)
{
    int len = snprintf(text, KEY_MAX, "certswap:%s:%" PRId32, kind, id);
    return span_of(text, (size_t)len);
}

static bool append_stage(struct redis *redis, const struct stage_request *request, struct err *err)
{
    const struct certificate_event *event = request->event;
    char staged[KEY_MAX];
    char marker[KEY_MAX];
    char by_request[KEY_MAX];
    char event_id[UUID_TEXT_LEN + 1];
    char numbers[5][NUMBER_MAX];
    uuid_format(&event->event_id, event_id);
    struct span arguments[] = {
        format_key(staged, "staged", event->certificate_id),
        format_key(marker, "marker", event->certificate_id),
        format_key(by_request, "request", event->request_id),
        span_of(event_id, UUID_TEXT_LEN),
        format_number(numbers[0], event->occurred_at_ms),
        format_number(numbers[1], request->ends_ms),
        format_number(numbers[2], event->certificate_id),
        format_number(numbers[3], event->request_id),
        request->refused,
        request->record,
        format_number(numbers[4], LIFE_OF_MARKER_S),
    };
    return redis_append_script(redis, REDIS_SCRIPT_STAGE, 3, sizeof arguments / sizeof *arguments, arguments,
                               err);
}

static bool take_outcome(struct redis *redis, enum stage_outcome *outcome, struct err *err)
{
    AUTO(redis_reply) redisReply *reply = NULL;
    if (!redis_take_reply(redis, &reply, err))
        return false;
    if (reply->type == REDIS_REPLY_STRING)
        for (size_t i = 0; i < sizeof outcome_names / sizeof *outcome_names; i++)
            if (strcmp(reply->str, outcome_names[i]) == 0) {
                *outcome = (enum stage_outcome)i;
                return true;
            }
    return err_set(err, ERR_REDIS_UNAVAILABLE, "Redis: the staging script gave no outcome");
}

bool staging_write(struct redis *redis, const struct stage_request *requests, size_t count,
                   enum stage_outcome *outcomes, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!append_stage(redis, &requests[i], err))
            return false;
    for (size_t i = 0; i < count; i++)
        if (!take_outcome(redis, &outcomes[i], err))
            return false;
    return true;
}

bool staging_ask(struct redis *redis, const struct staged_lookup *lookup, struct err *err)
{
    char id[NUMBER_MAX];
    struct span arguments[] = {
        lookup->by_request ? SPAN_LITERAL("request") : SPAN_LITERAL("certificate"),
        format_number(id, lookup->id),
    };
    return redis_append_script(redis, REDIS_SCRIPT_LOOKUP, 0, 2, arguments, err);
}

static bool copy_text(struct arena *arena, const redisReply *reply, struct span *to, struct err *err)
{
    *to = arena_copy(arena, span_of(reply->str, reply->len));
    return to->data != NULL || err_set(err, ERR_NO_MEMORY, "out of memory for a staged record");
}

static bool take_number(const redisReply *reply, int64_t *number)
{
    char *end = NULL;
    *number = reply_is_text(reply) ? strtoll(reply->str, &end, 10) : 0;
    return end != NULL && end != reply->str && end == reply->str + reply->len;
}

/* 0 where there is none: no such request, or one that leads to what no event can have staged. */
static int32_t take_certificate_id(const redisReply *reply)
{
    int64_t id = 0;
    return reply_number(reply, INT32_MAX, &id) ? (int32_t)id : 0;
}

/* A marker that certswap did not write counts as none. */
static bool take_marker(redisReply *const *answer, struct staged_life *marker)
{
    return reply_is_text(answer[0]) &&
           uuid_parse(&marker->event_id, span_of(answer[0]->str, answer[0]->len)) &&
           take_number(answer[1], &marker->occurred_at_ms) && take_number(answer[2], &marker->ends_ms);
}

bool staging_answer(struct redis *redis, struct arena *arena, struct staged_lookup *lookup, struct err *err)
{
    AUTO(redis_reply) redisReply *reply = NULL;
    if (!redis_take_reply(redis, &reply, err))
        return false;
    redisReply *const *answer = reply->element;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != LOOKUP_PARTS ||
        !take_number(answer[LOOKUP_PARTS - 1], &lookup->now_ms))
        return err_set(err, ERR_REDIS_UNAVAILABLE, "Redis: the lookup script gave no answer");
    lookup->certificate_id = take_certificate_id(answer[0]);
    if (!lookup->by_request && lookup->certificate_id != lookup->id)
        return err_set(err, ERR_REDIS_UNAVAILABLE, "Redis: the answer is to another question");
    bool known = lookup->certificate_id != 0;
    bool found = known && reply_is_text(answer[1]);
    bool refused = known && reply_is_text(answer[5]);
    lookup->has_marker = known && take_marker(answer + 2, &lookup->marker);
    lookup->state = found                               ? STAGED_FOUND
                    : refused                           ? STAGED_REFUSED
                    : known && reply_is_text(answer[3]) ? STAGED_EXPIRED
                                                        : STAGED_MISSING;
    return (!found || copy_text(arena, answer[1], &lookup->record, err)) &&
           (!refused || copy_text(arena, answer[5], &lookup->refused, err));
}

struct span staging_binding(struct arena *arena, int32_t certificate_id, struct span requester)
{
    char key[KEY_MAX];
    struct span name = format_key(key, "staged", certificate_id);
    uint8_t *binding = arena_alloc(arena, name.len + 1 + requester.len);
    if (binding == NULL)
        return (struct span){0};
    memcpy(binding, name.data, name.len);
    binding[name.len] = 0;
    if (requester.len > 0)
        memcpy(binding + name.len + 1, requester.data, requester.len);
    return span_of(binding, name.len + 1 + requester.len);
}
