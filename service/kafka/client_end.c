/* The end of a client, which may never come: librdkafka (2.0.2, its issue 3470) keeps a broker's thread for a
   partition whose topic was deleted while it was read, and rd_kafka_destroy() waits for that thread. */
#include "kafka/client_private.h"
#include "kafka/deadline.h"

#include <pthread.h>
#include <stdlib.h>

struct ending {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    kafka_end_fn *end;
    void *owner;
    bool has_ended;
    bool is_left; /* nobody waits any more: who ends it frees this */
};

static _Atomic int clients_left;

static void ending_free(struct ending *ending)
{
    pthread_cond_destroy(&ending->changed);
    pthread_mutex_destroy(&ending->mutex);
    free(ending);
}

static void *run(void *arg)
{
    struct ending *ending = arg;
    ending->end(ending->owner);
    pthread_mutex_lock(&ending->mutex);
    ending->has_ended = true;
    bool is_left = ending->is_left;
    pthread_cond_signal(&ending->changed);
    pthread_mutex_unlock(&ending->mutex);
    if (is_left) {
        atomic_fetch_sub(&clients_left, 1);
        ending_free(ending);
    }
    return NULL;
}

static struct ending *ending_new(kafka_end_fn *end, void *owner)
{
    struct ending *ending = calloc(1, sizeof *ending);
    if (ending == NULL)
        return NULL;
    *ending = (struct ending){.end = end, .owner = owner};
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&ending->mutex, NULL);
    pthread_cond_init(&ending->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return ending;
}

void kafka_end_within(kafka_end_fn *end, void *owner, int timeout_ms)
{
    pthread_t thread;
    struct ending *ending = ending_new(end, owner);
    if (ending == NULL || pthread_create(&thread, NULL, run, ending) != 0) {
        if (ending != NULL)
            ending_free(ending);
        end(owner);
        return;
    }
    pthread_detach(thread);
    int64_t until_ms = deadline_in(timeout_ms);
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    pthread_mutex_lock(&ending->mutex);
    while (!ending->has_ended && pthread_cond_timedwait(&ending->changed, &ending->mutex, &until) == 0)
        ;
    bool has_ended = ending->has_ended;
    ending->is_left = !has_ended;
    if (!has_ended)
        atomic_fetch_add(&clients_left, 1);
    pthread_mutex_unlock(&ending->mutex);
    if (has_ended)
        ending_free(ending);
}

int kafka_clients_left(void)
{
    return atomic_load(&clients_left);
}
