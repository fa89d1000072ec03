#include "domain/shared.h"

#include <assert.h>

enum shared_kind { SHARED_TEXT, SHARED_TYPE, SHARED_AGENT };

/* The bytes that the value's span points to follow it; `value` is allocated only as long as its kind is. */
struct shared {
    struct shared *next;
    uint32_t hash;
    uint32_t references : 30;
    uint32_t kind : 2;
    union shared_value {
        struct span text;
        struct store_type type;
        struct agent agent;
    } value;
};

static size_t value_size(enum shared_kind kind)
{
    static const size_t sizes[] = {
        [SHARED_TEXT] = sizeof(struct span),
        [SHARED_TYPE] = sizeof(struct store_type),
        [SHARED_AGENT] = sizeof(struct agent),
    };
    return sizes[kind];
}

static struct span *value_bytes(enum shared_kind kind, union shared_value *value)
{
    switch (kind) {
    case SHARED_TYPE:
        return &value->type.short_name;
    case SHARED_AGENT:
        return &value->agent.certificate;
    case SHARED_TEXT:
        break;
    }
    return &value->text;
}

/* Eight bytes at a time: an agent's certificate is a kilobyte, and comes with each of its stores. */
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    for (; len > 0; len -= len < 8 ? len : 8) {
        uint64_t word = 0;
        memcpy(&word, bytes, len < 8 ? len : 8);
        hash = (hash ^ word) * 0x9E3779B97F4A7C15U;
        hash ^= hash >> 32;
        bytes += len < 8 ? len : 8;
    }
    return hash;
}

/* What a value is told by beside its bytes. */
struct traits {
    uint8_t bytes[20];
};

static struct traits value_traits(enum shared_kind kind, const union shared_value *value)
{
    struct traits traits = {{(uint8_t)kind}};
    if (kind == SHARED_TYPE) {
        const struct store_type *type = &value->type;
        traits.bytes[1] = (uint8_t)type->format;
        traits.bytes[2] = (uint8_t)type->pkcs12_profile;
        traits.bytes[3] = type->entry_password_required;
        traits.bytes[4] = (uint8_t)type->private_key;
        traits.bytes[5] = type->add_supported;
    } else if (kind == SHARED_AGENT) {
        traits.bytes[1] = value->agent.has_certificate;
        memcpy(traits.bytes + 4, value->agent.agent_id.bytes, 16);
    }
    return traits;
}

static bool same(enum shared_kind kind, union shared_value *a, union shared_value *b)
{
    struct traits a_traits = value_traits(kind, a);
    struct traits b_traits = value_traits(kind, b);
    return memcmp(&a_traits, &b_traits, sizeof a_traits) == 0 &&
           span_equal(*value_bytes(kind, a), *value_bytes(kind, b));
}

/* A table that cannot grow still works: its chains become longer. */
static void grow(struct shared_pool *pool)
{
    size_t count = pool->bucket_count > 0 ? pool->bucket_count * 2 : 64;
    struct shared **buckets = memory_alloc(pool->memory, count * sizeof(struct shared *));
    if (buckets == NULL)
        return;
    for (size_t i = 0; i < pool->bucket_count; i++) {
        for (struct shared *entry = pool->buckets[i]; entry != NULL;) {
            struct shared *next = entry->next;
            entry->next = buckets[entry->hash & (count - 1)];
            buckets[entry->hash & (count - 1)] = entry;
            entry = next;
        }
    }
    memory_free(pool->memory, pool->buckets);
    pool->buckets = buckets;
    pool->bucket_count = count;
}

static const union shared_value *share(struct shared_pool *pool, enum shared_kind kind,
                                       union shared_value *value)
{
    if (pool->count >= pool->bucket_count * 2)
        grow(pool);
    if (pool->bucket_count == 0)
        return NULL;
    struct span bytes = *value_bytes(kind, value);
    struct traits traits = value_traits(kind, value);
    uint32_t hash =
        (uint32_t)hash_bytes(hash_bytes(bytes.len, &traits, sizeof traits), bytes.data, bytes.len);
    struct shared **bucket = &pool->buckets[hash & (pool->bucket_count - 1)];
    for (struct shared *entry = *bucket; entry != NULL; entry = entry->next) {
        if (entry->hash == hash && entry->kind == kind && same(kind, &entry->value, value)) {
            assert(entry->references < (1U << 30) - 1);
            entry->references++;
            return &entry->value;
        }
    }
    size_t head = offsetof(struct shared, value) + value_size(kind);
    struct shared *entry = memory_alloc(pool->memory, head + bytes.len);
    if (entry == NULL)
        return NULL;
    entry->next = *bucket;
    entry->hash = hash;
    entry->references = 1;
    entry->kind = kind;
    memcpy(&entry->value, value, value_size(kind));
    if (bytes.len > 0)
        memcpy((uint8_t *)entry + head, bytes.data, bytes.len);
    *value_bytes(kind, &entry->value) = span_of((uint8_t *)entry + head, bytes.len);
    *bucket = entry;
    pool->count++;
    return &entry->value;
}

const struct store_type *shared_type(struct shared_pool *pool, const struct store_type *type)
{
    union shared_value value = {.type = *type};
    const union shared_value *kept = share(pool, SHARED_TYPE, &value);
    return kept != NULL ? &kept->type : NULL;
}

const struct agent *shared_agent(struct shared_pool *pool, const struct agent *agent)
{
    union shared_value value = {.agent = *agent};
    if (!agent->has_certificate)
        value.agent.certificate = (struct span){0};
    const union shared_value *kept = share(pool, SHARED_AGENT, &value);
    return kept != NULL ? &kept->agent : NULL;
}

const struct span *shared_text(struct shared_pool *pool, struct span text)
{
    union shared_value value = {.text = text};
    const union shared_value *kept = share(pool, SHARED_TEXT, &value);
    return kept != NULL ? &kept->text : NULL;
}

void shared_release(struct shared_pool *pool, const void *value)
{
    if (value == NULL)
        return;
    const struct shared *released = (const void *)((const uint8_t *)value - offsetof(struct shared, value));
    struct shared **link = &pool->buckets[released->hash & (pool->bucket_count - 1)];
    while (*link != released)
        link = &(*link)->next;
    struct shared *entry = *link;
    if (--entry->references > 0)
        return;
    *link = entry->next;
    pool->count--;
    memory_free(pool->memory, entry);
}

void shared_pool_free(struct shared_pool *pool)
{
    assert(pool->count == 0);
    memory_free(pool->memory, pool->buckets);
    *pool = (struct shared_pool){.memory = pool->memory};
}
