#include "pipeline/keys_loop.h"

#include "pipeline/batch.h"

#include <pthread.h>
#include <stdlib.h>

enum { TURN_MS = 500 };

struct keys_loop {
    struct pipeline_context *context;
    struct health_part *health;
    pthread_t thread;
};

static int64_t monotonic_ms(void *arg)
{
    (void)arg;
    return monotonic_us() / 1000;
}

static const struct clock monotonic = {monotonic_ms, NULL};

struct keys_loop *keys_loop_new(struct pipeline_context *context, struct err *err)
{
    const struct settings *settings = context->settings;
    struct keys_loop *loop = calloc(1, sizeof *loop);
    if (loop != NULL) {
        loop->context = context;
        loop->health = health_add(context->health, "keys");
    }
    if (loop == NULL || loop->health == NULL) {
        err_set(err, ERR_NO_MEMORY, "out of memory at the start");
        free(loop);
        return NULL;
    }
    const struct key_store_options options = {settings->jwt_jwks, settings->jwt_ca, &monotonic,
                                              &context->stop};
    context->keys = key_store_new(&options, err);
    if (context->keys != NULL)
        return loop;
    free(loop);
    return NULL;
}

void keys_loop_free(struct keys_loop *loop)
{
    if (loop == NULL)
        return;
    key_store_free(loop->context->keys);
    loop->context->keys = NULL;
    free(loop);
}

/* With a set of before the keys that it has are known, however long the source is away. */
static void tell_health(struct keys_loop *loop, const struct err *trouble)
{
    struct key_view view;
    if (key_store_view(loop->context->keys, &view)) {
        key_view_release(&view);
        health_ready(loop->health);
        return;
    }
    struct err reason = {0};
    err_set(&reason, ERR_KEYS_UNAVAILABLE, "waits for the key set of %.200s%s%s",
            loop->context->settings->jwt_jwks, trouble->code != ERR_NONE ? ": " : "", trouble->text);
    health_waiting(loop->health, reason.text);
}

static void *run(void *arg)
{
    struct keys_loop *loop = arg;
    while (!atomic_load(&loop->context->stop)) {
        struct err err = {0};
        health_beat(loop->health);
        key_store_keep(loop->context->keys, &err);
        tell_health(loop, &err);
        key_store_rest(loop->context->keys, TURN_MS);
    }
    return NULL;
}

bool keys_loop_start(struct keys_loop *loop)
{
    return pthread_create(&loop->thread, NULL, run, loop) == 0;
}

void keys_loop_join(struct keys_loop *loop)
{
    pthread_join(loop->thread, NULL);
}
