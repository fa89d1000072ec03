#include "domain/store.h"

#include <assert.h>

enum { TEXT_MAX = (1 << 30) - 1, PACKED_LEN = 20, PACKED_DIGITS = 40 };

static const char digits[] = "0123456789ABCDEF";

static uint8_t *store_text(struct inventory_store *store)
{
    return (uint8_t *)&store->entries[store->entry_count];
}

static const uint8_t *store_text_view(const struct inventory_store *store)
{
    return (const uint8_t *)&store->entries[store->entry_count];
}

/* -1 for all but the digits that a packed thumbprint comes back as. */
static int digit_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

static bool can_pack(struct span thumbprint)
{
    if (thumbprint.len != PACKED_DIGITS)
        return false;
    for (size_t i = 0; i < PACKED_DIGITS; i++) {
        if (digit_value(thumbprint.data[i]) < 0)
            return false;
    }
    return true;
}

static void pack(uint8_t *to, struct span thumbprint)
{
    for (size_t i = 0; i < PACKED_LEN; i++)
        to[i] = (uint8_t)(digit_value(thumbprint.data[2 * i]) << 4 | digit_value(thumbprint.data[2 * i + 1]));
}

/* Entries of one certificate and alias stand side by side, the last of the record first. */
static int by_certificate_and_alias(const void *left, const void *right)
{
    const struct store_entry *a = *(const struct store_entry *const *)left;
    const struct store_entry *b = *(const struct store_entry *const *)right;
    if (a->certificate_id != b->certificate_id)
        return a->certificate_id < b->certificate_id ? -1 : 1;
    int order = span_compare(a->alias, b->alias);
    return order != 0 ? order : (a < b) - (a > b);
}

/* Fills kept[] with the entries that count, in order; returns how many. */
static size_t select_entries(const struct store_inventory *record, const struct store_entry **kept)
{
    size_t found = 0;
    for (size_t i = 0; i < record->entry_count; i++) {
        if (record->entries[i].chain_level == 0 && record->entries[i].certificate_id >= 1)
            kept[found++] = &record->entries[i];
    }
    if (found > 1)
        qsort(kept, found, sizeof *kept, by_certificate_and_alias);
    size_t count = 0;
    for (size_t i = 0; i < found; i++) {
        bool again = count > 0 && kept[i]->certificate_id == kept[count - 1]->certificate_id &&
                     span_equal(kept[i]->alias, kept[count - 1]->alias);
        if (!again)
            kept[count++] = kept[i];
    }
    return count;
}

/* Bytes of text that the store keeps, or SIZE_MAX when they are too many. */
static size_t text_size(const struct store_inventory *record, const struct store_entry *const *kept,
                        size_t count)
{
    size_t size = record->store_path.len;
    for (size_t i = 0; i < count && size <= TEXT_MAX; i++) {
        if (kept[i]->alias.len > TEXT_MAX || kept[i]->thumbprint.len > TEXT_MAX)
            return SIZE_MAX;
        size += kept[i]->alias.len + (can_pack(kept[i]->thumbprint) ? PACKED_LEN : kept[i]->thumbprint.len);
    }
    return size <= TEXT_MAX ? size : SIZE_MAX;
}

static uint32_t put_text(uint8_t *text, uint32_t at, struct span bytes)
{
    if (bytes.len > 0)
        memcpy(text + at, bytes.data, bytes.len);
    return at + (uint32_t)bytes.len;
}

static void fill(struct inventory_store *store, const struct store_inventory *record,
                 const struct store_entry *const *kept, size_t count)
{
    store->id = record->store_id;
    store->has_container_id = record->has_container_id;
    store->container_id = record->has_container_id ? record->container_id : 0;
    store->approved = record->approved;
    store->entry_count = (uint32_t)count;
    store->path_len = (uint32_t)record->store_path.len;
    uint8_t *text = store_text(store);
    uint32_t at = put_text(text, 0, record->store_path);
    for (size_t i = 0; i < count; i++) {
        const struct store_entry *from = kept[i];
        struct inventory_entry *entry = &store->entries[i];
        entry->certificate_id = from->certificate_id;
        entry->text = at;
        entry->alias_len = (uint32_t)from->alias.len;
        entry->has_private_key = from->has_private_key;
        entry->thumbprint_packed = can_pack(from->thumbprint);
        at = put_text(text, at, from->alias);
        if (entry->thumbprint_packed) {
            pack(text + at, from->thumbprint);
            entry->thumbprint_len = PACKED_LEN;
            at += PACKED_LEN;
        } else {
            entry->thumbprint_len = (uint32_t)from->thumbprint.len & TEXT_MAX;
            at = put_text(text, at, from->thumbprint);
        }
    }
}

static bool share_values(struct shared_pool *pool, struct inventory_store *store,
                         const struct store_inventory *record)
{
    store->type = shared_type(pool, &record->type);
    store->client_machine = shared_text(pool, record->client_machine);
    store->agent = record->has_agent ? shared_agent(pool, &record->agent) : NULL;
    return store->type != NULL && store->client_machine != NULL &&
           (store->agent != NULL || !record->has_agent);
}

struct inventory_store *store_new(struct memory *memory, struct shared_pool *pool,
                                  const struct store_inventory *record, struct err *err)
{
    const struct store_entry *few[16];
    const struct store_entry **kept = few;
    if (record->entry_count > sizeof few / sizeof *few)
        kept = calloc(record->entry_count, sizeof(struct store_entry *));
    if (kept == NULL) {
        err_set(err, ERR_NO_MEMORY, "no memory for a store of the inventory");
        return NULL;
    }
    struct inventory_store *store = NULL;
    size_t count = select_entries(record, kept);
    size_t text = text_size(record, kept, count);
    if (text == SIZE_MAX || count > TEXT_MAX / sizeof(struct inventory_entry)) {
        err_set(err, ERR_INVENTORY_INVALID,
                "the store's record is too large to keep; send fewer or shorter entries");
    } else {
        store = memory_alloc(memory, sizeof *store + count * sizeof(struct inventory_entry) + text);
        if (store != NULL) {
            fill(store, record, kept, count);
            if (!share_values(pool, store, record)) {
                store_free(memory, pool, store);
                store = NULL;
            }
        }
        if (store == NULL)
            err_set(err, ERR_NO_MEMORY, "no memory for a store of the inventory");
    }
    if (kept != few)
        free(kept);
    return store;
}

void store_free(struct memory *memory, struct shared_pool *pool, struct inventory_store *store)
{
    if (store == NULL)
        return;
    shared_release(pool, store->type);
    shared_release(pool, store->agent);
    shared_release(pool, store->client_machine);
    memory_free(memory, store);
}

/* The first entry of this certificate or a greater one. */
static uint32_t first_entry(const struct inventory_store *store, int32_t certificate_id)
{
    uint32_t low = 0;
    uint32_t high = store->entry_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (store->entries[middle].certificate_id < certificate_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct entry_range store_entries_of(const struct inventory_store *store, int32_t certificate_id)
{
    struct entry_range range = {first_entry(store, certificate_id), 0};
    while (range.first + range.count < store->entry_count &&
           store->entries[range.first + range.count].certificate_id == certificate_id)
        range.count++;
    return range;
}

struct span store_path(const struct inventory_store *store)
{
    return span_of(store_text_view(store), store->path_len);
}

struct span store_alias(const struct inventory_store *store, uint32_t entry)
{
    assert(entry < store->entry_count);
    return span_of(store_text_view(store) + store->entries[entry].text, store->entries[entry].alias_len);
}

struct span store_thumbprint(struct arena *arena, const struct inventory_store *store, uint32_t entry)
{
    assert(entry < store->entry_count);
    const struct inventory_entry *at = &store->entries[entry];
    const uint8_t *kept = store_text_view(store) + at->text + at->alias_len;
    if (!at->thumbprint_packed)
        return span_of(kept, at->thumbprint_len);
    uint8_t *text = arena_alloc(arena, PACKED_DIGITS);
    if (text == NULL)
        return (struct span){0};
    for (size_t i = 0; i < PACKED_LEN; i++) {
        text[2 * i] = (uint8_t)digits[kept[i] >> 4];
        text[2 * i + 1] = (uint8_t)digits[kept[i] & 15];
    }
    return span_of(text, PACKED_DIGITS);
}
