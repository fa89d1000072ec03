/* domain/memory: malloc that keeps count of what it really gave, for the inventory's figures. */
#pragma once

#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

/* Written by the inventory's writer, read by any thread. */
struct memory {
    atomic_size_t bytes;
};

/* What a chunk costs: its usable bytes and the size field before them. */
static inline size_t memory_cost(void *object)
{
    return malloc_usable_size(object) + sizeof(size_t);
}

/* Zeroed; NULL when out of memory. */
static inline void *memory_alloc(struct memory *memory, size_t size)
{
    void *object = calloc(1, size);
    if (object != NULL)
        atomic_fetch_add_explicit(&memory->bytes, memory_cost(object), memory_order_relaxed);
    return object;
}

static inline void memory_free(struct memory *memory, void *object)
{
    if (object == NULL)
        return;
    atomic_fetch_sub_explicit(&memory->bytes, memory_cost(object), memory_order_relaxed);
    free(object);
}
