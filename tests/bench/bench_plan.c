/* How fast commands are planned over an inventory of a million locations, what the inventory costs in memory
   beside its aliases' text, and how fast it loads. Prints; asserts only that the plans are whole. */
#include "domain/job.h"
#include "domain/plan.h"

#include <assert.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LOCATIONS = 1000000, ENTRIES_MAX = 4, AGENT_CERTIFICATE = 900 };

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* other work on the machine does not count */
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t seed = 1;

static uint64_t random_bits(void)
{
    seed += 0x9E3779B97F4A7C15U;
    uint64_t z = (seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

/* One shape of a fleet. */
struct shape {
    const char *name;
    unsigned entries_a_store;
    unsigned stores_a_machine;
    unsigned stores_an_agent;
    bool agents_have_certificates;
    unsigned fan_out; /* locations of one certificate; certificates are 1, 2, ... in turn */
};

struct texts {
    char machine[32];
    char path[40];
    char aliases[ENTRIES_MAX][32];
    char thumbprints[ENTRIES_MAX][41];
    uint8_t certificate[AGENT_CERTIFICATE];
    struct store_entry entries[ENTRIES_MAX];
};

/* Fills in store `number`; returns the bytes of its aliases. */
static size_t make_store(const struct shape *shape, size_t number, struct texts *texts,
                         struct store_inventory *store)
{
    static const char *const types[] = {"JKS", "PEM", "IIS", "F5-BigIQ", "K8SSecret", "AWS-ACM"};
    size_t certificates = LOCATIONS / shape->fan_out;
    size_t agent = number / shape->stores_an_agent;
    size_t alias_bytes = 0;
    snprintf(texts->machine, sizeof texts->machine, "host%06zu.example.com",
             number / shape->stores_a_machine);
    snprintf(texts->path, sizeof texts->path, "/opt/app%zu/tls/keystore.p12", number % 1000);
    for (size_t i = 0; i < sizeof texts->certificate; i++)
        texts->certificate[i] = (uint8_t)(agent >> (i % 4 * 8));
    for (size_t i = 0; i < shape->entries_a_store; i++) {
        size_t location = number * shape->entries_a_store + i;
        /* a fan-out's stores lie far apart, as they do in a fleet */
        size_t certificate = location % certificates;
        snprintf(texts->aliases[i], sizeof texts->aliases[i], "server-%zu", location % 1000);
        alias_bytes += strlen(texts->aliases[i]);
        snprintf(texts->thumbprints[i], sizeof texts->thumbprints[i], "%040zX", certificate * 2654435761U);
        texts->entries[i] = (struct store_entry){
            .alias = span_text(texts->aliases[i]),
            .certificate_id = (int32_t)certificate + 1,
            .thumbprint = span_text(texts->thumbprints[i]),
            .has_private_key = true,
        };
    }
    *store = (struct store_inventory){
        .type = {.short_name = span_text(types[number % 6]),
                 .private_key = PRIVATE_KEY_OPTIONAL,
                 .add_supported = true},
        .has_container_id = true,
        .container_id = (int32_t)(number % 50),
        .client_machine = span_text(texts->machine),
        .store_path = span_text(texts->path),
        .approved = true,
        .has_agent = true,
        .agent = {.has_certificate = shape->agents_have_certificates,
                  .certificate = span_of(texts->certificate, sizeof texts->certificate)},
        .entries = texts->entries,
        .entry_count = shape->entries_a_store,
    };
    memcpy(store->agent.agent_id.bytes, &agent, sizeof agent);
    uint64_t id[2] = {random_bits(), random_bits()};
    memcpy(store->store_id.bytes, id, sizeof id);
    return alias_bytes;
}

static size_t heap_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static struct inventory *load(const struct shape *shape)
{
    static struct texts texts;
    struct store_inventory store;
    size_t alias_bytes = 0;
    size_t stores = LOCATIONS / shape->entries_a_store;
    size_t heap = heap_in_use();
    struct inventory *inventory = inventory_new();
    double putting = 0;
    if (inventory != NULL)
        inventory_load_begin(inventory);
    for (size_t i = 0; i < stores; i++) {
        alias_bytes += make_store(shape, i, &texts, &store);
        double start = seconds();
        bool put = inventory != NULL && inventory_put(inventory, &store, NULL);
        putting += seconds() - start;
        if (!put) {
            fputs("bench_plan: out of memory\n", stderr);
            exit(1);
        }
    }
    double start = seconds();
    if (!inventory_load_end(inventory, NULL))
        exit(1);
    double ending = seconds() - start;
    struct inventory_stats stats = inventory_stats(inventory);
    double locations = (double)stats.locations;
    printf("%-52s %7zu stores %7zu locations: %5.1f bytes a location beside its alias (counted), %5.1f "
           "(malloc's own "
           "figure); loads %.0f stores/s, and then in %.2f s\n",
           shape->name, stats.stores, stats.locations, (double)(stats.bytes - alias_bytes) / locations,
           (double)(heap_in_use() - heap - alias_bytes) / locations, (double)stores / putting, ending);
    return inventory;
}

/* Plans commands for certificates in turn until a second is over. */
static void plan(struct inventory *inventory, unsigned fan_out, bool fill_jobs)
{
    struct span permissions[] = {SPAN_LITERAL("/certificates/enrollment/pfx/"),
                                 SPAN_LITERAL("/certificate_stores/schedule/")};
    struct replace_command command = {.has_request_id = true,
                                      .request_id = 5,
                                      .password_kind = PASSWORD_PLAIN,
                                      .password = SPAN_LITERAL("a password"),
                                      .principal = {SPAN_LITERAL("CORP\\ada"), permissions, 2}};
    struct staged_outcome staged = {
        .state = STAGED_FOUND,
        .has_certificate_id = true,
        .certificate_id = INT32_MAX,
        .requester = SPAN_LITERAL("CORP\\ada"),
        .thumbprint = SPAN_LITERAL("00112233445566778899AABBCCDDEEFF00112233"),
    };
    struct plan_policy policy = {.max_stores_per_command = 20000};
    struct arena *arena = arena_new(0);
    struct inventory_reader *reader = inventory_reader_new(inventory);
    size_t jobs = 0;
    size_t commands = 0;
    double start = seconds();
    while (seconds() - start < 1) {
        inventory_read_begin(reader);
        for (unsigned i = 0; i < 10000 / fan_out; i++) {
            struct plan made;
            command.existing_certificate_id = 1 + (int32_t)(random_bits() % (LOCATIONS / fan_out));
            struct plan_input input = {
                .command = &command, .staged = &staged, .reader = reader, .policy = &policy};
            bool planned = plan_make(arena, &input, &made, NULL);
            if (!planned || made.job_count != fan_out || made.failed_count > 0) {
                fputs("bench_plan: a plan is not whole\n", stderr);
                exit(1);
            }
            for (size_t s = 0; fill_jobs && s < made.store_count; s++) {
                struct store_job job;
                for (size_t j = 0; j < made.stores[s].job_count; j++)
                    job_fill(arena, &made, s, made.stores[s].first_job + j, 0, &job, NULL);
            }
            jobs += made.job_count;
            commands++;
            if (commands % 100 == 0 || fan_out > 100)
                arena_reset(arena);
        }
        inventory_read_end(reader);
    }
    double took = seconds() - start;
    printf("  fan-out %5u%s: %10.0f locations/s, %9.0f commands/s\n", fan_out,
           fill_jobs ? ", jobs filled in too" : "", (double)jobs / took, (double)commands / took);
    inventory_reader_free(reader);
    arena_free(arena);
}

int main(void)
{
    static const struct shape shapes[] = {
        {"4 entries a store, fan-out 5, agents of 50 stores:", 4, 4, 50, true, 5},
        {"1 entry a store, fan-out 5, agents of 50 stores:", 1, 4, 50, true, 5},
        {"1 entry, a machine and a bare agent each, fan-out 1:", 1, 1, 1, false, 1},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        inventory_free(load(&shapes[i]));
    static const unsigned fan_outs[] = {1, 100, 10000};
    for (size_t i = 0; i < sizeof fan_outs / sizeof *fan_outs; i++) {
        struct shape shape = {"planning, 1 entry a store:", 1, 4, 50, false, fan_outs[i]};
        struct inventory *inventory = load(&shape);
        plan(inventory, fan_outs[i], false);
        plan(inventory, fan_outs[i], true);
        inventory_free(inventory);
    }
    return 0;
}
