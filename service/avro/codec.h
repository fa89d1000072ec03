/* avro/codec: records of the contract from and to Avro messages.

   Decoding reads by the writer's schema, found by the message's fingerprint or schema id. Fields are looked
   up by name; unknown ones are passed over; one that the writer does not have gets the contract's default.
   Promotions of the specification
   ("Schema Resolution") hold: int to long, string to bytes and back, a plain type for a union and the
   reverse, an unknown enum symbol becomes the enum's default where it has one.

   Spans of a decoded record borrow from the message; arrays lie in the arena. So a record is good as long as
   both are. Arrays may take up to 48 times their bytes in the message; an arena whose limit is below that of
   its messages makes ERR_NO_MEMORY of what is only large.

   Errors: ERR_AVRO_INVALID for what cannot be decoded (framing, unknown schema, another record than
   asked for, truncated or trailing bytes, text that is no UTF-8, a missing field that has no default, a type
   that does not resolve); ERR_NO_MEMORY. A record that decodes but holds a malformed GUID, or an event with
   an id below 1, is ERR_EVENT_INVALID, ERR_INVENTORY_INVALID or ERR_COMMAND_ID_INVALID (in a job or a result
   ERR_AVRO_INVALID): then, and only then, *out is filled too, except for the fields at fault, so that a
   caller can still see certificate_format. And where a
   registry is asked for a schema, what keeps its answer away: an error of none of the classes CONVERSION and
   REFUSAL says nothing about the message, see codec_error_is_of_message(). */
#pragma once

#include "avro/schema_ids.h"
#include "avro/schema_set.h"
#include "base/arena.h"
#include "base/buf.h"
#include "domain/record.h"

struct codec;

/* One a thread; borrows the set. NULL when out of memory. */
struct codec *codec_new(const struct schema_set *set);
void codec_free(struct codec *codec);
AUTO_DEFINE(codec, struct codec, codec_free);

/* Messages in Confluent's framing are read by these ids (NULL: none can be), and with `write` the codec
   writes in that framing. Borrows. */
void codec_use_ids(struct codec *codec, const struct schema_ids *ids, bool write);
/* Whether messages of that kind can be written now; false with what keeps their schema's id away. Once true
   it stays so. */
bool codec_can_write(struct codec *codec, enum record_kind kind, struct err *err);
/* Whether an error of decoding is the message's own, and not of memory or a registry that does not answer. */
static inline bool codec_error_is_of_message(enum err_code code)
{
    return err_class(code) == ERR_CLASS_CONVERSION || err_class(code) == ERR_CLASS_REFUSAL;
}

/* The writer's schema of a message, and its body; NULL as for decoding. */
const struct schema *codec_split(struct codec *codec, struct span message, struct span *body,
                                 struct err *err);
/* Appends what stands before a body written by our schema. False as codec_can_write(). */
bool codec_put_head(struct codec *codec, enum record_kind kind, struct buf *out, struct err *err);

/* `kind` is what the topic holds: RECORD_CERTIFICATE_ENROLLED or RECORD_CERTIFICATE_RENEWED. */
bool codec_decode_certificate_event(struct codec *codec, enum record_kind kind, struct span message,
                                    struct arena *arena, struct certificate_event *out, struct err *err);
bool codec_decode_store_inventory(struct codec *codec, struct span message, struct arena *arena,
                                  struct store_inventory *out, struct err *err);
/* Of the GUIDs only commandId is judged: storeIds stay as written. */
bool codec_decode_replace_command(struct codec *codec, struct span message, struct arena *arena,
                                  struct replace_command *out, struct err *err);
bool codec_decode_store_job(struct codec *codec, struct span message, struct arena *arena,
                            struct store_job *out, struct err *err);
bool codec_decode_replace_result(struct codec *codec, struct span message, struct arena *arena,
                                 struct replace_result *out, struct err *err);
/* A bare Avro body without framing, written by our Credential schema: what a SealedCredential's CMS holds. */
bool codec_decode_credential_body(struct codec *codec, struct span body, struct arena *arena,
                                  struct credential *out, struct err *err);

/* Each appends one framed message written by certswap's own schema. Text must be UTF-8. Errors are
   ERR_NO_MEMORY and those of codec_can_write(): the buffer's length is then what it was before. */
bool codec_encode_certificate_event(struct codec *codec, const struct certificate_event *event,
                                    struct buf *out, struct err *err);
bool codec_encode_store_inventory(struct codec *codec, const struct store_inventory *inventory,
                                  struct buf *out, struct err *err);
bool codec_encode_replace_command(struct codec *codec, const struct replace_command *command, struct buf *out,
                                  struct err *err);
bool codec_encode_store_job(struct codec *codec, const struct store_job *job, struct buf *out,
                            struct err *err);
bool codec_encode_replace_result(struct codec *codec, const struct replace_result *result, struct buf *out,
                                 struct err *err);
/* The bare body, as above. */
bool codec_encode_credential_body(struct codec *codec, const struct credential *credential, struct buf *out,
                                  struct err *err);
