#include "pipeline/health.h"

#include "base/err.h"
#include "log/log.h"
#include "metrics/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { NAME_MAX_LEN = 48, LOG_EVERY_MS = 30 * 1000 };

struct health_part {
    struct health_part *next;
    char name[NAME_MAX_LEN];
    pthread_mutex_t mutex; /* of what stands up to logged_ms */
    bool ready;
    char reason[ERR_TEXT_MAX];
    int64_t logged_ms;
    _Atomic int64_t beat_ms;
};

struct health {
    struct health_part *parts;
};

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct health *health_new(void)
{
    return calloc(1, sizeof(struct health));
}

void health_free(struct health *health)
{
    if (health == NULL)
        return;
    while (health->parts != NULL) {
        struct health_part *part = health->parts;
        health->parts = part->next;
        pthread_mutex_destroy(&part->mutex);
        free(part);
    }
    free(health);
}

struct health_part *health_add(struct health *health, const char *name)
{
    struct health_part *part = calloc(1, sizeof *part);
    if (part == NULL)
        return NULL;
    pthread_mutex_init(&part->mutex, NULL);
    strncpy(part->name, name, NAME_MAX_LEN - 1);
    strcpy(part->reason, "starting");
    atomic_store(&part->beat_ms, monotonic_ms());
    struct health_part **end = &health->parts;
    while (*end != NULL)
        end = &(*end)->next;
    *end = part;
    metric_add(METRIC_UNREADY_PARTS, 1);
    return part;
}

void health_beat(struct health_part *part)
{
    atomic_store_explicit(&part->beat_ms, monotonic_ms(), memory_order_relaxed);
}

void health_waiting(struct health_part *part, const char *reason)
{
    int64_t now = monotonic_ms();
    pthread_mutex_lock(&part->mutex);
    bool was_ready = part->ready;
    bool say = was_ready || (part->logged_ms != 0 && now - part->logged_ms >= LOG_EVERY_MS);
    part->ready = false;
    strncpy(part->reason, reason, ERR_TEXT_MAX - 1);
    if (say || part->logged_ms == 0)
        part->logged_ms = now;
    pthread_mutex_unlock(&part->mutex);
    if (was_ready)
        metric_add(METRIC_UNREADY_PARTS, 1);
    if (say)
        log_warn(was_ready ? "not ready" : "still not ready", log_str("part", part->name),
                 log_str("reason", reason));
}

void health_ready(struct health_part *part)
{
    pthread_mutex_lock(&part->mutex);
    bool was_ready = part->ready;
    part->ready = true;
    part->logged_ms = 0;
    pthread_mutex_unlock(&part->mutex);
    if (was_ready)
        return;
    metric_add(METRIC_UNREADY_PARTS, -1);
    log_info("ready", log_str("part", part->name));
}

bool health_is_ready(struct health *health, struct buf *reasons)
{
    bool all = true;
    for (struct health_part *part = health->parts; part != NULL; part = part->next) {
        pthread_mutex_lock(&part->mutex);
        if (!part->ready)
            buf_put_format(reasons, "%s: %s\n", part->name, part->reason);
        all = all && part->ready;
        pthread_mutex_unlock(&part->mutex);
    }
    return all;
}

bool health_is_live(struct health *health, struct buf *reasons)
{
    bool all = true;
    int64_t now = monotonic_ms();
    for (struct health_part *part = health->parts; part != NULL; part = part->next) {
        int64_t still = now - atomic_load_explicit(&part->beat_ms, memory_order_relaxed);
        if (still > HEALTH_STALL_MS) {
            buf_put_format(reasons, "%s: has not turned for %d s\n", part->name, (int)(still / 1000));
            all = false;
        }
    }
    return all;
}
