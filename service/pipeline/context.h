/* pipeline/context: what all loops of the process share. Made by the daemon before they start; only `stop`
   and what guards itself (inventory, keys, health) changes afterwards. */
#pragma once

#include "base/clock.h"
#include "config/settings.h"
#include "domain/inventory.h"
#include "kafka/client.h"
#include "keys/key_store.h"
#include "pipeline/health.h"
#include "redis/connection.h"
#include "registry/registry.h"

#include <stdatomic.h>

struct pipeline_context {
    const struct settings *settings;
    const struct kafka_property *kafka_properties; /* bootstrap.servers among them */
    size_t kafka_property_count;
    size_t message_max_bytes; /* of a producer with these properties */
    struct redis_options redis;
    const struct schema_set *schemas;
    struct registry *registry; /* NULL: none is set */
    struct inventory *inventory;
    struct key_store *keys; /* NULL: no token is asked for (CERTSWAP_AUTH=claims) */
    struct health *health;
    const struct clock *clock;  /* wall clock */
    struct span event_source;   /* ce_source */
    atomic_bool inventory_read; /* the whole topic was read once: who holds what is known */
    atomic_bool stop;           /* loops end after the batch in hand */
};
