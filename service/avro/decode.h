/* avro/decode: a record's body, by the writer's schema, into its C struct. */
#pragma once

#include "avro/schema.h"

/* Reads the whole body into the zeroed struct that the layout describes; spans borrow from the body, arrays
   lie in the arena. Malformed GUIDs and ids below 1 are `refusal`, told only when all else decoded; see
   avro/codec.h. */
bool decode_body(const struct schema *writer, const struct record_layout *layout, struct span body,
                 struct arena *arena, enum err_code refusal, void *out, struct err *err);
