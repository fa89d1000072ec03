/* The inventory against a naive one, through long random histories, and its packing of stores. */
#include "domain/inventory.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { STORES = 400, CERTIFICATES = 12, ENTRIES_MAX = 20 };

static uint64_t seed;

static unsigned below(unsigned limit)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(seed >> 33) % limit;
}

/* GUIDs whose order is not that of their numbers. */
static struct uuid guid(unsigned number)
{
    struct uuid id = {{0}};
    uint32_t mixed = number * 2654435761U;
    memcpy(id.bytes, &mixed, sizeof mixed);
    memcpy(id.bytes + 12, &number, sizeof number);
    return id;
}

static struct inventory *inventory;
static struct inventory_reader *reader;

static void setup(void)
{
    inventory = inventory_new();
    reader = inventory_reader_new(inventory);
}

static void teardown(void)
{
    inventory_reader_free(reader);
    inventory_free(inventory);
}

TestSuite(inventory, .init = setup, .fini = teardown);

static void put(const struct store_inventory *store)
{
    struct err err = {0};
    cr_assert(inventory_put(inventory, store, &err), "%s", err.text);
}

/* What the naive inventory knows: certificates held by each store, and whether it is there. */
static struct {
    bool there;
    size_t entries;
    bool holds[CERTIFICATES + 1];
} known[STORES];

static void put_random(unsigned number)
{
    struct store_entry entries[ENTRIES_MAX];
    char aliases[ENTRIES_MAX][32];
    size_t count = below(8) == 0 ? below(ENTRIES_MAX + 1) : below(4);
    memset(&known[number], 0, sizeof known[number]);
    known[number].there = true;
    for (size_t i = 0; i < count; i++) {
        snprintf(aliases[i], sizeof aliases[i], "alias-%zu", i);
        int32_t certificate_id = (int32_t)below(CERTIFICATES + 1);
        entries[i] = (struct store_entry){
            .alias = span_text(aliases[i]), .certificate_id = certificate_id, .chain_level = below(5) == 0};
        if (certificate_id > 0 && entries[i].chain_level == 0) {
            known[number].holds[certificate_id] = true;
            known[number].entries++;
        }
    }
    struct store_inventory store = {.store_id = guid(number), .entries = entries, .entry_count = count};
    store.type.short_name = span_text(below(2) ? "JKS" : "PEM");
    store.has_agent = below(2);
    store.agent.agent_id = guid(below(3));
    put(&store);
}

static void forget(unsigned number)
{
    struct uuid id = guid(number);
    cr_assert(inventory_remove(inventory, &id, NULL));
    memset(&known[number], 0, sizeof known[number]);
}

static void compare(void)
{
    size_t stores = 0;
    size_t locations = 0;
    inventory_read_begin(reader);
    for (int32_t certificate_id = 0; certificate_id <= CERTIFICATES; certificate_id++) {
        const struct inventory_store *holders[STORES];
        size_t expected = 0;
        for (unsigned number = 0; number < STORES; number++) {
            struct uuid id = guid(number);
            bool holds = certificate_id == 0 ? known[number].there : known[number].holds[certificate_id];
            expected += holds;
            const struct inventory_store *store = certificate_id == 0
                                                      ? inventory_find(reader, &id)
                                                      : inventory_find_holder(reader, certificate_id, &id);
            cr_assert_eq(store != NULL, holds);
            stores += certificate_id == 0 && holds;
            locations += certificate_id == 0 ? known[number].entries : 0;
        }
        cr_assert_eq(inventory_count_holders(reader, certificate_id, SIZE_MAX), expected);
        cr_assert_eq(inventory_count_holders(reader, certificate_id, expected / 2), expected / 2);
        cr_assert_eq(inventory_holders(reader, certificate_id, holders, STORES), expected);
        for (size_t i = 0; i < expected; i++) {
            cr_assert(i == 0 || uuid_compare(&holders[i - 1]->id, &holders[i]->id) < 0, "not in order");
            cr_assert(certificate_id == 0 || store_entries_of(holders[i], certificate_id).count > 0);
        }
    }
    inventory_read_end(reader);
    struct inventory_stats stats = inventory_stats(inventory);
    cr_assert_eq(stats.stores, stores);
    cr_assert_eq(stats.locations, locations);
}

Test(inventory, is_the_naive_inventory_through_a_random_history)
{
    seed = 7;
    for (unsigned step = 0; step < 12000; step++) {
        unsigned number = below(STORES);
        if (below(3000) < (step / 3000 % 2 ? 2000U : 700U)) {
            forget(number);
        } else {
            put_random(number);
        }
        if (step % 600 == 0)
            compare();
    }
    compare();
    for (unsigned number = 0; number < STORES; number++)
        forget(number);
    compare();
    cr_assert_lt(inventory_stats(inventory).bytes, 100000, "an empty inventory that keeps %zu bytes",
                 inventory_stats(inventory).bytes);
}

static void change_at_random(unsigned steps)
{
    for (unsigned step = 0; step < steps; step++) {
        unsigned number = below(STORES);
        if (below(4) > 0)
            put_random(number);
        else
            forget(number);
    }
}

Test(inventory, is_the_naive_inventory_after_a_load)
{
    struct err err = {0};
    seed = 11;
    inventory_load_begin(inventory);
    for (unsigned round = 0; round < 10; round++) {
        change_at_random(1000);
        inventory_read_begin(reader);
        cr_assert_eq(inventory_count_holders(reader, 0, SIZE_MAX), 0, "seen before the load's end");
        inventory_read_end(reader);
        cr_assert_eq(inventory_stats(inventory).stores + inventory_stats(inventory).locations, 0);
    }
    cr_assert(inventory_load_end(inventory, &err), "%s", err.text);
    compare();
    cr_assert(inventory_load_end(inventory, &err), "once more: nothing to do");
    change_at_random(2000);
    compare();
    for (unsigned number = 0; number < STORES; number++)
        forget(number);
    compare();
    cr_assert_lt(inventory_stats(inventory).bytes, 100000);
}

/* Their digits differ in each pass of the sort. */
Test(inventory, loads_certificates_of_all_sizes)
{
    static const int32_t certificate_ids[] = {INT32_MAX,        1,    2049,   1 << 22, 2048,
                                              (1 << 22) + 2048, 2047, 1 << 30};
    enum { COUNT = sizeof certificate_ids / sizeof *certificate_ids };
    struct err err = {0};
    inventory_load_begin(inventory);
    for (unsigned number = 0; number < 10 * COUNT; number++) {
        struct store_entry entry = {.alias = SPAN_LITERAL("a"),
                                    .certificate_id = certificate_ids[number % COUNT]};
        struct store_inventory store = {.store_id = guid(number), .entries = &entry, .entry_count = 1};
        put(&store);
    }
    cr_assert(inventory_load_end(inventory, &err), "%s", err.text);
    inventory_read_begin(reader);
    for (unsigned number = 0; number < 10 * COUNT; number++) {
        struct uuid id = guid(number);
        cr_expect(inventory_find_holder(reader, certificate_ids[number % COUNT], &id) != NULL, "store %u",
                  number);
    }
    for (size_t i = 0; i < COUNT; i++)
        cr_expect_eq(inventory_count_holders(reader, certificate_ids[i], SIZE_MAX), 10);
    inventory_read_end(reader);
}

Test(inventory, loads_nothing_and_ends_within_a_load)
{
    struct store_inventory store = {.store_id = guid(1)};
    struct err err = {0};
    inventory_load_begin(inventory);
    cr_assert(inventory_load_end(inventory, &err), "%s", err.text);
    compare();
    inventory_load_begin(inventory);
    put(&store);
    put(&store);
    cr_assert(inventory_remove(inventory, &store.store_id, &err), "%s", err.text);
}

/* A topic that is not compacted yet has many records of each store. */
Test(inventory, loads_what_is_replaced_often_in_bounded_memory)
{
    struct err err = {0};
    size_t most = 0;
    seed = 5;
    inventory_load_begin(inventory);
    for (unsigned step = 0; step < 100000; step++) {
        put_random(below(STORES));
        size_t bytes = inventory_stats(inventory).bytes;
        most = bytes > most ? bytes : most;
    }
    cr_assert(inventory_load_end(inventory, &err), "%s", err.text);
    compare();
    cr_assert_lt(most, 10 * inventory_stats(inventory).bytes);
}

/* In the order of the GUIDs, against it, and back out from the middle. */
Test(inventory, takes_rising_and_falling_keys)
{
    enum { COUNT = 20000 };
    for (int pass = 0; pass < 2; pass++) {
        struct store_entry entry = {.alias = SPAN_LITERAL("a"), .certificate_id = 1};
        struct store_inventory store = {.entries = &entry, .entry_count = 1};
        for (unsigned i = 0; i < COUNT; i++) {
            uint32_t big_endian = __builtin_bswap32(pass == 0 ? i : COUNT - 1 - i);
            memcpy(store.store_id.bytes, &big_endian, 4);
            put(&store);
        }
        inventory_read_begin(reader);
        cr_assert_eq(inventory_count_holders(reader, 1, SIZE_MAX), COUNT);
        inventory_read_end(reader);
        for (unsigned i = 0; i < COUNT; i++) {
            uint32_t big_endian = __builtin_bswap32((i + COUNT / 2) % COUNT);
            memcpy(store.store_id.bytes, &big_endian, 4);
            cr_assert(inventory_remove(inventory, &store.store_id, NULL));
        }
        cr_assert_eq(inventory_stats(inventory).stores, 0);
    }
}

/* Ranges of keys go and come back in part, so that nodes of all levels are emptied, joined and filled again.
 */
Test(inventory, takes_ranges_out_and_in)
{
    enum { COUNT = 20000, TURNS = 40 };
    static bool there[COUNT];
    struct store_inventory store = {0};
    seed = 3;
    memset(there, 0, sizeof there);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        unsigned first = below(COUNT);
        unsigned length = below(COUNT / 2);
        bool put_back = turn % 2 == 0;
        unsigned share = 1 + below(20);
        for (unsigned i = first; i < first + length && i < COUNT; i++) {
            uint32_t big_endian = __builtin_bswap32(i);
            memcpy(store.store_id.bytes, &big_endian, 4);
            if (put_back && below(20) < share) {
                put(&store);
                there[i] = true;
            } else if (!put_back && below(20) < 19) {
                cr_assert(inventory_remove(inventory, &store.store_id, NULL));
                there[i] = false;
            }
        }
        inventory_read_begin(reader);
        for (unsigned i = 0; i < COUNT; i++) {
            uint32_t big_endian = __builtin_bswap32(i);
            memcpy(store.store_id.bytes, &big_endian, 4);
            cr_assert_eq(inventory_find(reader, &store.store_id) != NULL, there[i], "turn %u, key %u", turn,
                         i);
        }
        inventory_read_end(reader);
    }
}

Test(inventory, keeps_a_store_as_written)
{
    static const char *const thumbprints[] = {
        "",  "00112233445566778899AABBCCDDEEFF00112233", "00112233445566778899aabbccddeeff00112233",
        "x", "00112233445566778899AABBCCDDEEFF0011223G", "00112233445566778899AABBCCDDEEFF001122334"};
    enum { COUNT = sizeof thumbprints / sizeof *thumbprints };
    struct store_entry entries[COUNT];
    char aliases[COUNT][2] = {{0}};
    for (size_t i = 0; i < COUNT; i++) {
        aliases[i][0] = (char)('a' + i);
        entries[i] = (struct store_entry){.alias = span_text(aliases[i]),
                                          .certificate_id = 5,
                                          .thumbprint = span_text(thumbprints[i]),
                                          .has_private_key = i % 2};
    }
    struct store_inventory record = {
        .store_id = guid(1),
        .type = {SPAN_LITERAL("F5"), CREDENTIAL_PEM, PKCS12_LEGACY, true, PRIVATE_KEY_REQUIRED, true},
        .has_container_id = true,
        .container_id = -4,
        .client_machine = SPAN_LITERAL("lb"),
        .store_path = SPAN_LITERAL("/Common"),
        .approved = true,
        .has_agent = true,
        .agent = {guid(9), true, SPAN_LITERAL("DER\0of it")},
        .entries = entries,
        .entry_count = COUNT,
    };
    put(&record);
    AUTO(arena) struct arena *arena = arena_new(0);
    inventory_read_begin(reader);
    const struct inventory_store *store = inventory_find(reader, &record.store_id);
    cr_assert(span_equal(store->type->short_name, record.type.short_name));
    cr_assert_eq(store->type->format, CREDENTIAL_PEM);
    cr_assert_eq(store->type->pkcs12_profile, PKCS12_LEGACY);
    cr_assert(store->type->entry_password_required && store->type->add_supported && store->approved);
    cr_assert_eq(store->type->private_key, PRIVATE_KEY_REQUIRED);
    cr_assert(store->has_container_id);
    cr_assert_eq(store->container_id, -4);
    cr_assert(span_equal(*store->client_machine, record.client_machine));
    cr_assert(span_equal(store_path(store), record.store_path));
    cr_assert(uuid_equal(&store->agent->agent_id, &record.agent.agent_id));
    cr_assert(store->agent->has_certificate &&
              span_equal(store->agent->certificate, record.agent.certificate));
    struct entry_range range = store_entries_of(store, 5);
    cr_assert_eq(range.count, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        cr_expect(span_equal(store_alias(store, range.first + i), entries[i].alias));
        struct span thumbprint = store_thumbprint(arena, store, range.first + i);
        cr_expect(span_equal(thumbprint, entries[i].thumbprint), "%s", thumbprints[i]);
        cr_expect_eq(store_has_private_key(store, range.first + i), entries[i].has_private_key);
    }
    inventory_read_end(reader);
}

/* Agents that differ only in their certificate, store types only in one flag, are not the same. */
Test(inventory, shares_only_what_is_equal)
{
    struct store_inventory record = {.has_agent = true, .type.short_name = SPAN_LITERAL("x")};
    for (unsigned i = 0; i < 64; i++) {
        record.store_id = guid(i);
        record.agent.has_certificate = i & 1;
        record.agent.certificate = (i & 2) ? SPAN_LITERAL("two") : SPAN_LITERAL("one");
        record.type.add_supported = (i & 4) != 0;
        record.type.entry_password_required = (i & 8) != 0;
        record.type.format = (i & 16) ? CREDENTIAL_PEM : CREDENTIAL_PKCS12;
        record.client_machine = (i & 32) ? SPAN_LITERAL("x") : SPAN_LITERAL("");
        put(&record);
    }
    const struct inventory_store *stores[64];
    inventory_read_begin(reader);
    for (unsigned i = 0; i < 64; i++) {
        struct uuid id = guid(i);
        stores[i] = inventory_find(reader, &id);
        cr_assert_eq(stores[i]->agent->has_certificate, i & 1);
        cr_assert(span_equal(stores[i]->agent->certificate, (i & 1) == 0 ? SPAN_LITERAL("")
                                                            : (i & 2)    ? SPAN_LITERAL("two")
                                                                         : SPAN_LITERAL("one")));
        cr_assert_eq(stores[i]->type->add_supported, (i & 4) != 0);
        cr_assert_eq(stores[i]->type->entry_password_required, (i & 8) != 0);
        cr_assert_eq(stores[i]->type->format == CREDENTIAL_PEM, (i & 16) != 0);
        cr_assert_eq(stores[i]->client_machine->len, (i & 32) ? 1 : 0);
    }
    cr_assert_eq(stores[4]->agent, stores[8]->agent);
    cr_assert_eq(stores[1]->type, stores[33]->type);
    inventory_read_end(reader);
}

/* A section sees its own moment, however often the writer replaces and removes meanwhile. */
Test(inventory, a_section_stands_still)
{
    struct store_entry entry = {.alias = SPAN_LITERAL("old"), .certificate_id = 1};
    struct store_inventory record = {.store_id = guid(1), .entries = &entry, .entry_count = 1};
    put(&record);
    AUTO(inventory_reader) struct inventory_reader *other = inventory_reader_new(inventory);
    inventory_read_begin(reader);
    const struct inventory_store *store = inventory_find(reader, &record.store_id);
    entry.alias = SPAN_LITERAL("new");
    put(&record);
    inventory_read_begin(other);
    cr_assert(inventory_remove(inventory, &record.store_id, NULL));
    cr_assert_eq(inventory_find(reader, &record.store_id), store);
    cr_assert(span_equal(store_alias(store, 0), SPAN_LITERAL("old")));
    cr_assert(
        span_equal(store_alias(inventory_find_holder(other, 1, &record.store_id), 0), SPAN_LITERAL("new")));
    size_t before = inventory_stats(inventory).bytes;
    inventory_read_end(reader);
    inventory_read_end(other);
    cr_assert(inventory_remove(inventory, &record.store_id, NULL));
    put(&record);
    cr_assert_lt(inventory_stats(inventory).bytes, before, "what nobody reads is freed");
    inventory_read_begin(reader);
    cr_assert_not_null(inventory_find(reader, &record.store_id));
    inventory_read_end(reader);
}

Test(inventory, readers_are_used_again)
{
    struct inventory_reader *first = inventory_reader_new(inventory);
    inventory_reader_free(first);
    struct inventory_reader *second = inventory_reader_new(inventory);
    cr_assert_eq(first, second);
    inventory_reader_free(second);
}

Test(inventory, an_empty_one_has_nothing)
{
    struct uuid id = guid(1);
    const struct inventory_store *store;
    inventory_read_begin(reader);
    cr_assert_null(inventory_find(reader, &id));
    cr_assert_null(inventory_find_holder(reader, 1, &id));
    cr_assert_eq(inventory_count_holders(reader, 1, 10), 0);
    cr_assert_eq(inventory_holders(reader, 1, &store, 1), 0);
    inventory_read_end(reader);
    cr_assert(inventory_remove(inventory, &id, NULL));
}
