#include "base/arena.h"

#include "base/secret.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_SIZE = 64 * 1024 };

struct chunk {
    struct chunk *next;
    size_t size;
    size_t used;
    alignas(max_align_t) uint8_t bytes[];
};

struct arena {
    struct chunk *chunks; /* the newest first, the first one kept over a reset last */
    size_t used;
    size_t limit;
};

struct arena *arena_new(size_t limit)
{
    struct arena *arena = calloc(1, sizeof *arena);
    if (arena != NULL)
        arena->limit = limit;
    return arena;
}

static void free_chunks(struct chunk *chunk, struct chunk *keep)
{
    while (chunk != keep) {
        struct chunk *next = chunk->next;
        secret_wipe(chunk->bytes, chunk->used);
        free(chunk);
        chunk = next;
    }
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    free_chunks(arena->chunks, NULL);
    free(arena);
}

void arena_reset(struct arena *arena)
{
    struct chunk *first = arena->chunks;
    while (first != NULL && first->next != NULL)
        first = first->next;
    free_chunks(arena->chunks, first);
    arena->chunks = first;
    arena->used = 0;
    if (first != NULL) {
        secret_wipe(first->bytes, first->used);
        first->used = 0;
    }
}

static struct chunk *add_chunk(struct arena *arena, size_t least)
{
    size_t size = least > CHUNK_SIZE ? least : CHUNK_SIZE;
    struct chunk *chunk = malloc(sizeof *chunk + size);
    if (chunk == NULL)
        return NULL;
    *chunk = (struct chunk){.next = arena->chunks, .size = size};
    arena->chunks = chunk;
    return chunk;
}

/* Room for `size` bytes, whatever they hold. */
static void *take(struct arena *arena, size_t size)
{
    size_t align = alignof(max_align_t);
    if (size > SIZE_MAX / 2)
        return NULL;
    size_t need = (size + align - 1) / align * align;
    if (need == 0)
        need = align;
    if (arena->limit != 0 && need > arena->limit - arena->used)
        return NULL;
    struct chunk *chunk = arena->chunks;
    if (chunk == NULL || chunk->size - chunk->used < need)
        chunk = add_chunk(arena, need);
    if (chunk == NULL)
        return NULL;
    void *memory = chunk->bytes + chunk->used;
    chunk->used += need;
    arena->used += need;
    return memory;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *memory = take(arena, size);
    return memory != NULL ? memset(memory, 0, size) : NULL;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    return arena_alloc(arena, total);
}

struct span arena_copy(struct arena *arena, struct span bytes)
{
    if (bytes.len == SIZE_MAX)
        return (struct span){0};
    uint8_t *copy = take(arena, bytes.len + 1);
    if (copy == NULL)
        return (struct span){0};
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    copy[bytes.len] = '\0';
    return span_of(copy, bytes.len);
}

struct span arena_format(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = len < 0 ? NULL : arena_alloc(arena, (size_t)len + 1);
    if (text == NULL)
        return (struct span){0};
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return span_of(text, (size_t)len);
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}
