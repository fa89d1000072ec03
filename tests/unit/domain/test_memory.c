/* Every malloc and calloc fails once, in turn: the inventory stays as it was, and plan, job and result say
   NO_MEMORY. A plain program linked with --wrap, because Criterion itself needs memory. */
#include "domain/job.h"
#include "domain/plan.h"
#include "domain/result.h"

#include <stdio.h>
#include <stdlib.h>

static long left = -1; /* allocations until the one that fails; -1: none does */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool fails_now(void)
{
    return left >= 0 && left-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                    \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

enum { STORES = 700, ENTRIES = 20 };

static struct uuid guid(unsigned number)
{
    uint32_t mixed = number * 2654435761U;
    struct uuid id = {{0}};
    memcpy(id.bytes, &mixed, sizeof mixed);
    return id;
}

/* A store with entries for certificates first .. first + count. */
static bool put(struct inventory *inventory, unsigned number, int32_t first, size_t count, struct err *err)
{
    struct store_entry entries[ENTRIES];
    for (size_t i = 0; i < count; i++)
        entries[i] =
            (struct store_entry){.alias = SPAN_LITERAL("an alias"), .certificate_id = first + (int32_t)i};
    char machine[16];
    snprintf(machine, sizeof machine, "m%u", number);
    struct store_inventory store = {
        .store_id = guid(number),
        .type = {.add_supported = true},
        .client_machine = span_text(machine),
        .approved = true,
        .has_agent = true,
        .entries = entries,
        .entry_count = count,
    };
    return inventory_put(inventory, &store, err);
}

/* The number of stores that hold certificates 1 to 30, as one sum that tells histories apart. */
static size_t fingerprint(struct inventory_reader *reader)
{
    size_t sum = 0;
    inventory_read_begin(reader);
    for (int32_t certificate_id = 0; certificate_id <= 40; certificate_id++)
        sum = sum * 31 + inventory_count_holders(reader, certificate_id, SIZE_MAX);
    inventory_read_end(reader);
    return sum;
}

/* Does the change with the first, the second, ... allocation failing, until it has all that it needs. */
static void changes_survive(struct inventory *inventory, struct inventory_reader *reader)
{
    struct uuid removed = guid(17);
    long failed = 0;
    for (int change = 0; change < 3; change++) {
        for (long at = 0;; at++) {
            struct err err = {0};
            size_t before = fingerprint(reader);
            size_t stores = inventory_stats(inventory).stores;
            left = at;
            bool made = change == 0   ? put(inventory, 5, 9, ENTRIES, &err)
                        : change == 1 ? put(inventory, STORES + 1, 3, 2, &err)
                                      : inventory_remove(inventory, &removed, &err);
            bool all_given = left >= 0;
            left = -1;
            CHECK(made || err.code == ERR_NO_MEMORY);
            CHECK(made || (fingerprint(reader) == before && inventory_stats(inventory).stores == stores));
            if (made) {
                CHECK(fingerprint(reader) != before);
                failed += at;
            }
            if (all_given)
                break;
            CHECK(at < 1000);
        }
    }
    CHECK(failed > 20);
}

/* A load in which each allocation fails once is the same inventory as one in which none does. */
static void loads_survive(void)
{
    size_t whole[2];
    long failed = 0;
    for (int failing = 0; failing < 2; failing++) {
        struct inventory *inventory = inventory_new();
        struct inventory_reader *reader = inventory_reader_new(inventory);
        CHECK(inventory != NULL && reader != NULL);
        size_t empty = fingerprint(reader);
        struct uuid removed = guid(17);
        bool made = false;
        inventory_load_begin(inventory);
        for (unsigned step = 0; step <= 2 * STORES + 1; step++) {
            for (long at = 0; !made; at++) {
                struct err err = {0};
                left = failing ? at : -1;
                made = step == 2 * STORES + 1 ? inventory_load_end(inventory, &err)
                       : step == 2 * STORES   ? inventory_remove(inventory, &removed, &err)
                                            : put(inventory, step % STORES, 1 + (int32_t)(step % 3), 3, &err);
                left = -1;
                failed += !made;
                CHECK(made || err.code == ERR_NO_MEMORY);
                CHECK(made || (inventory_stats(inventory).stores == 0 && fingerprint(reader) == empty));
            }
            made = false;
        }
        whole[failing] = fingerprint(reader);
        CHECK(whole[failing] != empty && inventory_stats(inventory).stores == STORES - 1);
        CHECK(inventory_stats(inventory).locations == 3 * (STORES - 1));
        inventory_reader_free(reader);
        inventory_free(inventory);
    }
    CHECK(whole[0] == whole[1]);
    CHECK(failed > 2 * STORES);
}

static bool plan_all(struct arena *arena, struct inventory_reader *reader, struct err *err)
{
    struct span permissions[] = {SPAN_LITERAL("/certificates/enrollment/pfx/"),
                                 SPAN_LITERAL("/certificate_stores/schedule/"),
                                 SPAN_LITERAL("/certificate_stores/schedule/7/")};
    struct replace_command command = {.existing_certificate_id = 1,
                                      .has_certificate_id = true,
                                      .certificate_id = 2,
                                      .principal = {SPAN_LITERAL("ada"), permissions, 3}};
    struct staged_outcome staged = {.state = STAGED_FOUND, .requester = SPAN_LITERAL("ada")};
    struct plan_policy policy = {.max_stores_per_command = STORES};
    struct plan_input input = {.command = &command, .staged = &staged, .reader = reader, .policy = &policy};
    struct plan plan;
    struct replace_result result;
    struct store_job job;
    inventory_read_begin(reader);
    bool made = plan_make(arena, &input, &plan, err) && result_make(arena, &plan, 0, &result, err);
    for (size_t i = 0; made && i < plan.store_count; i++)
        made = job_fill(arena, &plan, i, plan.stores[i].first_job, 0, &job, err);
    if (made) {
        command.existing_certificate_id = 0;
        made = plan_make(arena, &input, &plan, err);
        CHECK(!made || plan.rejection == ERR_INVALID_COMMAND);
    }
    inventory_read_end(reader);
    return made;
}

/* By the arena's limit, byte by byte: what it hands out does not depend on malloc alone. */
static void plans_survive(struct inventory_reader *reader)
{
    size_t limit = 16;
    for (;; limit += limit / 8 / 16 * 16 + 16) {
        struct arena *arena = arena_new(limit);
        struct err err = {0};
        bool made = plan_all(arena, reader, &err);
        arena_free(arena);
        if (made)
            break;
        CHECK(err.code == ERR_NO_MEMORY);
        CHECK(limit < 10000000);
    }
    CHECK(limit > 10000);
}

int main(void)
{
    left = 0;
    CHECK(inventory_new() == NULL);
    struct inventory *inventory = inventory_new();
    CHECK(inventory != NULL);
    left = 0;
    CHECK(inventory_reader_new(inventory) == NULL);
    struct inventory_reader *reader = inventory_reader_new(inventory);
    CHECK(reader != NULL);
    for (unsigned number = 0; number < STORES; number++)
        CHECK(put(inventory, number, 1 + (int32_t)(number % 3), 3, NULL));
    changes_survive(inventory, reader);
    loads_survive();
    plans_survive(reader);
    inventory_reader_free(reader);
    inventory_free(inventory);
    return 0;
}
