#include "redis/ledger.h"

#include "redis/reply.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>

enum { KEY_MAX = 64, NUMBER_MAX = 24 };

static struct span command_key(char text[KEY_MAX], const struct uuid *command_id)
{
    char id[UUID_TEXT_LEN + 1];
    uuid_format(command_id, id);
    int len = snprintf(text, KEY_MAX, "certswap:command:%s", id);
    return span_of(text, (size_t)len);
}

static struct span number_text(char text[NUMBER_MAX], int64_t number)
{
    int len = snprintf(text, NUMBER_MAX, "%" PRId64, number);
    return span_of(text, (size_t)len);
}

bool ledger_ask(struct redis *redis, const struct ledger_claim *claim, int retention_s, struct err *err)
{
    static const char digits[] = "0123456789abcdef";
    char key[KEY_MAX];
    char seconds[NUMBER_MAX];
    char hash[2 * LEDGER_HASH_LEN];
    for (int i = 0; i < LEDGER_HASH_LEN; i++) {
        hash[2 * i] = digits[claim->hash[i] >> 4];
        hash[2 * i + 1] = digits[claim->hash[i] & 15];
    }
    char generation[NUMBER_MAX];
    char gone[NUMBER_MAX];
    struct span arguments[] = {
        command_key(key, &claim->command_id),
        claim->origin,
        span_of(hash, sizeof hash),
        number_text(seconds, retention_s),
        number_text(generation, claim->generation),
        claim->gone_generation != 0 ? number_text(gone, claim->gone_generation) : SPAN_LITERAL("-"),
    };
    return redis_append_script(redis, REDIS_SCRIPT_CLAIM, 1, sizeof arguments / sizeof *arguments, arguments,
                               err);
}

static bool read_state(const redisReply *reply, enum ledger_state *state)
{
    static const char *const names[] = {
        [LEDGER_OWNER] = "owner",     [LEDGER_CONFLICT] = "conflict", [LEDGER_WAITING] = "waiting",
        [LEDGER_DECIDED] = "decided", [LEDGER_OUTDATED] = "outdated",
    };
    for (size_t i = 0; reply->type == REDIS_REPLY_STRING && i < sizeof names / sizeof *names; i++)
        if (strcmp(reply->str, names[i]) == 0) {
            *state = (enum ledger_state)i;
            return true;
        }
    return false;
}

bool ledger_answer(struct redis *redis, struct arena *arena, struct ledger_claim *claim, struct err *err)
{
    AUTO(redis_reply) redisReply *reply = NULL;
    if (!redis_take_reply(redis, &reply, err))
        return false;
    redisReply *const *answer = reply->element;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 4 || !read_state(answer[0], &claim->state) ||
        answer[1]->type != REDIS_REPLY_INTEGER)
        return err_set(err, ERR_REDIS_UNAVAILABLE, "Redis: the claim script gave no answer");
    claim->attempt = answer[1]->integer;
    if (claim->state != LEDGER_DECIDED)
        return true;
    if (!reply_is_text(answer[2]) || !reply_is_text(answer[3]))
        return err_set(err, ERR_REDIS_UNAVAILABLE, "Redis: the claim script gave no decision");
    claim->result = arena_copy(arena, span_of(answer[2]->str, answer[2]->len));
    claim->decider = arena_copy(arena, span_of(answer[3]->str, answer[3]->len));
    return (claim->result.data != NULL && claim->decider.data != NULL) ||
           err_set(err, ERR_NO_MEMORY, "out of memory for a kept result");
}

static bool ask_to_keep(struct redis *redis, const struct ledger_decision *decision, int retention_s,
                        struct err *err)
{
    char key[KEY_MAX];
    char attempt[NUMBER_MAX];
    char seconds[NUMBER_MAX];
    struct span arguments[] = {command_key(key, &decision->claim->command_id),
                               number_text(attempt, decision->claim->attempt), decision->result,
                               decision->decider, number_text(seconds, retention_s)};
    return redis_append_script(redis, REDIS_SCRIPT_DECIDE, 1, 5, arguments, err);
}

bool ledger_keep(struct redis *redis, const struct ledger_decision *decisions, size_t count, int retention_s,
                 struct err *err)
{
    size_t outdated = 0;
    for (size_t i = 0; i < count; i++)
        if (!ask_to_keep(redis, &decisions[i], retention_s, err))
            return false;
    for (size_t i = 0; i < count; i++) {
        AUTO(redis_reply) redisReply *reply = NULL;
        if (!redis_take_reply(redis, &reply, err))
            return false;
        outdated += reply->type != REDIS_REPLY_STRING || strcmp(reply->str, "kept") != 0;
    }
    return outdated == 0 ||
           err_set(err, ERR_KAFKA_ABORTABLE,
                   "%zu of the batch's commands have been taken over by another instance", outdated);
}

struct span place_text(struct arena *arena, const char *topic, int32_t partition, int64_t offset)
{
    return arena_format(arena, "%s/%" PRId32 "/%" PRId64, topic, partition, offset);
}

/* A number of at most 18 digits behind the last slash of the text, which is cut off with it. */
static bool take_number(struct span *text, int64_t most, int64_t *number)
{
    size_t start = text->len;
    while (start > 0 && text->data[start - 1] >= '0' && text->data[start - 1] <= '9')
        start--;
    size_t digits = text->len - start;
    if (digits == 0 || digits > 18 || start < 2 || text->data[start - 1] != '/')
        return false;
    *number = 0;
    for (size_t i = start; i < text->len; i++)
        *number = *number * 10 + (text->data[i] - '0');
    text->len = start - 1;
    return *number <= most;
}

bool place_split(struct span text, struct span *topic, int32_t *partition, int64_t *offset)
{
    int64_t number;
    if (text.len >= LEDGER_PLACE_MAX || !take_number(&text, INT64_MAX, offset) ||
        !take_number(&text, INT32_MAX, &number) || memchr(text.data, 0, text.len) != NULL)
        return false;
    *partition = (int32_t)number;
    *topic = text;
    return true;
}

bool place_read(struct arena *arena, struct span text, const char **topic, int32_t *partition,
                int64_t *offset)
{
    struct span name;
    if (!place_split(text, &name, partition, offset))
        return false;
    name = arena_copy(arena, name);
    *topic = (const char *)name.data;
    return name.data != NULL;
}
