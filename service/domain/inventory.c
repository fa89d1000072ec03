#include "domain/inventory.h"

#include "domain/limbo.h"
#include "domain/location_tree.h"
#include "domain/pile.h"
#include "domain/shared.h"

#include <assert.h>

/* Of a reader that is in no section. */
#define AT_REST UINT64_MAX

enum { CACHE_LINE = 64 };

/* On cache lines of its own: its thread writes to it at every section. */
struct inventory_reader {
    uint8_t before[CACHE_LINE];
    _Atomic uint64_t pinned; /* a version that is not newer than what it reads; AT_REST */
    const struct tree_node *root;
    struct inventory *inventory;
    struct inventory_reader *next; /* set before the reader can be found */
    atomic_bool in_use;
    uint8_t after[CACHE_LINE];
};

/* What readers touch is `root`, `version` and `readers`; the rest is the writer's.

   Why an object can be freed once no pinned version is less than the version from which it is out of reach: a
   reader stores its pin and then loads the root, the writer stores the root and then loads the pins, all in
   one total order (seq_cst). So a reader whose pin the writer did not see loads the new root; and one whose
   pin it saw reads the root of that version or a newer one, since a version is stored after its root. */
struct inventory {
    _Atomic(const struct tree_node *) root;
    _Atomic uint64_t version;
    _Atomic(struct inventory_reader *) readers;
    struct memory memory;
    struct shared_pool pool;
    struct limbo limbo;
    struct location_tree tree;
    struct pile pile; /* of the load in hand */
    bool loading;
    atomic_size_t stores;
    atomic_size_t locations;
};

struct inventory *inventory_new(void)
{
    struct inventory *inventory = calloc(1, sizeof *inventory);
    if (inventory == NULL)
        return NULL;
    inventory->pool.memory = &inventory->memory;
    inventory->limbo.memory = &inventory->memory;
    inventory->tree.memory = &inventory->memory;
    inventory->tree.limbo = &inventory->limbo;
    inventory->pile.memory = &inventory->memory;
    return inventory;
}

/* Frees what no reader can hold any more. */
static void reclaim(struct inventory *inventory)
{
    uint64_t oldest = AT_REST;
    for (struct inventory_reader *reader = atomic_load(&inventory->readers); reader != NULL;
         reader = reader->next) {
        uint64_t pinned = atomic_load(&reader->pinned);
        if (pinned < oldest)
            oldest = pinned;
    }
    struct limbo_item item;
    while (limbo_take(&inventory->limbo, oldest, &item)) {
        if (item.kind == LIMBO_STORE)
            store_free(&inventory->memory, &inventory->pool, item.object);
        else
            tree_node_free(&inventory->tree, item.object);
    }
}

/* Makes the change in hand the inventory that new sections see. */
static void publish(struct inventory *inventory)
{
    uint64_t version = atomic_load(&inventory->version) + 1;
    tree_commit(&inventory->tree);
    limbo_commit(&inventory->limbo, version);
    atomic_store(&inventory->root, inventory->tree.committed);
    atomic_store(&inventory->version, version);
    reclaim(inventory);
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY,
                   "no memory for the inventory; give the process more, or the topic less");
}

static bool give_up(struct inventory *inventory, struct err *err)
{
    tree_rollback(&inventory->tree);
    limbo_rollback(&inventory->limbo);
    reclaim(inventory);
    return no_memory(err);
}

static void drop_store(void *arg, struct inventory_store *store)
{
    struct inventory *inventory = arg;
    store_free(&inventory->memory, &inventory->pool, store);
}

static void drop_pile(struct inventory *inventory)
{
    for (size_t i = 0; i < inventory->pile.count; i++)
        drop_store(inventory, inventory->pile.items[i].store);
    pile_free(&inventory->pile);
}

void inventory_free(struct inventory *inventory)
{
    if (inventory == NULL)
        return;
    struct inventory_reader *reader = atomic_load(&inventory->readers);
    while (reader != NULL) {
        struct inventory_reader *next = reader->next;
        assert(atomic_load(&reader->pinned) == AT_REST);
        memory_free(&inventory->memory, reader);
        reader = next;
    }
    atomic_store(&inventory->readers, NULL);
    reclaim(inventory);
    drop_pile(inventory);
    tree_free(&inventory->tree, drop_store, inventory);
    limbo_free(&inventory->limbo);
    shared_pool_free(&inventory->pool);
    assert(atomic_load(&inventory->memory.bytes) == 0);
    free(inventory);
}

/* Steps through the distinct certificates of a store's entries: the first for `at` 0, then behind the last.
 */
static uint32_t behind_certificate(const struct inventory_store *store, uint32_t at)
{
    int32_t certificate_id = store->entries[at].certificate_id;
    while (at < store->entry_count && store->entries[at].certificate_id == certificate_id)
        at++;
    return at;
}

static bool holds(const struct inventory_store *store, int32_t certificate_id)
{
    return store != NULL && store_entries_of(store, certificate_id).count > 0;
}

/* Puts `store` where `old` was (either may be NULL) under certificate 0 and all that they hold. */
static bool replace(struct inventory *inventory, struct inventory_store *old, struct inventory_store *store)
{
    struct location_tree *tree = &inventory->tree;
    for (uint32_t at = 0; old != NULL && at < old->entry_count; at = behind_certificate(old, at)) {
        int32_t certificate_id = old->entries[at].certificate_id;
        if (!holds(store, certificate_id) && !tree_erase(tree, certificate_id, &old->id))
            return false;
    }
    for (uint32_t at = 0; store != NULL && at < store->entry_count; at = behind_certificate(store, at)) {
        if (!tree_set(tree, store->entries[at].certificate_id, store))
            return false;
    }
    if (store != NULL ? !tree_set(tree, 0, store) : !tree_erase(tree, 0, &old->id))
        return false;
    return old == NULL || limbo_add(&inventory->limbo, old, LIMBO_STORE);
}

/* One change: both counters follow it. */
static bool change(struct inventory *inventory, struct inventory_store *old, struct inventory_store *store,
                   struct err *err)
{
    size_t more_stores = (size_t)(store != NULL) - (size_t)(old != NULL);
    size_t more_locations =
        (store != NULL ? (size_t)store->entry_count : 0) - (old != NULL ? (size_t)old->entry_count : 0);
    tree_begin(&inventory->tree);
    if (!replace(inventory, old, store))
        return give_up(inventory, err);
    publish(inventory);
    atomic_fetch_add_explicit(&inventory->stores, more_stores, memory_order_relaxed);
    atomic_fetch_add_explicit(&inventory->locations, more_locations, memory_order_relaxed);
    return true;
}

void inventory_load_begin(struct inventory *inventory)
{
    assert(inventory->tree.root == NULL);
    inventory->loading = true;
}

/* A certificate of a store of the pile. */
struct holder {
    int32_t certificate_id;
    uint32_t item;
};

enum { RADIX_BITS = 11, RADIX = 1 << RADIX_BITS, RADIX_PASSES = 3 };

/* Sorts by certificate and keeps the order within one, from holders[] through other[] into what is returned:
   a counting sort of 11 bits a pass, lowest first. */
static struct holder *sort_by_certificate(struct holder *holders, struct holder *other, size_t count)
{
    for (unsigned shift = 0; shift < RADIX_PASSES * RADIX_BITS; shift += RADIX_BITS) {
        size_t next[RADIX] = {0};
        size_t sum = 0;
        for (size_t i = 0; i < count; i++)
            next[(uint32_t)holders[i].certificate_id >> shift & (RADIX - 1)]++;
        for (size_t digit = 0; digit < RADIX; digit++) {
            size_t here = next[digit];
            next[digit] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++)
            other[next[(uint32_t)holders[i].certificate_id >> shift & (RADIX - 1)]++] = holders[i];
        struct holder *sorted = other;
        other = holders;
        holders = sorted;
    }
    return holders;
}

/* Fills holders[], store by store; returns how many there are. */
static size_t find_holders(const struct pile *pile, struct holder *holders)
{
    size_t count = 0;
    for (size_t i = 0; i < pile->count; i++) {
        const struct inventory_store *store = pile->items[i].store;
        for (uint32_t at = 0; at < store->entry_count; at = behind_certificate(store, at))
            holders[count++] = (struct holder){store->entries[at].certificate_id, (uint32_t)i};
    }
    return count;
}

/* All stores, and then who holds each certificate: the order of the tree. `room` is for `most` holders twice.
 */
static bool put_in_order(struct inventory *inventory, struct holder *room, size_t most)
{
    const struct pile *pile = &inventory->pile;
    size_t count = find_holders(pile, room);
    const struct holder *holders = sort_by_certificate(room, room + most, count);
    for (size_t i = 0; i < pile->count; i++)
        if (!tree_append(&inventory->tree, 0, pile->items[i].store))
            return false;
    for (size_t i = 0; i < count; i++)
        if (!tree_append(&inventory->tree, holders[i].certificate_id, pile->items[holders[i].item].store))
            return false;
    return true;
}

static size_t count_locations(const struct pile *pile)
{
    size_t count = 0;
    for (size_t i = 0; i < pile->count; i++)
        count += pile->items[i].entry_count;
    return count;
}

bool inventory_load_end(struct inventory *inventory, struct err *err)
{
    struct pile *pile = &inventory->pile;
    if (!inventory->loading)
        return true;
    pile_settle(pile, drop_store, inventory);
    size_t locations = count_locations(pile);
    struct holder *room = memory_alloc(&inventory->memory, (2 * locations + 1) * sizeof *room);
    if (room == NULL)
        return no_memory(err);
    tree_begin(&inventory->tree);
    bool put = put_in_order(inventory, room, locations);
    memory_free(&inventory->memory, room);
    if (!put)
        return give_up(inventory, err);
    publish(inventory);
    atomic_store_explicit(&inventory->stores, pile->count, memory_order_relaxed);
    atomic_store_explicit(&inventory->locations, locations, memory_order_relaxed);
    pile_free(pile);
    inventory->loading = false;
    return true;
}

/* As change(), while a load is in hand; store NULL: it is removed. */
static bool collect(struct inventory *inventory, const struct uuid *id, struct inventory_store *store,
                    struct err *err)
{
    return pile_add(&inventory->pile, id, store, drop_store, inventory) || no_memory(err);
}

/* store NULL: it is removed. */
static bool enter(struct inventory *inventory, const struct uuid *id, struct inventory_store *store,
                  struct err *err)
{
    if (inventory->loading)
        return collect(inventory, id, store, err);
    struct inventory_store *old = tree_find(inventory->tree.root, 0, id);
    return (old == NULL && store == NULL) || change(inventory, old, store, err);
}

bool inventory_put(struct inventory *inventory, const struct store_inventory *record, struct err *err)
{
    struct inventory_store *store = store_new(&inventory->memory, &inventory->pool, record, err);
    if (store == NULL)
        return false;
    if (enter(inventory, &record->store_id, store, err))
        return true;
    store_free(&inventory->memory, &inventory->pool, store);
    return false;
}

bool inventory_remove(struct inventory *inventory, const struct uuid *store_id, struct err *err)
{
    return enter(inventory, store_id, NULL, err);
}

struct inventory_stats inventory_stats(const struct inventory *inventory)
{
    return (struct inventory_stats){
        .stores = atomic_load_explicit(&inventory->stores, memory_order_relaxed),
        .locations = atomic_load_explicit(&inventory->locations, memory_order_relaxed),
        .bytes = atomic_load_explicit(&inventory->memory.bytes, memory_order_relaxed),
    };
}

struct inventory_reader *inventory_reader_new(struct inventory *inventory)
{
    for (struct inventory_reader *reader = atomic_load(&inventory->readers); reader != NULL;
         reader = reader->next) {
        bool expected = false;
        if (atomic_compare_exchange_strong(&reader->in_use, &expected, true))
            return reader;
    }
    struct inventory_reader *reader = memory_alloc(&inventory->memory, sizeof *reader);
    if (reader == NULL)
        return NULL;
    atomic_init(&reader->pinned, AT_REST);
    atomic_init(&reader->in_use, true);
    reader->inventory = inventory;
    reader->next = atomic_load(&inventory->readers);
    while (!atomic_compare_exchange_weak(&inventory->readers, &reader->next, reader)) {
    }
    return reader;
}

void inventory_reader_free(struct inventory_reader *reader)
{
    if (reader == NULL)
        return;
    if (atomic_load(&reader->pinned) != AT_REST)
        inventory_read_end(reader);
    atomic_store(&reader->in_use, false);
}

void inventory_read_begin(struct inventory_reader *reader)
{
    assert(atomic_load_explicit(&reader->pinned, memory_order_relaxed) == AT_REST);
    atomic_store(&reader->pinned, atomic_load(&reader->inventory->version));
    reader->root = atomic_load(&reader->inventory->root);
}

void inventory_read_end(struct inventory_reader *reader)
{
    assert(atomic_load_explicit(&reader->pinned, memory_order_relaxed) != AT_REST);
    reader->root = NULL;
    atomic_store(&reader->pinned, AT_REST);
}

const struct inventory_store *inventory_find(const struct inventory_reader *reader,
                                             const struct uuid *store_id)
{
    return tree_find(reader->root, 0, store_id);
}

const struct inventory_store *inventory_find_holder(const struct inventory_reader *reader,
                                                    int32_t certificate_id, const struct uuid *store_id)
{
    return tree_find(reader->root, certificate_id, store_id);
}

size_t inventory_count_holders(const struct inventory_reader *reader, int32_t certificate_id, size_t limit)
{
    return tree_count(reader->root, certificate_id, limit);
}

size_t inventory_holders(const struct inventory_reader *reader, int32_t certificate_id,
                         const struct inventory_store **stores, size_t count)
{
    return tree_collect(reader->root, certificate_id, stores, count);
}
