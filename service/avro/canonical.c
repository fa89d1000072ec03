#include "avro/canonical.h"

#include "avro/schema.h"

#include <stdlib.h>

/* Which named types have been written in full; from then on their name alone stands for them. */
struct seen {
    bool *flags;
    size_t len;
};

static bool seen_before(struct seen *seen, size_t index, struct buf *out)
{
    if (index >= seen->len) {
        size_t len = 2 * index + 16;
        bool *flags = realloc(seen->flags, len * sizeof *flags);
        if (flags == NULL) {
            out->failed = true;
            return true;
        }
        memset(flags + seen->len, 0, (len - seen->len) * sizeof *flags);
        *seen = (struct seen){flags, len};
    }
    bool before = seen->flags[index];
    seen->flags[index] = true;
    return before;
}

static void put_quoted(struct buf *out, const char *name)
{
    buf_put_byte(out, '"');
    buf_put_text(out, name);
    buf_put_byte(out, '"');
}

static void put_type(struct buf *out, const struct schema *schema, struct seen *seen);

static void put_fields(struct buf *out, const struct schema *schema, struct seen *seen)
{
    buf_put_text(out, ",\"fields\":[");
    for (size_t i = 0; i < schema->count; i++) {
        buf_put_text(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        put_quoted(out, schema->fields[i].name);
        buf_put_text(out, ",\"type\":");
        put_type(out, schema->fields[i].type, seen);
        buf_put_byte(out, '}');
    }
    buf_put_byte(out, ']');
}

static void put_named(struct buf *out, const struct schema *schema, struct seen *seen)
{
    if (seen_before(seen, schema->index, out)) {
        put_quoted(out, schema->name);
        return;
    }
    buf_put_text(out, "{\"name\":");
    put_quoted(out, schema->name);
    buf_put_text(out, ",\"type\":");
    put_quoted(out, schema_type_name(schema->type));
    if (schema->type == SCHEMA_RECORD) {
        put_fields(out, schema, seen);
    } else if (schema->type == SCHEMA_ENUM) {
        buf_put_text(out, ",\"symbols\":[");
        for (size_t i = 0; i < schema->count; i++) {
            if (i > 0)
                buf_put_byte(out, ',');
            put_quoted(out, schema->symbols[i]);
        }
        buf_put_byte(out, ']');
    } else {
        buf_put_format(out, ",\"size\":%zu", schema->count);
    }
    buf_put_byte(out, '}');
}

static void put_type(struct buf *out, const struct schema *schema, struct seen *seen)
{
    switch (schema->type) {
    case SCHEMA_RECORD:
    case SCHEMA_ENUM:
    case SCHEMA_FIXED:
        put_named(out, schema, seen);
        break;
    case SCHEMA_ARRAY:
    case SCHEMA_MAP:
        buf_put_text(out, schema->type == SCHEMA_ARRAY ? "{\"type\":\"array\",\"items\":"
                                                       : "{\"type\":\"map\",\"values\":");
        put_type(out, schema->items, seen);
        buf_put_byte(out, '}');
        break;
    case SCHEMA_UNION:
        buf_put_byte(out, '[');
        for (size_t i = 0; i < schema->count; i++) {
            if (i > 0)
                buf_put_byte(out, ',');
            put_type(out, schema->branches[i], seen);
        }
        buf_put_byte(out, ']');
        break;
    default:
        put_quoted(out, schema_type_name(schema->type));
    }
}

bool schema_canonical_form(const struct schema *schema, struct buf *out)
{
    struct seen seen = {0};
    put_type(out, schema, &seen);
    free(seen.flags);
    return !out->failed;
}

bool canonical_form(struct span schema_json, struct buf *out, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new(0);
    if (arena == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory while reading a schema");
    const struct schema *schema = schema_parse(arena, schema_json, err);
    if (schema == NULL)
        return false;
    return schema_canonical_form(schema, out) ||
           err_set(err, ERR_NO_MEMORY, "out of memory for a canonical form");
}
