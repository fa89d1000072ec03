#include "avro/json.h"

#include "avro/wire.h"
#include "base/base64.h"
#include "base/secret.h"

#include <math.h>

/* Values that take no bytes, as null: as many of them may be written as one message can claim for nothing. */
enum { EMPTY_VALUES_MAX = 65536 };

struct printer {
    struct wire wire;
    struct buf *out;
    bool show_secrets;
    int empty_values;
};

static bool put_value(struct printer *p, const struct schema *schema, bool hidden, int depth);

static void put_text(struct buf *out, struct span text)
{
    buf_put_byte(out, '"');
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
            continue;
        buf_put(out, text.data + from, i - from);
        if (c == '"' || c == '\\')
            buf_put_format(out, "\\%c", c);
        else
            buf_put_format(out, "\\u%04x", c);
        from = i + 1;
    }
    if (text.len > 0)
        buf_put(out, text.data + from, text.len - from);
    buf_put_byte(out, '"');
}

static void put_bytes(struct printer *p, struct span bytes, bool hidden)
{
    if (hidden) {
        buf_put_format(p->out, "\"(hidden, %zu bytes)\"", bytes.len);
        return;
    }
    buf_put_byte(p->out, '"');
    base64_put(p->out, bytes);
    buf_put_byte(p->out, '"');
}

/* JSON has no infinities and no NaN. */
static void put_real(struct printer *p, double value, int digits)
{
    if (isfinite(value))
        buf_put_format(p->out, "%.*g", digits, value);
    else
        buf_put_text(p->out, "null");
}

static bool put_float(struct printer *p, const struct schema *schema)
{
    struct span raw;
    if (!wire_raw(&p->wire, schema->type == SCHEMA_FLOAT ? 4 : 8, &raw))
        return false;
    uint64_t bits = 0;
    for (size_t i = raw.len; i-- > 0;)
        bits = bits << 8 | raw.data[i];
    if (schema->type == SCHEMA_FLOAT) {
        uint32_t small = (uint32_t)bits;
        float value;
        memcpy(&value, &small, sizeof value);
        put_real(p, (double)value, 9);
    } else {
        double value;
        memcpy(&value, &bits, sizeof value);
        put_real(p, value, 17);
    }
    return true;
}

/* What a field of this name holds is for nobody's eyes, in any writer's record. */
static bool is_secret(const char *field)
{
    static const char *const names[] = {"password", "authorization", "content"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(field, names[i]) == 0)
            return true;
    return false;
}

static bool put_record(struct printer *p, const struct schema *schema, int depth)
{
    buf_put_byte(p->out, '{');
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_field *field = &schema->fields[i];
        buf_put_format(p->out, "%s\"%s\":", i > 0 ? "," : "", field->name);
        p->wire.record = schema->simple;
        p->wire.field = field->name;
        if (!put_value(p, field->type, !p->show_secrets && is_secret(field->name), depth + 1))
            return false;
    }
    buf_put_byte(p->out, '}');
    return true;
}

static bool put_blocks(struct printer *p, const struct schema *schema, bool hidden, int depth)
{
    bool is_map = schema->type == SCHEMA_MAP;
    bool first = true;
    buf_put_byte(p->out, is_map ? '{' : '[');
    for (;;) {
        size_t count = 0;
        size_t len = 0;
        if (!wire_block(&p->wire, is_map ? schema : schema->items, &count, &len))
            return false;
        if (count == 0)
            break;
        for (size_t i = 0; i < count; i++, first = false) {
            struct span key;
            if (p->out->failed)
                return false;
            if (!first)
                buf_put_byte(p->out, ',');
            if (is_map) {
                if (!wire_string(&p->wire, &key))
                    return false;
                put_text(p->out, key);
                buf_put_byte(p->out, ':');
            }
            if (!put_value(p, schema->items, hidden, depth + 1))
                return false;
        }
    }
    buf_put_byte(p->out, is_map ? '}' : ']');
    return true;
}

static bool put_number(struct printer *p, const struct schema *schema)
{
    int64_t number = 0;
    int32_t small = 0;
    if (schema->type == SCHEMA_INT) {
        if (!wire_int(&p->wire, &small))
            return false;
        number = small;
    } else if (!wire_long(&p->wire, &number)) {
        return false;
    }
    buf_put_format(p->out, "%lld", (long long)number);
    return true;
}

static bool put_value(struct printer *p, const struct schema *schema, bool hidden, int depth)
{
    struct span bytes;
    bool flag = false;
    size_t index = 0;
    if (depth > SCHEMA_DEPTH_MAX)
        return wire_error(&p->wire, "values are nested more than %d deep", SCHEMA_DEPTH_MAX);
    if (schema->min_size == 0 && ++p->empty_values > EMPTY_VALUES_MAX)
        return wire_error(&p->wire, "more than %d values that take no bytes", EMPTY_VALUES_MAX);
    switch (schema->type) {
    case SCHEMA_NULL:
        buf_put_text(p->out, "null");
        return true;
    case SCHEMA_BOOLEAN:
        if (!wire_boolean(&p->wire, &flag))
            return false;
        buf_put_text(p->out, flag ? "true" : "false");
        return true;
    case SCHEMA_INT:
    case SCHEMA_LONG:
        return put_number(p, schema);
    case SCHEMA_FLOAT:
    case SCHEMA_DOUBLE:
        return put_float(p, schema);
    case SCHEMA_STRING:
        if (!wire_string(&p->wire, &bytes))
            return false;
        put_text(p->out, hidden ? SPAN_LITERAL("(hidden)") : bytes);
        return true;
    case SCHEMA_BYTES:
    case SCHEMA_FIXED:
        if (schema->type == SCHEMA_FIXED ? !wire_raw(&p->wire, schema->count, &bytes)
                                         : !wire_bytes(&p->wire, &bytes))
            return false;
        put_bytes(p, bytes, hidden);
        return true;
    case SCHEMA_ENUM:
        if (!wire_index(&p->wire, schema->count, &index))
            return false;
        put_text(p->out, span_text(schema->symbols[index]));
        return true;
    case SCHEMA_RECORD:
        return put_record(p, schema, depth);
    case SCHEMA_ARRAY:
    case SCHEMA_MAP:
        return put_blocks(p, schema, hidden, depth);
    case SCHEMA_UNION:
        return wire_branch(&p->wire, schema, &schema) && put_value(p, schema, hidden, depth + 1);
    }
    return false;
}

bool record_to_json(struct codec *codec, struct span message, bool show_secrets, struct buf *out,
                    struct err *err)
{
    struct span body;
    size_t len_before = out->len;
    const struct schema *writer = codec_split(codec, message, &body, err);
    if (writer == NULL)
        return false;
    struct printer p = {.wire = {.at = body.data, .end = body.data + body.len, .err = err},
                        .out = out,
                        .show_secrets = show_secrets};
    bool done = put_value(&p, writer, false, 0);
    if (done && !out->failed && wire_left(&p.wire) > 0)
        done = err_set(err, ERR_AVRO_INVALID, "%zu bytes follow the record's end", wire_left(&p.wire));
    if (done && !out->failed)
        return true;
    if (out->failed)
        err_set(err, ERR_NO_MEMORY, "out of memory for a record's JSON");
    secret_wipe(out->data + len_before, out->len - len_before);
    out->len = len_before;
    out->failed = false;
    return false;
}
