/* avro/json: any message as a line of JSON for people and scripts, and the contract's records from JSON. */
#pragma once

#include "avro/codec.h"
#include "base/buf.h"

/* Appends the message as one line of JSON without a newline: fields in the writer's order, bytes as base64
   (RFC 4648, section 4), timestamps as milliseconds, unions as the bare value. Without show_secrets, text and
   bytes of fields named password, authorization or content become "(hidden)" and "(hidden, N bytes)". Fails
   as decoding does (avro/codec.h); the buffer's length is then what it was before. */
bool record_to_json(struct codec *codec, struct span message, bool show_secrets, struct buf *out,
                    struct err *err);

/* Appends the message that the JSON object describes, written by certswap's own schema and framed as the
   codec does (NULL: as a single object). Bytes are base64; a moment is milliseconds or ISO 8601 text; GUIDs
   are checked and written in lower case; of a union the fields present decide the branch; fields with a
   default may be absent. Fails with ERR_AVRO_INVALID and the path of the field at fault ("credential.content:
   …"; no value is repeated, so no secret is either), ERR_NO_MEMORY, or those of codec_can_write(). */
bool record_from_json(struct codec *codec, enum record_kind kind, const char *json_text, size_t len,
                      struct buf *out, struct err *err);
