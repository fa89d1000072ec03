#include "avro/framing.h"

bool framing_split(struct span message, struct framed *out, struct err *err)
{
    const uint8_t *at = message.data;
    if (message.len == 0)
        return err_set(err, ERR_AVRO_INVALID, "the message is empty");
    if (at[0] == 0)
        return err_set(err, ERR_AVRO_INVALID, "confluent framing needs a schema registry");
    if (message.len < 2 || at[0] != 0xC3 || at[1] != 0x01)
        return err_set(err, ERR_AVRO_INVALID,
                       "the message does not begin with C3 01: write it in Avro's single-object encoding");
    if (message.len < FRAMING_SINGLE_OBJECT_LEN)
        return err_set(err, ERR_AVRO_INVALID, "the message ends within its schema fingerprint");
    uint64_t fingerprint = 0;
    for (int i = 9; i >= 2; i--)
        fingerprint = fingerprint << 8 | at[i];
    *out = (struct framed){
        .framing = FRAMING_SINGLE_OBJECT,
        .fingerprint = fingerprint,
        .body = span_of(at + FRAMING_SINGLE_OBJECT_LEN, message.len - FRAMING_SINGLE_OBJECT_LEN)};
    return true;
}

void framing_put_single_object(struct buf *out, uint64_t fingerprint)
{
    uint8_t head[FRAMING_SINGLE_OBJECT_LEN] = {0xC3, 0x01};
    for (int i = 2; i < FRAMING_SINGLE_OBJECT_LEN; i++, fingerprint >>= 8)
        head[i] = (uint8_t)fingerprint;
    buf_put(out, head, sizeof head);
}
