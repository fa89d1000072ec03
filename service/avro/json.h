/* avro/json: any message as a line of JSON for people and scripts, and the contract's records from JSON. */
#pragma once

#include "avro/schema_set.h"
#include "base/buf.h"

/* Appends the message as one line of JSON without a newline: fields in the writer's order, bytes as base64
   (RFC 4648, section 4), timestamps as milliseconds, unions as the bare value. Without show_secrets, text and
   bytes of fields named password, authorization or content become "(hidden)" and "(hidden, N bytes)". Fails
   with ERR_AVRO_INVALID or ERR_NO_MEMORY; the buffer's length is then what it was before. */
bool record_to_json(const struct schema_set *set, struct span message, bool show_secrets, struct buf *out,
                    struct err *err);

/* Appends the framed message that the JSON object describes, written by certswap's own schema. Bytes are
   base64; a moment is milliseconds or ISO 8601 text; GUIDs are checked and written in lower case; of a union
   the fields present decide the branch; fields with a default may be absent. Fails with ERR_AVRO_INVALID and
   the path of the field at fault ("credential.content: …"; no value is repeated, so no secret is either),
   ERR_NO_MEMORY. */
bool record_from_json(enum record_kind kind, const char *json_text, size_t len, struct buf *out,
                      struct err *err);
