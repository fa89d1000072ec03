#include "registry/registry_private.h"

#include "metrics/metrics.h"

#include <pthread.h>
#include <stdlib.h>

struct known {
    uint32_t id;
    const struct schema *schema;
    struct arena *arena; /* of the schema; NULL: it is of the schema set */
};

struct registry {
    struct registry_options options;
    pthread_mutex_t mutex; /* of `known` and its counts */
    struct known *known;   /* by id */
    size_t count;
    size_t cap;
    _Atomic int64_t own[RECORD_KIND_COUNT]; /* ids; -1: not known yet */
};

struct registry *registry_new(const struct registry_options *options, struct err *err)
{
    struct registry *registry = calloc(1, sizeof *registry);
    if (registry == NULL) {
        err_set(err, ERR_NO_MEMORY, "out of memory for the schema registry");
        return NULL;
    }
    registry->options = *options;
    pthread_mutex_init(&registry->mutex, NULL);
    for (int kind = 0; kind < RECORD_KIND_COUNT; kind++)
        atomic_init(&registry->own[kind], -1);
    return registry;
}

void registry_free(struct registry *registry)
{
    if (registry == NULL)
        return;
    for (size_t i = 0; i < registry->count; i++)
        arena_free(registry->known[i].arena);
    free(registry->known);
    pthread_mutex_destroy(&registry->mutex);
    free(registry);
}

const struct registry_options *registry_options_of(const struct registry *registry)
{
    return &registry->options;
}

/* Where the id stands or would stand. */
static size_t place(const struct registry *registry, uint32_t id)
{
    size_t low = 0;
    size_t high = registry->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (registry->known[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct schema *find(const struct registry *registry, uint32_t id)
{
    size_t at = place(registry, id);
    return at < registry->count && registry->known[at].id == id ? registry->known[at].schema : NULL;
}

const struct schema *registry_find(struct registry *registry, uint32_t id)
{
    pthread_mutex_lock(&registry->mutex);
    const struct schema *schema = find(registry, id);
    pthread_mutex_unlock(&registry->mutex);
    return schema;
}

static bool insert(struct registry *registry, struct known known)
{
    if (registry->count == registry->cap) {
        size_t cap = registry->cap > 0 ? 2 * registry->cap : 16;
        struct known *wider = reallocarray(registry->known, cap, sizeof *wider);
        if (wider == NULL)
            return false;
        registry->known = wider;
        registry->cap = cap;
    }
    size_t at = place(registry, known.id);
    memmove(&registry->known[at + 1], &registry->known[at], (registry->count - at) * sizeof *registry->known);
    registry->known[at] = known;
    registry->count++;
    return true;
}

const struct schema *registry_keep_take(struct registry *registry, uint32_t id, const struct schema *schema,
                                        struct arena *arena)
{
    pthread_mutex_lock(&registry->mutex);
    const struct schema *kept = find(registry, id);
    bool taken = kept == NULL && insert(registry, (struct known){id, schema, arena});
    size_t count = registry->count;
    pthread_mutex_unlock(&registry->mutex);
    metric_set(METRIC_REGISTRY_SCHEMAS, (int64_t)count);
    if (taken)
        return schema;
    arena_free(arena);
    return kept;
}

bool registry_own(struct registry *registry, enum record_kind kind, uint32_t *id)
{
    int64_t known = atomic_load_explicit(&registry->own[kind], memory_order_acquire);
    *id = (uint32_t)known;
    return known >= 0;
}

void registry_keep_own(struct registry *registry, enum record_kind kind, uint32_t id)
{
    atomic_store_explicit(&registry->own[kind], id, memory_order_release);
}
