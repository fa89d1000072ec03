#include "domain/store.h"

#include "base/hex.h"

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

/* Whether it is of the digits that a packed thumbprint comes back as: upper case. */
static bool can_pack(struct span thumbprint)
{
    bool can = thumbprint.len == PACKED_DIGITS;
    for (size_t i = 0; can && i < PACKED_DIGITS; i++)
        can = thumbprint.data[i] <= 'F' && hex_value(thumbprint.data[i]) >= 0;
    return can;
}

static void pack(uint8_t *to, struct span thumbprint)
{
    for (size_t i = 0; i < PACKED_LEN; i++)
        to[i] = (uint8_t)(hex_value(thumbprint.data[2 * i]) << 4 | hex_value(thumbprint.data[2 * i + 1]));
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

/* An entry's text: a number of 7 bits a byte, lowest first, whose lowest bits are the two flags and whose
   others are the alias's length; the alias; then a packed thumbprint, or the length of one as it is and its
   text. */
enum { HAS_PRIVATE_KEY = 1, PACKED = 2, FLAG_BITS = 2, NUMBER_MAX = 5 };

static uint8_t *put_number(uint8_t *to, uint64_t number)
{
    for (; number > 0x7F; number >>= 7)
        *to++ = (uint8_t)(number | 0x80);
    *to++ = (uint8_t)number;
    return to;
}

static const uint8_t *get_number(const uint8_t *from, size_t *number)
{
    *number = 0;
    for (unsigned shift = 0;; shift += 7) {
        *number |= (size_t)(*from & 0x7F) << shift;
        if (*from++ <= 0x7F)
            return from;
    }
}

static uint8_t *put_bytes(uint8_t *to, struct span bytes)
{
    if (bytes.len > 0)
        memcpy(to, bytes.data, bytes.len);
    return to + bytes.len;
}

static uint8_t *put_entry(uint8_t *to, const struct store_entry *entry)
{
    bool packed = can_pack(entry->thumbprint);
    to = put_number(to, (uint64_t)entry->alias.len << FLAG_BITS | (packed ? PACKED : 0) |
                            (entry->has_private_key ? HAS_PRIVATE_KEY : 0));
    to = put_bytes(to, entry->alias);
    if (packed) {
        pack(to, entry->thumbprint);
        return to + PACKED_LEN;
    }
    return put_bytes(put_number(to, entry->thumbprint.len), entry->thumbprint);
}

struct entry_text {
    struct span alias;
    bool has_private_key;
    bool packed;
    struct span thumbprint; /* as kept */
};

static struct entry_text get_entry(const struct inventory_store *store, uint32_t entry)
{
    assert(entry < store->entry_count);
    const uint8_t *at = store_text_view(store) + store->entries[entry].text;
    size_t number;
    struct entry_text text;
    at = get_number(at, &number);
    text.has_private_key = number & HAS_PRIVATE_KEY;
    text.packed = number & PACKED;
    text.alias = span_of(at, number >> FLAG_BITS);
    at += text.alias.len;
    number = PACKED_LEN;
    if (!text.packed)
        at = get_number(at, &number);
    text.thumbprint = span_of(at, number);
    return text;
}

static size_t number_size(uint64_t number)
{
    uint8_t bytes[2 * NUMBER_MAX];
    return (size_t)(put_number(bytes, number) - bytes);
}

/* Bytes of text that the store keeps, or SIZE_MAX when they are too many. */
static size_t text_size(const struct store_inventory *record, const struct store_entry *const *kept,
                        size_t count)
{
    if (record->store_path.len > TEXT_MAX)
        return SIZE_MAX;
    size_t size = number_size(record->store_path.len) + record->store_path.len;
    for (size_t i = 0; i < count && size <= TEXT_MAX; i++) {
        size_t alias = kept[i]->alias.len;
        size_t thumbprint = kept[i]->thumbprint.len;
        if (alias > TEXT_MAX || thumbprint > TEXT_MAX)
            return SIZE_MAX;
        size += number_size((uint64_t)alias << FLAG_BITS) + alias;
        size += can_pack(kept[i]->thumbprint) ? PACKED_LEN : number_size(thumbprint) + thumbprint;
    }
    return size <= TEXT_MAX ? size : SIZE_MAX;
}

static void fill(struct inventory_store *store, const struct store_inventory *record,
                 const struct store_entry *const *kept, size_t count)
{
    store->id = record->store_id;
    store->has_container_id = record->has_container_id;
    store->container_id = record->has_container_id ? record->container_id : 0;
    store->approved = record->approved;
    store->entry_count = count & TEXT_MAX;
    uint8_t *text = store_text(store);
    uint8_t *to = put_bytes(put_number(text, record->store_path.len), record->store_path);
    for (size_t i = 0; i < count; i++) {
        store->entries[i] = (struct inventory_entry){kept[i]->certificate_id, (uint32_t)(to - text)};
        to = put_entry(to, kept[i]);
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
    size_t len;
    const uint8_t *path = get_number(store_text_view(store), &len);
    return span_of(path, len);
}

struct span store_alias(const struct inventory_store *store, uint32_t entry)
{
    return get_entry(store, entry).alias;
}

bool store_has_private_key(const struct inventory_store *store, uint32_t entry)
{
    return get_entry(store, entry).has_private_key;
}

struct span store_thumbprint(struct arena *arena, const struct inventory_store *store, uint32_t entry)
{
    struct entry_text at = get_entry(store, entry);
    if (!at.packed)
        return at.thumbprint;
    uint8_t *text = arena_alloc(arena, PACKED_DIGITS);
    if (text == NULL)
        return (struct span){0};
    for (size_t i = 0; i < PACKED_LEN; i++) {
        text[2 * i] = (uint8_t)digits[at.thumbprint.data[i] >> 4];
        text[2 * i + 1] = (uint8_t)digits[at.thumbprint.data[i] & 15];
    }
    return span_of(text, PACKED_DIGITS);
}
