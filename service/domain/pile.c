#include "domain/pile.h"

#include "domain/store.h"

#include <stdlib.h>

enum { FIRST_CAP = 1024 };

static int by_id_and_number(const void *left, const void *right)
{
    const struct pile_item *a = left;
    const struct pile_item *b = right;
    int order = uuid_compare(&a->id, &b->id);
    return order != 0 ? order : (a->number > b->number) - (a->number < b->number);
}

void pile_settle(struct pile *pile, pile_drop_fn *drop, void *arg)
{
    if (pile->count > 0)
        qsort(pile->items, pile->count, sizeof *pile->items, by_id_and_number);
    size_t kept = 0;
    for (size_t i = 0; i < pile->count; i++) {
        const struct pile_item *item = &pile->items[i];
        bool counts = i + 1 == pile->count || !uuid_equal(&item->id, &item[1].id);
        if (!counts || item->store == NULL) {
            if (item->store != NULL)
                drop(arg, item->store);
            continue;
        }
        pile->items[kept] = *item;
        pile->items[kept].number = (uint32_t)kept;
        kept++;
    }
    pile->count = kept;
}

static bool grow(struct pile *pile)
{
    size_t cap = pile->cap > 0 ? pile->cap * 2 : FIRST_CAP;
    if (cap > UINT32_MAX)
        return false;
    struct pile_item *items = memory_alloc(pile->memory, cap * sizeof *items);
    if (items == NULL)
        return false;
    if (pile->count > 0)
        memcpy(items, pile->items, pile->count * sizeof *items);
    memory_free(pile->memory, pile->items);
    pile->items = items;
    pile->cap = cap;
    return true;
}

bool pile_add(struct pile *pile, const struct uuid *id, struct inventory_store *store, pile_drop_fn *drop,
              void *arg)
{
    if (pile->count == pile->cap) {
        pile_settle(pile, drop, arg);
        if (pile->count >= pile->cap / 2 && !grow(pile) && pile->count == pile->cap)
            return false;
    }
    pile->items[pile->count] = (struct pile_item){.id = *id,
                                                  .store = store,
                                                  .number = (uint32_t)pile->count,
                                                  .entry_count = store != NULL ? store->entry_count : 0};
    pile->count++;
    return true;
}

void pile_free(struct pile *pile)
{
    memory_free(pile->memory, pile->items);
    *pile = (struct pile){.memory = pile->memory};
}
