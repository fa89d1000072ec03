#include "world.h"

#include <criterion/criterion.h>
#include <stdio.h>

struct uuid world_store_id(size_t store)
{
    struct uuid id = {{0xAB, 0xCD}};
    id.bytes[14] = (uint8_t)(store >> 8);
    id.bytes[15] = (uint8_t)store;
    return id;
}

struct span world_guid(struct world *world, size_t store)
{
    char text[UUID_TEXT_LEN + 1];
    struct uuid id = world_store_id(store);
    uuid_format(&id, text);
    return arena_copy(world->arena, span_text(text));
}

static void init_store(struct world *world, size_t i)
{
    world->entries[i][0] = (struct store_entry){
        .alias = SPAN_LITERAL("web"),
        .certificate_id = EXISTING,
        .thumbprint = SPAN_LITERAL("00112233445566778899AABBCCDDEEFF00112233"),
        .has_private_key = true,
    };
    world->stores[i] = (struct store_inventory){
        .store_id = world_store_id(i),
        .type = {.short_name = SPAN_LITERAL("JKS"),
                 .private_key = PRIVATE_KEY_OPTIONAL,
                 .add_supported = true},
        .has_container_id = true,
        .container_id = 7,
        .client_machine = SPAN_LITERAL("web01.example.com"),
        .store_path = SPAN_LITERAL("/etc/pki/web.jks"),
        .approved = true,
        .has_agent = true,
        .agent = {.agent_id = {{1, 2, 3}}},
        .entries = world->entries[i],
        .entry_count = 1,
    };
}

void world_init(struct world *world)
{
    *world = (struct world){.now_ms = INT64_C(1790000000000), .store_count = 3};
    world->arena = arena_new(0);
    for (size_t i = 0; i < WORLD_STORES; i++)
        init_store(world, i);
    world->permissions[0] = SPAN_LITERAL("/certificates/enrollment/pfx/");
    world->permissions[1] = SPAN_LITERAL("/certificate_stores/schedule/");
    world->command = (struct replace_command){
        .command_id = {{0xC0, 0xFF, 0xEE}},
        .existing_certificate_id = EXISTING,
        .has_request_id = true,
        .request_id = REQUEST,
        .password_kind = PASSWORD_PLAIN,
        .password = SPAN_LITERAL("correct horse"),
        .principal = {.user = SPAN_LITERAL("CORP\\ada"),
                      .permissions = world->permissions,
                      .permission_count = 2},
    };
    world->staged = (struct staged_outcome){
        .state = STAGED_FOUND,
        .has_certificate_id = true,
        .certificate_id = NEW,
        .requester = SPAN_LITERAL("CORP\\ada"),
        .thumbprint = SPAN_LITERAL("FFEEDDCCBBAA99887766554433221100FFEEDDCC"),
    };
    world->password = (struct opened_password){.opened = true, .text = SPAN_LITERAL("correct horse")};
    world->policy = (struct plan_policy){.max_stores_per_command = 4000};
}

const struct plan *world_plan(struct world *world)
{
    struct err err = {0};
    world->inventory = inventory_new();
    world->reader = inventory_reader_new(world->inventory);
    for (size_t i = 0; i < world->store_count; i++)
        cr_assert(inventory_put(world->inventory, &world->stores[i], &err), "%s", err.text);
    inventory_read_begin(world->reader);
    struct plan_input input = {.command = &world->command,
                               .staged = &world->staged,
                               .reader = world->reader,
                               .password = &world->password,
                               .policy = &world->policy,
                               .now_ms = world->now_ms};
    cr_assert(plan_make(world->arena, &input, &world->plan, &err), "%s", err.text);
    return &world->plan;
}

void world_free(struct world *world)
{
    inventory_reader_free(world->reader);
    inventory_free(world->inventory);
    arena_free(world->arena);
}

enum err_code world_failure(const struct world *world, size_t store)
{
    struct uuid id = world_store_id(store);
    for (size_t i = 0; i < world->plan.store_count; i++) {
        if (uuid_equal(&world->plan.stores[i].id, &id))
            return world->plan.stores[i].failure;
    }
    cr_assert_fail("store %zu is not in the plan", store);
    return ERR_INTERNAL;
}
