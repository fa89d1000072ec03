#include "base/json_text.h"

#include "base/secret.h"

#include <stdlib.h>

/* What jansson gets while a text is read. When malloc fails, the rest of the reading lives on the reserve:
   jansson's lexer does not look at what its string buffer's growth returns, so that none of its allocations
   may be refused. The input ends at once, and what was read is thrown away. */
struct reading {
    struct span left;
    bool failed;
    uint8_t *reserve;
    size_t reserve_size;
    size_t reserve_used;
};

enum { CHUNK = 64, PER_CHUNK = 16 * 1024, ALIGNMENT = 16 };

static _Thread_local struct reading *current;

static void *watched_malloc(size_t size)
{
    struct reading *r = current;
    void *memory = r == NULL || !r->failed ? malloc(size) : NULL;
    if (memory != NULL || r == NULL)
        return memory;
    r->failed = true;
    size_t taken = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (taken < size || taken > r->reserve_size - r->reserve_used)
        return NULL;
    r->reserve_used += taken;
    return r->reserve + r->reserve_used - taken;
}

static void watched_free(void *memory)
{
    const struct reading *r = current;
    uintptr_t at = (uintptr_t)memory;
    if (r != NULL && at >= (uintptr_t)r->reserve && at < (uintptr_t)r->reserve + r->reserve_size)
        return;
    secret_free_memory(memory);
}

/* Before main, since jansson keeps its allocator in a global that no thread may change under another. */
__attribute__((constructor)) static void watch_allocations(void)
{
    json_set_alloc_funcs(watched_malloc, watched_free);
}

/* json_load_callback_t: little at a time, so that a reading that failed ends soon. */
static size_t next_chunk(void *to, size_t room, void *data)
{
    struct reading *r = data;
    size_t len = r->left.len < CHUNK ? r->left.len : CHUNK;
    if (r->failed || len == 0)
        return 0;
    if (len > room)
        len = room;
    memcpy(to, r->left.data, len);
    r->left = span_of(r->left.data + len, r->left.len - len);
    return len;
}

json_t *json_text_load(struct span text, size_t flags, json_error_t *where, bool *out_of_memory)
{
    struct reading reading = {.left = text};
    *out_of_memory = true;
    if (text.len > (SIZE_MAX - PER_CHUNK) / 4)
        return NULL;
    /* A string's buffer doubles, and the string is copied from it. */
    reading.reserve_size = 4 * text.len + PER_CHUNK;
    reading.reserve = malloc(reading.reserve_size);
    if (reading.reserve == NULL)
        return NULL;
    current = &reading;
    json_t *json = json_load_callback(next_chunk, &reading, flags, where);
    *out_of_memory = reading.failed;
    if (reading.failed) {
        json_decref(json);
        json = NULL;
    }
    current = NULL;
    secret_wipe(reading.reserve, reading.reserve_used);
    free(reading.reserve);
    return json;
}
