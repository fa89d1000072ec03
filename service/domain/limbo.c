#include "domain/limbo.h"

#include <assert.h>
#include <string.h>

void limbo_free(struct limbo *limbo)
{
    memory_free(limbo->memory, limbo->items);
    *limbo = (struct limbo){.memory = limbo->memory};
}

/* Moves the items to the front, into twice the room if they fill half of it. */
static bool make_room(struct limbo *limbo)
{
    size_t used = limbo->count - limbo->head;
    size_t cap = used * 2 > limbo->cap ? limbo->cap * 2 : limbo->cap;
    struct limbo_item *items = limbo->items;
    if (cap == 0)
        cap = 64;
    if (cap != limbo->cap) {
        items = memory_alloc(limbo->memory, cap * sizeof *items);
        if (items == NULL)
            return false;
    }
    if (used > 0)
        memmove(items, limbo->items + limbo->head, used * sizeof *items);
    if (items != limbo->items)
        memory_free(limbo->memory, limbo->items);
    limbo->items = items;
    limbo->cap = cap;
    limbo->committed -= limbo->head;
    limbo->count = used;
    limbo->head = 0;
    return true;
}

bool limbo_add(struct limbo *limbo, void *object, enum limbo_kind kind)
{
    if (limbo->count == limbo->cap && !make_room(limbo))
        return false;
    limbo->items[limbo->count++] = (struct limbo_item){.object = object, .kind = kind};
    return true;
}

void limbo_commit(struct limbo *limbo, uint64_t version)
{
    for (size_t i = limbo->committed; i < limbo->count; i++)
        limbo->items[i].version = version;
    limbo->committed = limbo->count;
}

void limbo_rollback(struct limbo *limbo)
{
    limbo->count = limbo->committed;
}

bool limbo_take(struct limbo *limbo, uint64_t version, struct limbo_item *item)
{
    assert(limbo->committed == limbo->count);
    if (limbo->head == limbo->count || limbo->items[limbo->head].version > version)
        return false;
    *item = limbo->items[limbo->head++];
    if (limbo->head == limbo->count)
        limbo->head = limbo->committed = limbo->count = 0;
    return true;
}
