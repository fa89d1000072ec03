#include "avro/wire.h"

#include <stdio.h>

bool wire_error(struct wire *wire, const char *format, ...)
{
    char text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (wire->field == NULL)
        return err_set(wire->err, ERR_AVRO_INVALID, "%s", text);
    return err_set(wire->err, ERR_AVRO_INVALID, "field %.80s of %.80s: %s", wire->field, wire->record, text);
}

static bool truncated(struct wire *wire)
{
    return wire_error(wire, "the message ends before its value does");
}

static bool varint(struct wire *wire, int len_max, uint64_t *value)
{
    uint64_t sum = 0;
    for (int i = 0; i < len_max; i++) {
        if (wire->at == wire->end)
            return truncated(wire);
        uint8_t byte = *wire->at++;
        if (i == 9 && byte > 1)
            return wire_error(wire, "a number of more than 64 bits");
        sum |= (uint64_t)(byte & 0x7f) << 7 * i;
        if ((byte & 0x80) == 0) {
            *value = sum;
            return true;
        }
    }
    return wire_error(wire, "a number of more than %d bytes", len_max);
}

bool wire_long(struct wire *wire, int64_t *value)
{
    uint64_t zigzag = 0;
    if (!varint(wire, 10, &zigzag))
        return false;
    *value = (int64_t)(zigzag >> 1 ^ -(zigzag & 1));
    return true;
}

bool wire_int(struct wire *wire, int32_t *value)
{
    uint64_t zigzag = 0;
    if (!varint(wire, 5, &zigzag))
        return false;
    if (zigzag > UINT32_MAX)
        return wire_error(wire, "a number of more than 32 bits");
    uint32_t small = (uint32_t)zigzag;
    *value = (int32_t)(small >> 1 ^ -(small & 1));
    return true;
}

bool wire_boolean(struct wire *wire, bool *value)
{
    if (wire->at == wire->end)
        return truncated(wire);
    uint8_t byte = *wire->at++;
    if (byte > 1)
        return wire_error(wire, "a boolean is neither 0 nor 1");
    *value = byte == 1;
    return true;
}

bool wire_raw(struct wire *wire, size_t len, struct span *value)
{
    if (len > wire_left(wire))
        return truncated(wire);
    *value = span_of(wire->at, len);
    wire->at += len;
    return true;
}

bool wire_bytes(struct wire *wire, struct span *value)
{
    int64_t len = 0;
    if (!wire_long(wire, &len))
        return false;
    if (len < 0)
        return wire_error(wire, "a length is negative");
    return wire_raw(wire, (uint64_t)len > SIZE_MAX ? SIZE_MAX : (size_t)len, value);
}

bool wire_string(struct wire *wire, struct span *value)
{
    if (!wire_bytes(wire, value))
        return false;
    return utf8_valid(*value) || wire_error(wire, "the text is no UTF-8");
}

bool wire_index(struct wire *wire, size_t count, size_t *index)
{
    int64_t value = 0;
    if (!wire_long(wire, &value))
        return false;
    if (value < 0 || (uint64_t)value >= count)
        return wire_error(wire, "the writer's schema has no branch or symbol %lld", (long long)value);
    *index = (size_t)value;
    return true;
}

bool wire_branch(struct wire *wire, const struct schema *schema, const struct schema **branch)
{
    *branch = schema;
    if (schema->type != SCHEMA_UNION)
        return true;
    size_t index = 0;
    if (!wire_index(wire, schema->count, &index))
        return false;
    *branch = schema->branches[index];
    return true;
}

bool wire_block(struct wire *wire, const struct schema *items, size_t *count, size_t *block_len)
{
    int64_t number = 0;
    int64_t len = 0;
    *block_len = SIZE_MAX;
    if (!wire_long(wire, &number))
        return false;
    if (number < 0) {
        if (number == INT64_MIN)
            return wire_error(wire, "a block's count is out of range");
        number = -number;
        if (!wire_long(wire, &len))
            return false;
        if (len < 0 || (uint64_t)len > wire_left(wire))
            return wire_error(wire, "a block's length is out of range");
        *block_len = (size_t)len;
    }
    if (items->min_size > 0 && (uint64_t)number > wire_left(wire) / items->min_size)
        return wire_error(wire, "a block claims %lld elements where %zu bytes are left", (long long)number,
                          wire_left(wire));
    *count = (size_t)number;
    return true;
}

static bool skip_blocks(struct wire *wire, const struct schema *schema, int depth)
{
    const struct schema *items = schema->items;
    bool is_map = schema->type == SCHEMA_MAP;
    for (;;) {
        size_t count = 0;
        size_t len = 0;
        struct span passed;
        /* A map's entries always take bytes: their keys do. */
        if (!wire_block(wire, is_map ? schema : items, &count, &len))
            return false;
        if (count == 0)
            return true;
        if (len != SIZE_MAX) {
            if (!wire_raw(wire, len, &passed))
                return false;
            continue;
        }
        if (!is_map && items->min_size == 0)
            continue;
        for (size_t i = 0; i < count; i++)
            if ((is_map && !wire_bytes(wire, &passed)) || !wire_skip(wire, items, depth + 1))
                return false;
    }
}

static bool skip_fields(struct wire *wire, const struct schema *schema, int depth)
{
    for (size_t i = 0; i < schema->count; i++)
        if (!wire_skip(wire, schema->fields[i].type, depth + 1))
            return false;
    return true;
}

bool wire_skip(struct wire *wire, const struct schema *schema, int depth)
{
    struct span passed;
    int64_t number = 0;
    int32_t small = 0;
    bool flag = false;
    size_t index = 0;
    if (depth > SCHEMA_DEPTH_MAX)
        return wire_error(wire, "values are nested more than %d deep", SCHEMA_DEPTH_MAX);
    if (schema->min_size == 0)
        return true;
    switch (schema->type) {
    case SCHEMA_NULL:
        return true;
    case SCHEMA_BOOLEAN:
        return wire_boolean(wire, &flag);
    case SCHEMA_INT:
        return wire_int(wire, &small);
    case SCHEMA_LONG:
        return wire_long(wire, &number);
    case SCHEMA_FLOAT:
        return wire_raw(wire, 4, &passed);
    case SCHEMA_DOUBLE:
        return wire_raw(wire, 8, &passed);
    case SCHEMA_BYTES:
    case SCHEMA_STRING:
        return wire_bytes(wire, &passed);
    case SCHEMA_FIXED:
        return wire_raw(wire, schema->count, &passed);
    case SCHEMA_ENUM:
        return wire_index(wire, schema->count, &index);
    case SCHEMA_RECORD:
        return skip_fields(wire, schema, depth);
    case SCHEMA_UNION:
        return wire_branch(wire, schema, &schema) && wire_skip(wire, schema, depth + 1);
    case SCHEMA_ARRAY:
    case SCHEMA_MAP:
        return skip_blocks(wire, schema, depth);
    }
    return wire_error(wire, "the writer's schema has an unknown type");
}

/* The bytes that may follow a lead byte: how many, and the range of the first of them. */
static size_t sequence(uint8_t lead, uint8_t *low, uint8_t *high)
{
    *low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    *high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 1;
    if (lead >= 0xE0 && lead <= 0xEF)
        return 2;
    return lead >= 0xF0 && lead <= 0xF4 ? 3 : 0;
}

bool utf8_valid(struct span text)
{
    const uint8_t *at = text.data;
    size_t left = text.len;
    while (left > 0) {
        uint64_t eight;
        if (left >= sizeof eight) {
            memcpy(&eight, at, sizeof eight);
            if ((eight & 0x8080808080808080u) == 0) {
                at += sizeof eight;
                left -= sizeof eight;
                continue;
            }
        }
        uint8_t low = 0;
        uint8_t high = 0;
        size_t more = *at < 0x80 ? 0 : sequence(*at, &low, &high);
        if (*at >= 0x80 && (more == 0 || more >= left || at[1] < low || at[1] > high))
            return false;
        for (size_t i = 2; i <= more; i++)
            if ((at[i] & 0xC0) != 0x80)
                return false;
        at += more + 1;
        left -= more + 1;
    }
    return true;
}
