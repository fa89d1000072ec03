/* domain/pile: the stores of an inventory that is being loaded, as they come, before all of them are put into
   the tree at once. That costs a fraction of putting each of them where it belongs among all the others. */
#pragma once

#include "base/uuid.h"
#include "domain/memory.h"

struct inventory_store;

struct pile_item {
    struct uuid id;
    struct inventory_store *store; /* NULL: the store was removed */
    uint32_t number;               /* they came in this order */
    uint32_t entry_count;          /* of the store */
};

/* Zero-initialise, then set `memory`. Of several items of one store the last counts; the others are kept
   until pile_settle(), which also comes by itself, so that there are never more of them than stores. */
struct pile {
    struct memory *memory;
    struct pile_item *items;
    size_t count;
    size_t cap;
};

/* Takes a store out of the pile for good. */
typedef void pile_drop_fn(void *arg, struct inventory_store *store);

/* Puts the store, or its removal, on the pile. False when out of memory (or for four billion stores): what
   the pile says of the stores is as it was. */
bool pile_add(struct pile *pile, const struct uuid *id, struct inventory_store *store, pile_drop_fn *drop,
              void *arg);
/* Leaves one item for each store, by id, and none for a removed one; drops what does not count. */
void pile_settle(struct pile *pile, pile_drop_fn *drop, void *arg);
/* Frees the pile, not the stores. */
void pile_free(struct pile *pile);
