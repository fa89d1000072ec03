/* domain/store: one store of the inventory as an immutable object, packed into one piece of memory. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "domain/record.h"
#include "domain/shared.h"

/* An entry: of which certificate, and where in the store's text it stands. */
struct inventory_entry {
    int32_t certificate_id;
    uint32_t text;
};

/* A store as readers see it: read only. Its text follows the entries. */
struct inventory_store {
    struct uuid id;
    const struct store_type *type;
    const struct agent *agent; /* NULL: none manages it */
    const struct span *client_machine;
    int32_t container_id;
    uint32_t has_container_id : 1;
    uint32_t approved : 1;
    uint32_t entry_count : 30;
    struct inventory_entry entries[]; /* of chainLevel 0; by certificate id and alias, each such pair once */
};

/* Where the entries of one certificate stand in a store. */
struct entry_range {
    uint32_t first;
    uint32_t count;
};

/* Packs the record: of entries with the same certificate and alias the last counts, those whose certificate
   id is below 1 (no command can name them) or whose chainLevel is not 0 are left out. NULL with NO_MEMORY, or
   with INVENTORY_INVALID for more than 1 GiB of text. */
struct inventory_store *store_new(struct memory *memory, struct shared_pool *pool,
                                  const struct store_inventory *record, struct err *err);
void store_free(struct memory *memory, struct shared_pool *pool, struct inventory_store *store);

struct entry_range store_entries_of(const struct inventory_store *store, int32_t certificate_id);
struct span store_path(const struct inventory_store *store);
struct span store_alias(const struct inventory_store *store, uint32_t entry);
bool store_has_private_key(const struct inventory_store *store, uint32_t entry);
/* The thumbprint as the record wrote it, in the arena or the store. data is NULL when out of memory. */
struct span store_thumbprint(struct arena *arena, const struct inventory_store *store, uint32_t entry);
