/* domain/inventory: the whole compacted inventory in memory. One writer, any number of readers; readers never
   wait.

   A store is one immutable object. A persistent B+ tree (location_tree.h) holds the pairs (certificate, store
   GUID), and (0, store GUID) for every store: so one ordered set is both indexes. A write copies the path to
   what it changes and then publishes the new root by one atomic store, so every read section sees one
   moment's inventory. What the new root no longer reaches is freed when no reader is left in a section that
   began before. */
#pragma once

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "domain/record.h"

struct inventory;
struct inventory_reader;

/* An entry of a store, packed. Read it with store_alias and store_thumbprint. */
struct inventory_entry {
    int32_t certificate_id;
    uint32_t text; /* where its alias begins in the store's text; its thumbprint follows */
    uint32_t alias_len;
    uint32_t thumbprint_len : 30;   /* in bytes as kept */
    uint32_t thumbprint_packed : 1; /* 40 upper-case hexadecimal digits, kept as 20 bytes */
    uint32_t has_private_key : 1;
};

/* A store as readers see it: read only, good until inventory_read_end. */
struct inventory_store {
    struct uuid id;
    const struct store_type *type;
    const struct agent *agent; /* NULL: none manages it */
    const struct span *client_machine;
    int32_t container_id;
    bool has_container_id;
    bool approved;
    uint32_t path_len;
    uint32_t entry_count;
    struct inventory_entry entries[]; /* those of chainLevel 0, by certificate id and alias, each pair once */
};

/* Where the entries of one certificate stand in a store. */
struct entry_range {
    uint32_t first;
    uint32_t count;
};

struct inventory_stats {
    size_t stores;
    size_t locations; /* entries of chainLevel 0, each alias of a certificate once */
    size_t bytes;     /* all that malloc gave for it, its own headers included */
};

/* NULL when out of memory. */
struct inventory *inventory_new(void);
/* Frees all, its readers included: no thread may use them any more. */
void inventory_free(struct inventory *inventory);
AUTO_DEFINE(inventory, struct inventory, inventory_free);

/* Writer: the store as the record has it, in place of what was known of it. Of entries with the same
   certificate and alias the last counts. Copies what it keeps. False with NO_MEMORY, or with
   INVENTORY_INVALID for a record of more than 4 GiB of text; the inventory is as it was then. */
bool inventory_put(struct inventory *inventory, const struct store_inventory *store, struct err *err);
/* Writer: forgets the store; true also where it is not known. False with NO_MEMORY: the store is still there.
 */
bool inventory_remove(struct inventory *inventory, const struct uuid *store_id, struct err *err);
/* Any thread. */
struct inventory_stats inventory_stats(const struct inventory *inventory);

/* Any thread: a reader, for one thread at a time. NULL when out of memory. Give it back with
   inventory_reader_free before the inventory goes. */
struct inventory_reader *inventory_reader_new(struct inventory *inventory);
void inventory_reader_free(struct inventory_reader *reader);
AUTO_DEFINE(inventory_reader, struct inventory_reader, inventory_reader_free);

/* Opens a section: until inventory_read_end all calls with this reader see the inventory of one moment, and
   all that they return stays good. Sections do not nest. What the writer replaces meanwhile stays in memory,
   so keep them short: plan, encode, end. */
void inventory_read_begin(struct inventory_reader *reader);
void inventory_read_end(struct inventory_reader *reader);

/* The rest is for open sections. */
/* The store, NULL when it is not known. */
const struct inventory_store *inventory_find(const struct inventory_reader *reader,
                                             const struct uuid *store_id);
/* The store if it holds the certificate (at chainLevel 0), else NULL. */
const struct inventory_store *inventory_find_holder(const struct inventory_reader *reader,
                                                    int32_t certificate_id, const struct uuid *store_id);
/* How many stores hold the certificate; stops counting at `limit`. */
size_t inventory_count_holders(const struct inventory_reader *reader, int32_t certificate_id, size_t limit);
/* Fills stores[0..count) with the first holders of the certificate, in the order of their GUIDs; returns how
   many there were. certificate_id 0: all stores. */
size_t inventory_holders(const struct inventory_reader *reader, int32_t certificate_id,
                         const struct inventory_store **stores, size_t count);

struct entry_range store_entries_of(const struct inventory_store *store, int32_t certificate_id);
struct span store_path(const struct inventory_store *store);
struct span store_alias(const struct inventory_store *store, uint32_t entry);
/* The thumbprint as the record wrote it, in the arena or the store. data is NULL when out of memory. */
struct span store_thumbprint(struct arena *arena, const struct inventory_store *store, uint32_t entry);
