#include "redis/watermark.h"

#include "redis/reply.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>

enum { FIELD_MAX = 280, NUMBER_MAX = 24 };

#define KEY SPAN_LITERAL("certswap:watermark")

static bool ask_time(struct redis *redis, struct err *err)
{
    return redis_append(redis, 1, (struct span[]){SPAN_LITERAL("TIME")}, err);
}

static bool answer_time(struct redis *redis, int64_t *now_ms, struct err *err)
{
    AUTO(redis_reply) redisReply *reply = NULL;
    if (!redis_take_reply(redis, &reply, err))
        return false;
    const int64_t last_second = INT64_MAX / 1000 - 1;
    int64_t seconds, microseconds;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        !reply_number(reply->element[0], last_second, &seconds) ||
        !reply_number(reply->element[1], 999999, &microseconds))
        return err_set(err, ERR_REDIS_UNAVAILABLE, "Redis: TIME gave no answer");
    *now_ms = seconds * 1000 + microseconds / 1000;
    return true;
}

bool redis_time(struct redis *redis, int64_t *now_ms, struct err *err)
{
    return ask_time(redis, err) && answer_time(redis, now_ms, err);
}

static struct span field_of(char text[FIELD_MAX], const char *topic, int32_t partition)
{
    int len = snprintf(text, FIELD_MAX, "%s-%" PRId32, topic, partition);
    return span_of(text, (size_t)len);
}

bool watermark_advance(struct redis *redis, const struct watermark *marks, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        char field[FIELD_MAX];
        char ms[NUMBER_MAX];
        int len = snprintf(ms, sizeof ms, "%" PRId64, marks[i].ms);
        struct span arguments[] = {KEY, field_of(field, marks[i].topic, marks[i].partition),
                                   span_of(ms, (size_t)len)};
        if (!redis_append_script(redis, REDIS_SCRIPT_ADVANCE, 1, 3, arguments, err))
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        AUTO(redis_reply) redisReply *reply = NULL;
        if (!redis_take_reply(redis, &reply, err))
            return false;
    }
    return true;
}

bool watermark_ask(struct redis *redis, struct err *err)
{
    return ask_time(redis, err) && redis_append(redis, 2, (struct span[]){SPAN_LITERAL("HGETALL"), KEY}, err);
}

bool watermark_answer(struct redis *redis, struct arena *arena, struct watermark_table *table,
                      struct err *err)
{
    AUTO(redis_reply) redisReply *reply = NULL;
    if (!answer_time(redis, &table->now_ms, err) || !redis_take_reply(redis, &reply, err))
        return false;
    if (reply->type != REDIS_REPLY_ARRAY)
        return err_set(err, ERR_REDIS_UNAVAILABLE, "Redis: HGETALL gave no answer");
    table->count = reply->elements / 2;
    table->fields = arena_array(arena, table->count, sizeof *table->fields);
    table->ms = arena_array(arena, table->count, sizeof *table->ms);
    if (table->fields == NULL || table->ms == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory for the watermarks");
    for (size_t i = 0; i < table->count; i++) {
        const redisReply *field = reply->element[2 * i];
        if (!reply_is_text(field))
            return err_set(err, ERR_REDIS_UNAVAILABLE, "Redis: HGETALL gave no answer");
        table->fields[i] = arena_copy(arena, span_of(field->str, field->len));
        if (!reply_number(reply->element[2 * i + 1], INT64_MAX, &table->ms[i]))
            table->ms[i] = INT64_MIN; /* no moment has been passed */
        if (table->fields[i].data == NULL)
            return err_set(err, ERR_NO_MEMORY, "out of memory for the watermarks");
    }
    return true;
}

static bool has_passed(const struct watermark_table *table, struct span field, int64_t moment_ms)
{
    for (size_t i = 0; i < table->count; i++)
        if (span_equal(table->fields[i], field))
            return table->ms[i] > moment_ms;
    return false;
}

bool watermark_passed(const struct watermark_table *table, const char *topic, size_t partitions,
                      int64_t moment_ms)
{
    char field[FIELD_MAX];
    for (size_t i = 0; i < partitions; i++)
        if (!has_passed(table, field_of(field, topic, (int32_t)i), moment_ms))
            return false;
    return partitions > 0;
}
