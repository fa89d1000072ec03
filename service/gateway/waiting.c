#include "gateway/waiting.h"

#include "domain/result.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUCKETS = 4096 };

/* A command that was sent. */
struct call {
    struct uuid id;
    struct uuid result_id;   /* of the result of these bytes, */
    struct uuid conflict_id; /* or of the one that says that others came before */
    uint8_t digest[WAITING_DIGEST_LEN];
    int64_t asked_ms;     /* when it was asked for last */
    struct buf message;   /* until it is answered */
    struct answer answer; /* status 0: none yet */
    struct waiter *waiters;
    struct call *next_in_bucket;
    struct call *older, *newer; /* in the order of the first request */
};

struct waiting {
    pthread_mutex_t lock;
    struct waiting_limits limits;
    struct call *buckets[BUCKETS];
    struct call *oldest, *newest;
    size_t waiter_count;
    size_t call_count;
    size_t bytes;
    bool closed;
};

struct waiting *waiting_new(const struct waiting_limits *limits)
{
    struct waiting *waiting = calloc(1, sizeof *waiting);
    if (waiting == NULL)
        return NULL;
    waiting->limits = *limits;
    if (pthread_mutex_init(&waiting->lock, NULL) == 0)
        return waiting;
    free(waiting);
    return NULL;
}

static void lock(struct waiting *waiting)
{
    int failed = pthread_mutex_lock(&waiting->lock);
    assert(failed == 0);
}

static void unlock(struct waiting *waiting)
{
    int failed = pthread_mutex_unlock(&waiting->lock);
    assert(failed == 0);
}

static struct call **bucket_of(struct waiting *waiting, const struct uuid *id)
{
    uint64_t halves[2];
    memcpy(halves, id->bytes, sizeof halves);
    return &waiting->buckets[(halves[0] ^ halves[1]) * 0x9E3779B97F4A7C15U >> 52];
}

static struct call *find(struct waiting *waiting, const struct uuid *id)
{
    struct call *call = *bucket_of(waiting, id);
    while (call != NULL && !uuid_equal(&call->id, id))
        call = call->next_in_bucket;
    return call;
}

static size_t size_of(const struct call *call)
{
    return sizeof *call + call->message.cap + call->answer.body.cap;
}

static void forget(struct waiting *waiting, struct call *call)
{
    assert(call->waiters == NULL);
    struct call **link = bucket_of(waiting, &call->id);
    while (*link != call)
        link = &(*link)->next_in_bucket;
    *link = call->next_in_bucket;
    *(call->older != NULL ? &call->older->newer : &waiting->oldest) = call->newer;
    *(call->newer != NULL ? &call->newer->older : &waiting->newest) = call->older;
    waiting->call_count--;
    waiting->bytes -= size_of(call);
    buf_free(&call->message);
    answer_free(&call->answer);
    free(call);
}

void waiting_free(struct waiting *waiting)
{
    if (waiting == NULL)
        return;
    while (waiting->oldest != NULL)
        forget(waiting, waiting->oldest);
    pthread_mutex_destroy(&waiting->lock);
    free(waiting);
}

static void put_waiter(struct waiting *waiting, struct call *call, struct waiter *waiter, int64_t now_ms)
{
    waiter->next = call->waiters;
    call->waiters = waiter;
    call->asked_ms = now_ms;
    waiting->waiter_count++;
}

enum waiting_join waiting_join(struct waiting *waiting, const struct uuid *command_id,
                               const uint8_t digest[WAITING_DIGEST_LEN], int64_t now_ms,
                               struct waiter *waiter, struct buf *message)
{
    lock(waiting);
    enum waiting_join joined = WAITING_JOINED;
    struct call *call = find(waiting, command_id);
    if (waiting->closed) {
        joined = WAITING_CLOSED;
    } else if (call != NULL && memcmp(call->digest, digest, sizeof call->digest) != 0) {
        joined = WAITING_CONFLICT;
    } else if (call != NULL && call->answer.status != 0) {
        call->asked_ms = now_ms;
        answer_copy(&waiter->answer, &call->answer);
        joined = WAITING_ANSWERED;
    } else if (waiting->waiter_count >= waiting->limits.most_waiters) {
        joined = WAITING_FULL;
    } else if (call == NULL) {
        joined = WAITING_NEW;
    } else if (call->waiters == NULL) {
        buf_put(message, call->message.data, call->message.len);
        joined = message->failed ? WAITING_FULL : WAITING_AGAIN;
    }
    if (joined == WAITING_JOINED || joined == WAITING_AGAIN)
        put_waiter(waiting, call, waiter, now_ms);
    unlock(waiting);
    return joined;
}

bool waiting_add(struct waiting *waiting, const struct uuid *command_id,
                 const uint8_t digest[WAITING_DIGEST_LEN], const uint8_t message_sha256[32], int64_t now_ms,
                 struct waiter *waiter, struct buf *message)
{
    struct call *call = calloc(1, sizeof *call);
    if (call == NULL)
        return false;
    call->id = *command_id;
    call->result_id = result_id(command_id);
    call->conflict_id = result_conflict_id(command_id, message_sha256);
    memcpy(call->digest, digest, sizeof call->digest);
    lock(waiting);
    if (waiting->closed) {
        unlock(waiting);
        free(call);
        return false;
    }
    assert(find(waiting, command_id) == NULL);
    call->message = *message;
    *message = (struct buf){0};
    struct call **bucket = bucket_of(waiting, command_id);
    call->next_in_bucket = *bucket;
    *bucket = call;
    call->older = waiting->newest;
    *(waiting->newest != NULL ? &waiting->newest->newer : &waiting->oldest) = call;
    waiting->newest = call;
    waiting->call_count++;
    waiting->bytes += size_of(call);
    put_waiter(waiting, call, waiter, now_ms);
    unlock(waiting);
    return true;
}

bool waiting_expects(struct waiting *waiting, const struct uuid *command_id)
{
    lock(waiting);
    const struct call *call = find(waiting, command_id);
    bool expects = call != NULL && call->answer.status == 0;
    unlock(waiting);
    return expects;
}

/* Wakes all waiters of the call with a copy of the answer. */
static void wake_all(struct waiting *waiting, struct call *call, const struct answer *answer)
{
    while (call->waiters != NULL) {
        struct waiter *waiter = call->waiters;
        call->waiters = waiter->next;
        waiting->waiter_count--;
        answer_copy(&waiter->answer, answer);
        waiter->wake(waiter);
    }
}

bool waiting_result(struct waiting *waiting, const struct replace_result *result)
{
    lock(waiting);
    struct call *call = find(waiting, &result->command_id);
    bool counts = call != NULL && call->answer.status == 0 &&
                  (uuid_equal(&result->result_id, &call->result_id) ||
                   uuid_equal(&result->result_id, &call->conflict_id));
    if (counts) {
        waiting->bytes -= size_of(call);
        answer_result(&call->answer, result);
        buf_free(&call->message);
        waiting->bytes += size_of(call);
        wake_all(waiting, call, &call->answer);
    }
    unlock(waiting);
    return counts;
}

static void fail(struct waiting *waiting, struct call *call, enum gateway_fault fault, const char *message)
{
    struct answer answer = {0};
    if (call->waiters != NULL)
        answer_fault(&answer, fault, &call->id, message);
    wake_all(waiting, call, &answer);
    answer_free(&answer);
}

void waiting_fail(struct waiting *waiting, const struct uuid *command_id, enum gateway_fault fault,
                  const char *message)
{
    lock(waiting);
    struct call *call = find(waiting, command_id);
    if (call != NULL)
        fail(waiting, call, fault, message);
    unlock(waiting);
}

void waiting_close(struct waiting *waiting, const char *message)
{
    lock(waiting);
    waiting->closed = true;
    for (struct call *call = waiting->oldest; call != NULL; call = call->newer)
        fail(waiting, call, FAULT_STOPPING, message);
    unlock(waiting);
}

/* Answers the waiter whose place the link is, and takes it out. */
static void expire(struct waiting *waiting, struct waiter **link, const struct uuid *id)
{
    char text[UUID_TEXT_LEN + 1];
    char message[ERR_TEXT_MAX];
    uuid_format(id, text);
    snprintf(message, sizeof message,
             "no result came in time; the request was sent and may still be carried out. To have its result "
             "send it "
             "again, the same, with the header Idempotency-Key: %s",
             text);
    struct waiter *waiter = *link;
    *link = waiter->next;
    waiting->waiter_count--;
    answer_fault(&waiter->answer, FAULT_NO_RESULT, id, message);
    waiter->wake(waiter);
}

void waiting_sweep(struct waiting *waiting, int64_t now_ms)
{
    lock(waiting);
    struct call *newer;
    for (struct call *call = waiting->oldest; call != NULL; call = newer) {
        newer = call->newer;
        for (struct waiter **link = &call->waiters; *link != NULL;)
            if ((*link)->deadline_ms <= now_ms)
                expire(waiting, link, &call->id);
            else
                link = &(*link)->next;
        if (call->waiters == NULL &&
            (now_ms - call->asked_ms >= waiting->limits.remember_ms ||
             waiting->call_count > waiting->limits.most_commands + waiting->waiter_count ||
             waiting->bytes > waiting->limits.most_bytes))
            forget(waiting, call);
    }
    unlock(waiting);
}

size_t waiting_count(struct waiting *waiting)
{
    lock(waiting);
    size_t count = waiting->waiter_count;
    unlock(waiting);
    return count;
}
