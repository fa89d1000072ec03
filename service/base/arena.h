/* base/arena: memory of one batch. Allocations are never freed one by one: the whole is wiped and used again
   after the commit or the abort, so nothing secret outlives its batch. One thread each. */
#pragma once

#include "base/auto.h"
#include "base/span.h"

struct arena;

/* An empty arena that hands out at most `limit` bytes between two resets (0: no limit). NULL when out of
 * memory. */
struct arena *arena_new(size_t limit);
void arena_free(struct arena *arena);
AUTO_DEFINE(arena, struct arena, arena_free);

/* Wipes and takes back all that was handed out; keeps its first chunk for the next batch. */
void arena_reset(struct arena *arena);
/* Zeroed bytes, aligned for any type. NULL when out of memory or over the limit. */
void *arena_alloc(struct arena *arena, size_t size);
/* Zeroed array of `count` elements of `size` bytes; NULL also when the product overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size);
/* A copy of the bytes, with a NUL behind it that is not counted. data is NULL when out of memory. */
struct span arena_copy(struct arena *arena, struct span bytes);
/* A formatted text; data is NULL when out of memory. */
struct span arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Bytes handed out since the last reset. */
size_t arena_used(const struct arena *arena);
