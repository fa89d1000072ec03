/* A command's whole way but for servers: decode it, check it, plan it over an inventory that was decoded too,
   and encode the result and every job. The input's parts: the command's body, bodies of inventories (an empty
   one forgets the store before it), and what the staging and the settings say. */
#include "avro/codec.h"
#include "avro/decode.h"
#include "domain/job.h"
#include "domain/plan.h"
#include "domain/result.h"
#include "fuzz/avro/avro_mutator.h"
#include "fuzz/support/chunks.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum part { PART_COMMAND, PART_INVENTORY, PART_WORLD, PART_COUNT };

/* What is in the command's password shall be in nothing that leaves in clear. */
#define CANARY "canary-5b1e77d2-password"

static struct schema_set *set;
static struct codec *codec;
static struct arena *arena;

static const int64_t now_ms = INT64_C(1790000000000);

struct world {
    struct inventory *inventory;
    struct inventory_reader *reader;
    struct replace_command command;
    bool has_command;
    struct staged_outcome staged;
    struct opened_password password;
    struct plan_policy policy;
    struct uuid last_store;
};

static void start_once(void)
{
    if (set != NULL)
        return;
    set = schema_set_new(NULL, NULL);
    codec = codec_new(set);
    arena = arena_new(0);
}

static const struct schema *schema_of(enum part part)
{
    enum record_kind kind = part == PART_COMMAND ? RECORD_REPLACE_COMMAND : RECORD_STORE_INVENTORY;
    return schema_set_find(set, record_fingerprint(kind), NULL);
}

static void take_command(struct world *world, struct span body)
{
    struct replace_command command = {0};
    if (!decode_body(schema_of(PART_COMMAND), record_layout(RECORD_REPLACE_COMMAND), body, arena,
                     ERR_COMMAND_ID_INVALID, &command, NULL))
        return;
    if (command.password_kind == PASSWORD_PLAIN && command.password.len > 0)
        command.password = SPAN_LITERAL(CANARY);
    world->command = command;
    world->has_command = true;
}

static void take_inventory(struct world *world, struct span body)
{
    struct store_inventory inventory = {0};
    if (body.len == 0)
        assert(inventory_remove(world->inventory, &world->last_store, NULL));
    else if (decode_body(schema_of(PART_INVENTORY), record_layout(RECORD_STORE_INVENTORY), body, arena,
                         ERR_INVENTORY_INVALID, &inventory, NULL)) {
        world->last_store = inventory.store_id;
        assert(inventory_put(world->inventory, &inventory, NULL));
    }
}

/* Flags, the certificate that is staged, and who asked for it. */
static void take_world(struct world *world, struct span bytes)
{
    if (bytes.len < 3)
        return;
    unsigned flags = bytes.data[0];
    world->staged.state = (enum staged_state)(flags % 4);
    world->policy.require_sealed = (flags & 4) != 0;
    world->policy.can_unseal = (flags & 8) != 0;
    world->policy.max_stores_per_command = (flags & 16) != 0 ? 2 : 4000;
    world->password.opened = (flags & 32) != 0;
    world->password.text = (flags & 64) != 0 ? SPAN_LITERAL(CANARY) : SPAN_LITERAL("");
    world->staged.has_certificate_id = (flags & 128) != 0 || world->staged.state == STAGED_FOUND;
    world->staged.certificate_id = bytes.data[1] + 1;
    struct span text = span_of(bytes.data + 2, bytes.len - 2);
    if (utf8_valid(text))
        world->staged.requester = world->staged.reason = text;
    if (world->staged.state == STAGED_FOUND && (bytes.data[1] & 64) != 0 && world->has_command)
        world->staged.requester = world->command.principal.user;
}

static void make_world(struct world *world, struct span input)
{
    struct chunk chunk;
    *world = (struct world){.inventory = inventory_new(), .policy = {.max_stores_per_command = 4000}};
    world->reader = inventory_reader_new(world->inventory);
    world->password.reason = SPAN_LITERAL("it was sealed to another key");
    world->staged.thumbprint = SPAN_LITERAL("FFEEDDCCBBAA99887766554433221100FFEEDDCC");
    while (chunk_next(&input, &chunk)) {
        switch ((enum part)(chunk.tag % PART_COUNT)) {
        case PART_COMMAND:
            take_command(world, chunk.content);
            break;
        case PART_INVENTORY:
            take_inventory(world, chunk.content);
            break;
        default:
            take_world(world, chunk.content);
        }
    }
}

static void assert_sorted(const struct uuid *ids, size_t count)
{
    for (size_t i = 1; i < count; i++)
        assert(uuid_compare(&ids[i - 1], &ids[i]) < 0);
}

static bool holds_canary(struct span input, struct span output)
{
    return memmem(output.data, output.len, CANARY, strlen(CANARY)) != NULL &&
           memmem(input.data, input.len, CANARY, strlen(CANARY)) == NULL;
}

/* What is said of a command repeats its texts in printable ASCII alone. */
static bool is_harmless(struct span message)
{
    for (size_t i = 0; i < message.len; i++)
        if (message.data[i] < ' ' || message.data[i] > '~')
            return false;
    return true;
}

/* The result is whole, true to the plan, and can be read. */
static void check_result(const struct plan *plan, struct span input)
{
    AUTO(buf) struct buf message = {0};
    struct replace_result result, again = {0};
    assert(result_make(arena, plan, now_ms, &result, NULL));
    assert(result.successful_count + result.failed_count == plan->store_count);
    assert(result.failure_count == result.failed_count && result.failed_count == plan->failed_count);
    assert(result.has_rejection == (result.status == REPLACE_REJECTED));
    assert(!result.has_rejection || (result.rejection_message.len > 0 && result.job_count == 0));
    assert(plan->rejection != ERR_INVALID_COMMAND || is_harmless(result.rejection_message));
    assert_sorted(result.successful_stores, result.successful_count);
    assert_sorted(result.failed_stores, result.failed_count);
    for (size_t i = 0; i < result.failure_count; i++)
        assert(uuid_equal(&result.failures[i].store_id, &result.failed_stores[i]) &&
               result.failures[i].message.len > 0);
    assert(codec_encode_replace_result(codec, &result, &message, NULL));
    assert(codec_decode_replace_result(codec, buf_span(&message), arena, &again, NULL));
    assert(again.status == result.status && again.failure_count == result.failure_count);
    assert(!holds_canary(input, buf_span(&message)));
}

/* Every job is of an entry that holds the certificate, in a store that did not fail. */
static size_t check_jobs(const struct plan *plan, size_t store)
{
    const struct plan_store *of = &plan->stores[store];
    if (of->failure != ERR_NONE)
        return 0;
    assert(of->job_count > 0);
    for (size_t i = of->first_job; i < of->first_job + of->job_count; i++) {
        AUTO(buf) struct buf message = {0};
        struct store_job job = {0}, again = {0};
        uint32_t entry = plan->jobs[i].entry;
        assert(job_fill(arena, plan, store, i, now_ms, &job, NULL));
        assert(of->store->entries[entry].certificate_id == plan->command->existing_certificate_id);
        assert(!credential_variant(plan->jobs[i].variant).with_key ||
               of->store->type->private_key != PRIVATE_KEY_FORBIDDEN);
        job.credential.plain.content = SPAN_LITERAL("x");
        assert(codec_encode_store_job(codec, &job, &message, NULL));
        assert(codec_decode_store_job(codec, buf_span(&message), arena, &again, NULL));
        assert(uuid_equal(&again.job_id, &job.job_id) &&
               span_equal(again.alias, store_alias(of->store, entry)));
        assert(job.has_scheduled_at ? job.scheduled_at_ms > now_ms : job.scheduled_at_ms == 0);
    }
    return of->job_count;
}

static void check_plan(struct world *world, struct span input)
{
    struct plan plan = {0};
    struct plan_input plan_input = {.command = &world->command,
                                    .staged = &world->staged,
                                    .reader = world->reader,
                                    .password = &world->password,
                                    .policy = &world->policy,
                                    .now_ms = now_ms};
    size_t jobs = 0;
    inventory_read_begin(world->reader);
    assert(plan_make(arena, &plan_input, &plan, NULL));
    check_result(&plan, input);
    for (size_t i = 0; i < plan.store_count; i++)
        jobs += check_jobs(&plan, i);
    assert(jobs == plan.job_count);
    assert(plan.store_count <= world->policy.max_stores_per_command);
    inventory_read_end(world->reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world world;
    start_once();
    arena_reset(arena);
    make_world(&world, span_of(data, size));
    if (world.has_command)
        check_plan(&world, span_of(data, size));
    inventory_reader_free(world.reader);
    inventory_free(world.inventory);
    return 0;
}

static size_t mutate_part(uint8_t tag, uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    enum part part = (enum part)(tag % PART_COUNT);
    return part == PART_WORLD ? LLVMFuzzerMutate(data, size, max_size)
                              : avro_mutate(schema_of(part), data, size, max_size, seed);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    start_once();
    return chunks_mutate(mutate_part, data, size, max_size, seed);
}
