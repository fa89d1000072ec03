/* One writer and several readers on one inventory, for the thread sanitizer (Criterion does not start under
   it).

   The writer replaces and removes stores for a fixed number of rounds. Every version of a store has the same
   number of entries for certificate 1, all with its version as thumbprint; the SWAPPED stores are put and
   removed. A reader checks that each section has every lasting store exactly once, no mixture of versions,
   and versions that never go back. Exits 0 when all held. */
#include "domain/inventory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { STORES = 150, SWAPPED = 50, READERS = 3, ROUNDS = 40, ENTRIES = 3 };

static struct inventory *inventory;
static atomic_bool done;
static atomic_uint sections;

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                    \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

static struct uuid guid(unsigned number)
{
    struct uuid id = {{(uint8_t)(number * 151U), (uint8_t)(number >> 8), (uint8_t)number}};
    return id;
}

static void put(unsigned number, unsigned version)
{
    static const char *const aliases[ENTRIES] = {"a", "b", "c"};
    char thumbprint[16];
    snprintf(thumbprint, sizeof thumbprint, "%u", version);
    struct store_entry entries[ENTRIES + 1];
    for (size_t i = 0; i < ENTRIES; i++)
        entries[i] = (struct store_entry){
            .alias = span_text(aliases[i]), .certificate_id = 1, .thumbprint = span_text(thumbprint)};
    entries[ENTRIES] =
        (struct store_entry){.alias = SPAN_LITERAL("d"), .certificate_id = 2 + (int32_t)version % 5};
    struct store_inventory store = {
        .store_id = guid(number),
        .client_machine = span_text(thumbprint),
        .store_path = span_text(thumbprint),
        .has_agent = true,
        .agent.agent_id = guid(version),
        .entries = entries,
        .entry_count = ENTRIES + 1,
    };
    CHECK(inventory_put(inventory, &store, NULL));
}

static unsigned number_of(struct span text)
{
    char digits[16] = "";
    CHECK(text.len < sizeof digits);
    memcpy(digits, text.data, text.len);
    return (unsigned)strtoul(digits, NULL, 10);
}

/* The version that all parts of the store agree on. */
static unsigned version_of(const struct inventory_store *store, struct arena *arena)
{
    struct entry_range range = store_entries_of(store, 1);
    CHECK(range.count == ENTRIES);
    unsigned version = number_of(store_path(store));
    struct uuid agent = guid(version);
    CHECK(number_of(*store->client_machine) == version);
    CHECK(uuid_equal(&store->agent->agent_id, &agent));
    for (uint32_t i = 0; i < range.count; i++)
        CHECK(number_of(store_thumbprint(arena, store, range.first + i)) == version);
    CHECK(store_entries_of(store, 2 + (int32_t)version % 5).count == 1);
    return version;
}

static void check_section(struct inventory_reader *reader, struct arena *arena, unsigned *versions)
{
    const struct inventory_store *stores[STORES];
    size_t count = inventory_holders(reader, 1, stores, STORES);
    size_t under_others = 0;
    size_t lasting = 0;
    CHECK(count == inventory_count_holders(reader, 0, SIZE_MAX));
    for (int32_t certificate_id = 2; certificate_id < 7; certificate_id++)
        under_others += inventory_count_holders(reader, certificate_id, SIZE_MAX);
    CHECK(under_others == count);
    for (size_t i = 0; i < count; i++) {
        CHECK(i == 0 || uuid_compare(&stores[i - 1]->id, &stores[i]->id) < 0);
        unsigned number = (unsigned)stores[i]->id.bytes[1] << 8 | stores[i]->id.bytes[2];
        unsigned version = version_of(stores[i], arena);
        CHECK(version >= versions[number]);
        versions[number] = version;
        lasting += number >= SWAPPED;
        CHECK(inventory_find(reader, &stores[i]->id) == stores[i]);
        CHECK(inventory_find_holder(reader, 2 + (int32_t)version % 5, &stores[i]->id) == stores[i]);
    }
    CHECK(lasting == STORES - SWAPPED);
}

static void *read_sections(void *unused)
{
    (void)unused;
    unsigned versions[STORES] = {0};
    struct arena *arena = arena_new(0);
    CHECK(arena != NULL);
    while (!atomic_load(&done)) {
        struct inventory_reader *reader = inventory_reader_new(inventory);
        CHECK(reader != NULL);
        for (int i = 0; i < 4; i++) {
            inventory_read_begin(reader);
            check_section(reader, arena, versions);
            check_section(reader, arena, versions);
            inventory_read_end(reader);
            arena_reset(arena);
            atomic_fetch_add(&sections, 1);
        }
        inventory_reader_free(reader);
    }
    arena_free(arena);
    return NULL;
}

int main(void)
{
    inventory = inventory_new();
    CHECK(inventory != NULL);
    for (unsigned number = 0; number < STORES; number++)
        put(number, 1);
    pthread_t readers[READERS];
    for (int i = 0; i < READERS; i++)
        CHECK(pthread_create(&readers[i], NULL, read_sections, NULL) == 0);
    for (unsigned round = 2; round < 2 + ROUNDS || atomic_load(&sections) < 4 * READERS; round++) {
        for (unsigned number = 0; number < STORES; number++) {
            struct uuid id = guid(number);
            if (number < SWAPPED && round % 2 == 0)
                CHECK(inventory_remove(inventory, &id, NULL));
            else
                put(number, round);
        }
    }
    atomic_store(&done, true);
    for (int i = 0; i < READERS; i++)
        CHECK(pthread_join(readers[i], NULL) == 0);
    printf("%u sections held\n", atomic_load(&sections));
    inventory_free(inventory);
    return 0;
}
