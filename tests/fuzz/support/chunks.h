/* An input in parts: each a byte that says what it is, two bytes of length (big-endian) and the content. The
   last may be cut. */
#pragma once

#include "base/buf.h"
#include "base/span.h"

#include <stdlib.h>

enum { CHUNK_HEAD = 3, CHUNKS_MAX = 64 };

struct chunk {
    uint8_t tag;
    struct span content;
};

static inline bool chunk_next(struct span *rest, struct chunk *chunk)
{
    if (rest->len < CHUNK_HEAD)
        return false;
    size_t len = (size_t)rest->data[1] << 8 | rest->data[2];
    if (len > rest->len - CHUNK_HEAD)
        len = rest->len - CHUNK_HEAD;
    *chunk = (struct chunk){rest->data[0], span_of(rest->data + CHUNK_HEAD, len)};
    *rest = span_of(chunk->content.data + len, rest->len - CHUNK_HEAD - len);
    return true;
}

static inline void chunk_put(struct buf *out, struct chunk chunk)
{
    uint8_t head[CHUNK_HEAD] = {chunk.tag, (uint8_t)(chunk.content.len >> 8), (uint8_t)chunk.content.len};
    buf_put(out, head, sizeof head);
    buf_put(out, chunk.content.data, chunk.content.len);
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* Changes the content of a part in place; returns its new size. */
typedef size_t chunk_mutate_fn(uint8_t tag, uint8_t *data, size_t size, size_t max_size, unsigned int seed);

static inline void chunk_put_changed(struct buf *out, struct chunk chunk, chunk_mutate_fn *mutate,
                                     unsigned int *seed)
{
    size_t room = chunk.content.len + 64 < UINT16_MAX ? chunk.content.len + 64 : UINT16_MAX;
    uint8_t *copy = malloc(room);
    if (copy == NULL)
        abort();
    if (chunk.content.len > 0)
        memcpy(copy, chunk.content.data, chunk.content.len);
    size_t len = mutate(chunk.tag, copy, chunk.content.len, room, (unsigned)rand_r(seed));
    chunk_put(out, (struct chunk){chunk.tag, span_of(copy, len)});
    free(copy);
}

/* Changes one part, gives it another tag, leaves it out, puts it twice, or puts two in each other's place. */
static inline size_t chunks_mutate(chunk_mutate_fn *mutate, uint8_t *data, size_t size, size_t max_size,
                                   unsigned int seed)
{
    struct chunk chunks[CHUNKS_MAX];
    size_t count = 0;
    struct span rest = span_of(data, size);
    while (count < CHUNKS_MAX && chunk_next(&rest, &chunks[count]))
        count++;
    if (count == 0 || rand_r(&seed) % 64 == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    size_t at = (size_t)rand_r(&seed) % count;
    size_t other = (size_t)rand_r(&seed) % count;
    int what = rand_r(&seed) % 16;
    struct buf out = {0};
    if (what == 0)
        chunks[at].tag = (uint8_t)(chunks[at].tag ^ 1 << rand_r(&seed) % 8);
    if (what == 1) {
        struct chunk moved = chunks[at];
        chunks[at] = chunks[other];
        chunks[other] = moved;
    }
    for (size_t i = 0; i < count; i++) {
        if (i != at || what < 2) {
            chunk_put(&out, chunks[i]);
            continue;
        }
        if (what == 2)
            continue;
        if (what == 3)
            chunk_put(&out, chunks[i]);
        chunk_put_changed(&out, chunks[i], mutate, &seed);
    }
    if (out.failed)
        abort();
    size_t len = out.len <= max_size ? out.len : max_size;
    if (len > 0)
        memcpy(data, out.data, len);
    buf_free(&out);
    return len;
}
