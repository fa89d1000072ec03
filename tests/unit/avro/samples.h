/* Records of the contract with every field set, at its extremes where it has some; and helpers that tests
 * share. */
#pragma once

#include "avro/codec.h"

/* Which branches of unions the sample takes. */
enum sample { SAMPLE_FULL, SAMPLE_NULLS, SAMPLE_SEALED, SAMPLE_COUNT };

struct certificate_event sample_event(enum sample sample, bool is_renewal);
struct store_inventory sample_inventory(enum sample sample);
struct replace_command sample_command(enum sample sample);
struct store_job sample_job(enum sample sample);
struct replace_result sample_result(enum sample sample);

/* Appends the sample's message: of one of the six records that topics hold. */
void sample_message(enum record_kind kind, enum sample sample, struct buf *out);
/* Decodes whatever `kind` is and, where `again` is given, appends what it encodes to. */
bool sample_decode(struct codec *codec, enum record_kind kind, struct span message, struct arena *arena,
                   struct buf *again, struct err *err);
/* A set with one more schema, put into a folder of its own for the while. Asserts. */
struct schema_set *sample_set_with(const char *schema_text);
/* Appends the head of a message that was written by the schema. Asserts. */
void sample_head(const char *schema_text, struct buf *out);
