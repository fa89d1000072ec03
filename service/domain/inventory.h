/* domain/inventory: the whole compacted inventory in memory. One writer, any number of readers; readers never
   wait.

   A store is one immutable object (store.h). A persistent B+ tree (location_tree.h) holds the pairs
   (certificate, store GUID), and (0, store GUID) for every store: so one ordered set is both indexes. A write
   copies the path to what it changes and then publishes the new root by one atomic store, so every read
   section sees one moment's inventory. What the new root no longer reaches is freed when no reader is left in
   a section that began before. */
#pragma once

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "domain/record.h"
#include "domain/store.h"

struct inventory;
struct inventory_reader;

/* Of what readers see. */
struct inventory_stats {
    size_t stores;
    size_t locations; /* entries of chainLevel 0, each alias of a certificate once */
    size_t bytes;     /* all that malloc gave for it, its own headers included */
};

/* NULL when out of memory. */
struct inventory *inventory_new(void);
/* Frees all, its readers included: none may be in a section or be used any more. */
void inventory_free(struct inventory *inventory);
AUTO_DEFINE(inventory, struct inventory, inventory_free);

/* Writer: what is put and removed from now on is only collected, and seen by no reader, until
   inventory_load_end(). Reading a whole topic so takes a third of the time. For an empty inventory. */
void inventory_load_begin(struct inventory *inventory);
/* Writer: makes all that was collected visible at once. Nothing to do when no load was begun. False with
   NO_MEMORY: the load goes on, call it again. */
bool inventory_load_end(struct inventory *inventory, struct err *err);
/* Writer: the store as the record has it, in place of what was known of it. Of entries with the same
   certificate and alias the last counts. Copies what it keeps. False with NO_MEMORY, or with
   INVENTORY_INVALID for a record of more than 1 GiB of text; the inventory is as it was then. */
bool inventory_put(struct inventory *inventory, const struct store_inventory *store, struct err *err);
/* Writer: forgets the store, if it is known. False with NO_MEMORY: the store is still there. */
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
