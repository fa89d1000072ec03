/* cli/record_input: the records that are to be sent, as JSON with the schema's field names, from flags or
   from a file; filled with what the caller may leave out, then encoded. Errors name the field, never its
   value. */
#pragma once

#include "avro/codec.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/uuid.h"

#include <jansson.h>

enum { RECORD_INPUT_MAX = 64 * 1024 * 1024, RECORD_KEY_MAX = 40 };

static inline void auto_json(json_t **value)
{
    json_decref(*value);
}

/* The objects of a JSON file ("-": standard input) that holds one object or an array of them: a new array.
   NULL with ERR_INPUT_UNREADABLE (the file) or ERR_AVRO_INVALID (what is in it, with line and column). */
json_t *record_input_load(const char *path, struct err *err);

/* The same of a file that is read already; `path` is what errors call it. */
json_t *record_input_parse(const char *path, struct span text, struct err *err);

/* The objects of all the JSON values in the text, one behind the other: objects, as `certswap watch` prints
   them, or arrays of them. A new array; NULL with ERR_AVRO_INVALID or ERR_NO_MEMORY. */
json_t *record_input_parse_all(const char *path, struct span text, struct err *err);

/* Sets a field; the value's reference is taken. False with ERR_NO_MEMORY, also when value is NULL. */
bool record_input_set(json_t *object, const char *field, json_t *value, struct err *err);
/* Sets a text; ERR_AVRO_INVALID when it is no UTF-8. */
bool record_input_set_text(json_t *object, const char *field, struct span text, struct err *err);
/* Sets bytes, as base64. */
bool record_input_set_bytes(json_t *object, const char *field, struct span bytes, struct err *err);

/* A random GUID (RFC 9562, version 4) where the field is absent; the present moment, in milliseconds,
 * likewise. */
bool record_input_fill_uuid(json_t *object, const char *field, struct err *err);
bool record_input_fill_time(json_t *object, const char *field, int64_t now_ms, struct err *err);

/* Milliseconds since 1970. */
int64_t record_input_now_ms(void);

/* Appends the Avro message, framed as the codec does (NULL: as a single object). */
bool record_input_encode(struct codec *codec, enum record_kind kind, const json_t *object,
                         struct buf *message, struct err *err);
/* The record's key on its topic: a GUID in lower case or a number in decimal, from a field that encoding has
   checked. */
void record_input_key(const json_t *object, const char *field, char key[RECORD_KEY_MAX]);
