#include "avro/encode.h"

#include "domain/record.h"

void encode_long(struct buf *out, int64_t value)
{
    uint8_t *at = buf_reserve(out, 10);
    if (at == NULL)
        return;
    uint64_t zigzag = (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
    for (; zigzag > 0x7f; zigzag >>= 7, out->len++)
        *at++ = (uint8_t)(zigzag | 0x80);
    *at = (uint8_t)zigzag;
    out->len++;
}

void encode_boolean(struct buf *out, bool value)
{
    buf_put_byte(out, value);
}

void encode_bytes(struct buf *out, struct span bytes)
{
    encode_long(out, (int64_t)bytes.len);
    buf_put(out, bytes.data, bytes.len);
}

static void encode_uuid(struct buf *out, const struct uuid *uuid)
{
    uint8_t *at = buf_reserve(out, 1 + UUID_TEXT_LEN + 1);
    if (at == NULL)
        return;
    at[0] = 2 * UUID_TEXT_LEN;
    uuid_format(uuid, (char *)at + 1);
    out->len += 1 + UUID_TEXT_LEN;
}

static void encode_credential(struct buf *out, const struct credential_or_sealed *credential)
{
    encode_long(out, credential->is_sealed ? 1 : 0);
    if (credential->is_sealed)
        encode_body(out, record_layout(RECORD_SEALED_CREDENTIAL), &credential->sealed);
    else
        encode_body(out, record_layout(RECORD_CREDENTIAL), &credential->plain);
}

static void encode_password(struct buf *out, const struct replace_command *command)
{
    encode_long(out, command->password_kind);
    if (command->password_kind == PASSWORD_PLAIN)
        encode_bytes(out, command->password);
    else if (command->password_kind == PASSWORD_SEALED)
        encode_body(out, record_layout(RECORD_SEALED_PASSWORD), &command->sealed_password);
}

/* Members are read by memcpy: the tables know their places, not their types. */
static void encode_value(struct buf *out, enum field_type type, const struct field_layout *field,
                         const char *at)
{
    struct span span;
    int32_t number;
    int64_t moment;
    switch (type) {
    case FIELD_BOOLEAN:
        encode_boolean(out, *(const bool *)at);
        break;
    case FIELD_INT:
    case FIELD_ENUM:
        memcpy(&number, at, sizeof number);
        encode_long(out, number);
        break;
    case FIELD_TIMESTAMP:
        memcpy(&moment, at, sizeof moment);
        encode_long(out, moment);
        break;
    case FIELD_STRING:
    case FIELD_UUID_TEXT:
    case FIELD_BYTES:
        memcpy(&span, at, sizeof span);
        encode_bytes(out, span);
        break;
    case FIELD_UUID:
        encode_uuid(out, (const void *)at);
        break;
    case FIELD_RECORD:
        encode_body(out, field->record, at);
        break;
    case FIELD_CREDENTIAL:
        encode_credential(out, (const void *)at);
        break;
    case FIELD_PASSWORD:
        encode_password(out, (const void *)at);
        break;
    case FIELD_ARRAY:
        break;
    }
}

/* One block, and the empty one that ends the array. */
static void encode_array(struct buf *out, const struct field_layout *field, const char *record)
{
    const char *items;
    size_t count;
    memcpy(&items, record + field->offset, sizeof items);
    memcpy(&count, record + field->count_offset, sizeof count);
    if (count > 0) {
        encode_long(out, (int64_t)count);
        for (size_t i = 0; i < count; i++)
            encode_value(out, field->item, field, items + i * field->item_size);
    }
    encode_long(out, 0);
}

void encode_body(struct buf *out, const struct record_layout *layout, const void *record)
{
    const char *base = record;
    for (size_t i = 0; i < layout->count; i++) {
        const struct field_layout *field = &layout->fields[i];
        if (field->nullable) {
            bool has = *(const bool *)(base + field->has_offset);
            encode_long(out, has ? 1 : 0);
            if (!has)
                continue;
        }
        if (field->type == FIELD_ARRAY)
            encode_array(out, field, base);
        else
            encode_value(out, field->type, field, base + field->offset);
    }
}
