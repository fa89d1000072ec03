/* registry/registry_private: what the clients (client.c) share (registry.c). */
#pragma once

#include "registry/registry.h"

/* The schema of an id that is known; NULL: not yet. */
const struct schema *registry_find(struct registry *registry, uint32_t id);
/* Takes a schema and the arena that it lies in as the id's; another thread may have been first. The schema
   that counts from now on, or NULL when out of memory; the arena is taken either way. NULL: what lies
   elsewhere. */
const struct schema *registry_keep_take(struct registry *registry, uint32_t id, const struct schema *schema,
                                        struct arena *arena);
/* The id of our own schema of that kind; false: not known yet. */
bool registry_own(struct registry *registry, enum record_kind kind, uint32_t *id);
void registry_keep_own(struct registry *registry, enum record_kind kind, uint32_t id);
const struct registry_options *registry_options_of(const struct registry *registry);
