/* pipeline/registry_of: the schema registry that the settings name, for the service and the tool. */
#pragma once

#include "config/settings.h"
#include "registry/registry.h"

/* *registry stays NULL where none is set. Borrows the settings and the schemas; a question may
   take `timeout_ms`, and `stop` (or NULL) breaks it off. False with NO_MEMORY. */
bool registry_of(const struct settings *settings, const struct schema_set *schemas, int timeout_ms,
                 const atomic_bool *stop, struct registry **registry, struct err *err);
