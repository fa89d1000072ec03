#include "avro/framing.h"

static bool split_single_object(struct span message, struct framed *out, struct err *err)
{
    if (message.len < FRAMING_SINGLE_OBJECT_LEN)
        return err_set(err, ERR_AVRO_INVALID, "the message ends within its schema fingerprint");
    uint64_t fingerprint = 0;
    for (int i = 9; i >= 2; i--)
        fingerprint = fingerprint << 8 | message.data[i];
    *out = (struct framed){
        .framing = FRAMING_SINGLE_OBJECT,
        .fingerprint = fingerprint,
        .body = span_of(message.data + FRAMING_SINGLE_OBJECT_LEN, message.len - FRAMING_SINGLE_OBJECT_LEN)};
    return true;
}

static bool split_confluent(struct span message, struct framed *out, struct err *err)
{
    if (message.len < FRAMING_CONFLUENT_LEN)
        return err_set(err, ERR_AVRO_INVALID, "the message ends within its schema id");
    uint32_t id = 0;
    for (int i = 1; i < FRAMING_CONFLUENT_LEN; i++)
        id = id << 8 | message.data[i];
    *out = (struct framed){
        .framing = FRAMING_CONFLUENT,
        .id = id,
        .body = span_of(message.data + FRAMING_CONFLUENT_LEN, message.len - FRAMING_CONFLUENT_LEN)};
    return true;
}

bool framing_split(struct span message, struct framed *out, struct err *err)
{
    const uint8_t *at = message.data;
    if (message.len == 0)
        return err_set(err, ERR_AVRO_INVALID, "the message is empty");
    if (at[0] == 0)
        return split_confluent(message, out, err);
    if (message.len >= 2 && at[0] == 0xC3 && at[1] == 0x01)
        return split_single_object(message, out, err);
    return err_set(err, ERR_AVRO_INVALID,
                   "the message begins neither with C3 01 (Avro's single-object encoding) nor with 00 "
                   "(Confluent's framing): write it in one of them");
}

void framing_put_single_object(struct buf *out, uint64_t fingerprint)
{
    uint8_t head[FRAMING_SINGLE_OBJECT_LEN] = {0xC3, 0x01};
    for (int i = 2; i < FRAMING_SINGLE_OBJECT_LEN; i++, fingerprint >>= 8)
        head[i] = (uint8_t)fingerprint;
    buf_put(out, head, sizeof head);
}

void framing_put_confluent(struct buf *out, uint32_t id)
{
    const uint8_t head[FRAMING_CONFLUENT_LEN] = {0, (uint8_t)(id >> 24), (uint8_t)(id >> 16),
                                                 (uint8_t)(id >> 8), (uint8_t)id};
    buf_put(out, head, sizeof head);
}
