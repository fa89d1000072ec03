/* avro/schema_ids: what a codec needs of a schema registry, without knowing one: ids of Confluent's framing
   for schemas and back. registry/registry provides it. */
#pragma once

#include "avro/record_kind.h"
#include "base/err.h"

struct schema;

struct schema_ids {
    void *self;
    /* The schema with that id, good as long as `self` is. NULL with AVRO_INVALID where there is none that can
       be read by, or with what keeps the answer away (of another class than CONVERSION: ask again later). */
    const struct schema *(*find)(void *self, uint32_t id, struct err *err);
    /* The id of certswap's own schema. False with what keeps it away. */
    bool (*own)(void *self, enum record_kind kind, uint32_t *id, struct err *err);
};
