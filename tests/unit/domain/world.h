/* A small world for tests of the plan: one command, what is staged for it, a policy and up to WORLD_STORES
   stores. world_init makes one in which everything succeeds; a test then spoils what it is about. */
#pragma once

#include "base/arena.h"
#include "domain/inventory.h"
#include "domain/plan.h"

enum { WORLD_STORES = 6, WORLD_ENTRIES = 4, WORLD_PERMISSIONS = 4, EXISTING = 100, NEW = 200, REQUEST = 900 };

struct world {
    struct arena *arena;
    struct inventory *inventory;
    struct inventory_reader *reader;
    struct replace_command command;
    struct staged_outcome staged;
    struct opened_password password; /* where the command's is sealed; it opens */
    struct plan_policy policy;
    int64_t now_ms;
    struct store_inventory stores[WORLD_STORES];
    struct store_entry entries[WORLD_STORES][WORLD_ENTRIES];
    size_t store_count;
    struct span permissions[WORLD_PERMISSIONS];
    struct span store_ids[WORLD_STORES + 2];
    struct plan plan;
};

struct uuid world_store_id(size_t store);
/* The GUID's text, from the world's arena. */
struct span world_guid(struct world *world, size_t store);
/* Stores 0 to 2 hold EXISTING under the alias "web", with key; their agents have no certificate. */
void world_init(struct world *world);
/* Builds the inventory and the plan; the reader's section stays open until world_free. */
const struct plan *world_plan(struct world *world);
void world_free(struct world *world);
/* The failure of a store in the plan; asserts that the plan lists it. */
enum err_code world_failure(const struct world *world, size_t store);
