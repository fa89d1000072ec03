#include "avro/decode.h"

#include "avro/wire.h"
#include "domain/record.h"

struct decoder {
    struct wire wire;
    struct arena *arena;
    enum err_code refusal;
    struct err refused; /* the first malformed GUID or id below 1 */
};

static bool decode_record(struct decoder *d, const struct schema *writer, const struct record_layout *layout,
                          void *out);

static bool mismatch(struct decoder *d, const struct schema *writer, const char *wanted)
{
    return wire_error(&d->wire, "the writer has %.80s where certswap reads %s",
                      writer->name != NULL ? writer->name : schema_type_name(writer->type), wanted);
}

static bool is_text(const struct schema *writer)
{
    return writer->type == SCHEMA_STRING || writer->type == SCHEMA_BYTES;
}

static bool decode_int(struct decoder *d, const struct schema *writer, const struct field_layout *field,
                       void *out)
{
    int32_t value = 0;
    if (writer->type != SCHEMA_INT)
        return mismatch(d, writer, "int");
    if (!wire_int(&d->wire, &value))
        return false;
    if (field->positive && value < 1)
        err_set(&d->refused, d->refusal, "%s is %d: an id is 1 or more", field->name, value);
    else
        memcpy(out, &value, sizeof value);
    return true;
}

static bool decode_timestamp(struct decoder *d, const struct schema *writer, int64_t *out)
{
    int32_t small = 0;
    if (writer->type == SCHEMA_LONG)
        return wire_long(&d->wire, out);
    if (writer->type != SCHEMA_INT)
        return mismatch(d, writer, "long");
    if (!wire_int(&d->wire, &small))
        return false;
    *out = small;
    return true;
}

static bool decode_uuid(struct decoder *d, const struct schema *writer, const struct field_layout *field,
                        struct uuid *out)
{
    struct span text;
    if (!is_text(writer))
        return mismatch(d, writer, "string");
    if (!wire_string(&d->wire, &text))
        return false;
    struct uuid uuid;
    if (uuid_parse(&uuid, text))
        *out = uuid;
    else
        err_set(&d->refused, d->refusal, "%s is no GUID: write it as 8-4-4-4-12 hexadecimal digits",
                field->name);
    return true;
}

static bool decode_enum(struct decoder *d, const struct schema *writer, const struct enum_layout *ours,
                        void *out)
{
    size_t index = 0;
    if (writer->type != SCHEMA_ENUM || writer->enumeration != ours)
        return mismatch(d, writer, ours->name);
    if (!wire_index(&d->wire, writer->count, &index))
        return false;
    int value = writer->symbol_values[index];
    if (value < 0)
        return wire_error(&d->wire, "certswap does not know the symbol %.80s", writer->symbols[index]);
    memcpy(out, &value, sizeof value);
    return true;
}

static bool decode_credential(struct decoder *d, const struct schema *writer,
                              struct credential_or_sealed *out)
{
    const struct record_layout *plain = record_layout(RECORD_CREDENTIAL);
    const struct record_layout *sealed = record_layout(RECORD_SEALED_CREDENTIAL);
    if (writer->type != SCHEMA_RECORD || (writer->layout != plain && writer->layout != sealed))
        return mismatch(d, writer, "Credential or SealedCredential");
    out->is_sealed = writer->layout == sealed;
    return out->is_sealed ? decode_record(d, writer, sealed, &out->sealed)
                          : decode_record(d, writer, plain, &out->plain);
}

static bool decode_password(struct decoder *d, const struct schema *writer, struct replace_command *out)
{
    if (is_text(writer)) {
        out->password_kind = PASSWORD_PLAIN;
        return wire_string(&d->wire, &out->password);
    }
    out->password_kind = PASSWORD_SEALED;
    return decode_record(d, writer, record_layout(RECORD_SEALED_PASSWORD), &out->sealed_password);
}

static bool decode_array(struct decoder *d, const struct schema *writer, const struct field_layout *field,
                         char *out);

/* A value that is not null, of any type, into its place. */
static bool decode_value(struct decoder *d, const struct schema *writer, enum field_type type,
                         const struct field_layout *field, char *out)
{
    switch (type) {
    case FIELD_BOOLEAN:
        if (writer->type != SCHEMA_BOOLEAN)
            return mismatch(d, writer, "boolean");
        return wire_boolean(&d->wire, (bool *)out);
    case FIELD_INT:
        return decode_int(d, writer, field, out);
    case FIELD_TIMESTAMP:
        return decode_timestamp(d, writer, (void *)out);
    case FIELD_STRING:
    case FIELD_UUID_TEXT:
        return is_text(writer) ? wire_string(&d->wire, (void *)out) : mismatch(d, writer, "string");
    case FIELD_BYTES:
        return is_text(writer) ? wire_bytes(&d->wire, (void *)out) : mismatch(d, writer, "bytes");
    case FIELD_UUID:
        return decode_uuid(d, writer, field, (void *)out);
    case FIELD_ENUM:
        return decode_enum(d, writer, field->enumeration, out);
    case FIELD_RECORD:
        return decode_record(d, writer, field->record, out);
    case FIELD_CREDENTIAL:
        return decode_credential(d, writer, (void *)out);
    case FIELD_PASSWORD:
        return decode_password(d, writer, (void *)out);
    case FIELD_ARRAY:
        break;
    }
    return wire_error(&d->wire, "an array directly within an array");
}

/* Room for `more` items behind `len`, in memory that doubles. */
static bool grow(struct decoder *d, char **items, size_t *cap, size_t len, size_t more, size_t size)
{
    size_t need = len + more;
    if (need <= *cap)
        return true;
    size_t want = need > 2 * *cap ? need : 2 * *cap;
    char *wider = arena_array(d->arena, want, size);
    if (wider == NULL)
        return err_set(d->wire.err, ERR_NO_MEMORY, "out of memory for %zu elements of a message", want);
    if (len > 0)
        memcpy(wider, *items, len * size);
    *items = wider;
    *cap = want;
    return true;
}

static bool decode_array(struct decoder *d, const struct schema *writer, const struct field_layout *field,
                         char *out)
{
    if (writer->type != SCHEMA_ARRAY)
        return mismatch(d, writer, "array");
    if (writer->items->min_size == 0)
        return mismatch(d, writer->items, "an array's elements");
    char *items = NULL;
    size_t cap = 0;
    size_t len = 0;
    for (;;) {
        size_t count = 0;
        size_t block_len = 0;
        if (!wire_block(&d->wire, writer->items, &count, &block_len))
            return false;
        if (count == 0)
            break;
        if (!grow(d, &items, &cap, len, count, field->item_size))
            return false;
        for (size_t i = 0; i < count; i++, len++) {
            const struct schema *item = NULL;
            if (!wire_branch(&d->wire, writer->items, &item) ||
                !decode_value(d, item, field->item, field, items + len * field->item_size))
                return false;
        }
    }
    memcpy(out + field->offset, &items, sizeof items);
    memcpy(out + field->count_offset, &len, sizeof len);
    return true;
}

/* `out` is the struct that holds the field. */
static bool decode_field(struct decoder *d, const struct schema *writer, const struct field_layout *field,
                         char *out)
{
    if (!wire_branch(&d->wire, writer, &writer))
        return false;
    if (writer->type == SCHEMA_NULL)
        return field->nullable || field->type == FIELD_PASSWORD ||
               wire_error(&d->wire, "null, which it may not be");
    if (field->nullable)
        *(bool *)(out + field->has_offset) = true;
    if (field->type == FIELD_ARRAY)
        return decode_array(d, writer, field, out);
    return decode_value(d, writer, field->type, field, out + field->offset);
}

static bool decode_record(struct decoder *d, const struct schema *writer, const struct record_layout *layout,
                          void *out)
{
    if (writer->type != SCHEMA_RECORD || writer->layout != layout)
        return mismatch(d, writer, layout->name);
    if (writer->missing != NULL)
        return err_set(d->wire.err, ERR_AVRO_INVALID,
                       "the writer's schema of %.80s lacks the field %.80s, which has no default",
                       layout->name, writer->missing);
    const char *outer_record = d->wire.record;
    const char *outer_field = d->wire.field;
    d->wire.record = layout->name;
    for (size_t i = 0; i < writer->count; i++) {
        const struct schema_field *field = &writer->fields[i];
        d->wire.field = field->name;
        bool done = field->target < 0 ? wire_skip(&d->wire, field->type, 0)
                                      : decode_field(d, field->type, &layout->fields[field->target], out);
        if (!done)
            return false;
    }
    d->wire.record = outer_record;
    d->wire.field = outer_field;
    return true;
}

bool decode_body(const struct schema *writer, const struct record_layout *layout, struct span body,
                 struct arena *arena, enum err_code refusal, void *out, struct err *err)
{
    static const uint8_t none[1];
    const uint8_t *at = body.data != NULL ? body.data : none;
    struct decoder d = {
        .wire = {.at = at, .end = at + body.len, .err = err}, .arena = arena, .refusal = refusal};
    if (!decode_record(&d, writer, layout, out))
        return false;
    if (wire_left(&d.wire) > 0)
        return err_set(err, ERR_AVRO_INVALID, "%zu bytes follow the record's end", wire_left(&d.wire));
    return d.refused.code == ERR_NONE || err_set(err, d.refused.code, "%s", d.refused.text);
}
