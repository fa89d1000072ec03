/* domain/shared: values that many stores have in common, kept once: store types, agents with their
   certificates, client machines. Counted references; the writer's alone, but readers may read a value while a
   store has it. */
#pragma once

#include "domain/memory.h"
#include "domain/record.h"

struct shared;

/* Zero-initialise, then set `memory`. */
struct shared_pool {
    struct memory *memory;
    struct shared **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
};

/* Each returns the pool's own copy with one reference more, to be given back by shared_release; NULL when out
   of memory. */
const struct store_type *shared_type(struct shared_pool *pool, const struct store_type *type);
const struct agent *shared_agent(struct shared_pool *pool, const struct agent *agent);
const struct span *shared_text(struct shared_pool *pool, struct span text);
/* Takes what one of them returned, or NULL. */
void shared_release(struct shared_pool *pool, const void *value);
/* Frees the table; all values are released before. */
void shared_pool_free(struct shared_pool *pool);
