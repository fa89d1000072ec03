/* avro/wire: Avro's binary encoding (specification, "Binary Encoding") read from untrusted bytes. Nothing is
   copied; nothing is allocated on the word of a length or a count. */
#pragma once

#include "avro/schema.h"

struct wire {
    const uint8_t *at;
    const uint8_t *end;
    const char *record; /* what is being read, for the error's text; NULL: not known */
    const char *field;
    struct err *err;
};

static inline size_t wire_left(const struct wire *wire)
{
    return (size_t)(wire->end - wire->at);
}

/* Sets ERR_AVRO_INVALID with the field's name before the text; false. */
bool wire_error(struct wire *wire, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A zigzag varint: at most 10 bytes, at most 5 for an int, not necessarily the fewest. */
bool wire_long(struct wire *wire, int64_t *value);
bool wire_int(struct wire *wire, int32_t *value);
/* One byte, 0 or 1. */
bool wire_boolean(struct wire *wire, bool *value);
/* `len` bytes as they are. */
bool wire_raw(struct wire *wire, size_t len, struct span *value);
/* A length and so many bytes. */
bool wire_bytes(struct wire *wire, struct span *value);
/* The same, and they are UTF-8. */
bool wire_string(struct wire *wire, struct span *value);
/* An index below `count`: of a union's branch or an enum's symbol. */
bool wire_index(struct wire *wire, size_t count, size_t *index);
/* The union's branch that follows; of any other schema itself. */
bool wire_branch(struct wire *wire, const struct schema *schema, const struct schema **branch);
/* The head of the next block of an array or map: how many elements follow, 0 after the last. Of elements that
   take bytes, no more than the bytes left can hold. *block_len is the block's length where the writer gives
   it, else SIZE_MAX. */
bool wire_block(struct wire *wire, const struct schema *items, size_t *count, size_t *block_len);
/* Passes over a value. `depth` is 0 at the start. */
bool wire_skip(struct wire *wire, const struct schema *schema, int depth);

/* RFC 3629: no surrogates, nothing overlong, nothing past U+10FFFF. */
bool utf8_valid(struct span text);
