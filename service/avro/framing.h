/* avro/framing: what stands before a record's body in a message and says by which schema it was written. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* The framings that certswap speaks. Input is told apart by its first bytes. */
enum framing {
    /* C3 01, CRC-64-AVRO little-endian (Avro specification, "Single-object encoding") */
    FRAMING_SINGLE_OBJECT,
    /* 00, the schema's id in a registry as four bytes, big-endian (Confluent's "wire format") */
    FRAMING_CONFLUENT,
};

enum { FRAMING_SINGLE_OBJECT_LEN = 10, FRAMING_CONFLUENT_LEN = 5 };

struct framed {
    enum framing framing;
    uint64_t fingerprint; /* of the writer's schema; FRAMING_SINGLE_OBJECT */
    uint32_t id;          /* of the writer's schema; FRAMING_CONFLUENT */
    struct span body;     /* within the message */
};

/* Splits a message; fails with ERR_AVRO_INVALID. *out borrows from the message. */
bool framing_split(struct span message, struct framed *out, struct err *err);
/* Appends the head of a message; the body follows. */
void framing_put_single_object(struct buf *out, uint64_t fingerprint);
void framing_put_confluent(struct buf *out, uint32_t id);
