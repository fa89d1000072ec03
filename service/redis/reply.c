#include "redis/reply.h"

#include <hiredis/hiredis.h>
#include <pthread.h>

enum { DIGITS_MAX = 18 };

#if HIREDIS_MAJOR > 0
typedef size_t element_count;
#else
typedef int element_count;
#endif

static redisReplyObjectFunctions bounded;
static void *(*create_array)(const redisReadTask *task, element_count count);

static void *create_bounded_array(const redisReadTask *task, element_count count)
{
    return count <= REPLY_ELEMENTS_MAX ? create_array(task, count) : NULL;
}

static void take_functions(void)
{
    redisReader *reader = redisReaderCreate();
    if (reader == NULL)
        return;
    bounded = *reader->fn;
    create_array = bounded.createArray;
    bounded.createArray = create_bounded_array;
    redisReaderFree(reader);
}

void reply_bound(struct redisReader *reader)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, take_functions);
    if (create_array != NULL)
        reader->fn = &bounded;
}

bool reply_is_text(const struct redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING;
}

bool reply_number(const struct redisReply *reply, int64_t most, int64_t *number)
{
    if (!reply_is_text(reply) || reply->len == 0 || reply->len > DIGITS_MAX)
        return false;
    int64_t read = 0;
    for (size_t i = 0; i < reply->len; i++) {
        if (reply->str[i] < '0' || reply->str[i] > '9')
            return false;
        read = read * 10 + (reply->str[i] - '0');
    }
    *number = read;
    return read <= most;
}
