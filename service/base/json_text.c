#include "base/json_text.h"

#include <stdlib.h>

static _Thread_local bool allocation_failed;

static void *watched_malloc(size_t size)
{
    void *memory = malloc(size);
    if (memory == NULL)
        allocation_failed = true;
    return memory;
}

/* Before main, since jansson keeps its allocator in a global that no thread may change under another. */
__attribute__((constructor)) static void watch_allocations(void)
{
    json_set_alloc_funcs(watched_malloc, free);
}

json_t *json_text_load(struct span text, size_t flags, json_error_t *where, bool *out_of_memory)
{
    allocation_failed = false;
    json_t *json = json_loadb(text.len > 0 ? (const char *)text.data : "", text.len, flags, where);
    *out_of_memory = allocation_failed;
    if (json != NULL && allocation_failed) {
        json_decref(json);
        return NULL;
    }
    return json;
}
