#include "avro/schema.h"

#include "base/json_text.h"

#include <ctype.h>

enum { SCHEMA_TEXT_MAX = 256 * 1024 };

struct named {
    struct schema *schema;
    struct named *next;
};

struct parser {
    struct arena *arena;
    struct named *names;
    size_t name_count;
    struct err *err;
};

static const char *const type_names[] = {
    [SCHEMA_NULL] = "null",   [SCHEMA_BOOLEAN] = "boolean", [SCHEMA_INT] = "int",
    [SCHEMA_LONG] = "long",   [SCHEMA_FLOAT] = "float",     [SCHEMA_DOUBLE] = "double",
    [SCHEMA_BYTES] = "bytes", [SCHEMA_STRING] = "string",   [SCHEMA_RECORD] = "record",
    [SCHEMA_ENUM] = "enum",   [SCHEMA_ARRAY] = "array",     [SCHEMA_MAP] = "map",
    [SCHEMA_UNION] = "union", [SCHEMA_FIXED] = "fixed",
};

static const struct schema primitives[SCHEMA_PRIMITIVE_COUNT] = {
    {.type = SCHEMA_NULL, .min_size = 0},  {.type = SCHEMA_BOOLEAN, .min_size = 1},
    {.type = SCHEMA_INT, .min_size = 1},   {.type = SCHEMA_LONG, .min_size = 1},
    {.type = SCHEMA_FLOAT, .min_size = 4}, {.type = SCHEMA_DOUBLE, .min_size = 8},
    {.type = SCHEMA_BYTES, .min_size = 1}, {.type = SCHEMA_STRING, .min_size = 1},
};

static const struct schema *parse_type(struct parser *parser, const json_t *json, const char *space,
                                       int depth);

const char *schema_type_name(enum schema_type type)
{
    return type_names[type];
}

static void *no_memory(struct parser *parser)
{
    err_set(parser->err, ERR_NO_MEMORY, "out of memory while reading a schema");
    return NULL;
}

#define BAD(parser, ...) (err_set((parser)->err, ERR_CONFIG_INVALID, __VA_ARGS__), NULL)

static bool is_name(const char *text)
{
    if (!isalpha((unsigned char)*text) && *text != '_')
        return false;
    while (isalnum((unsigned char)*text) || *text == '_')
        text++;
    return *text == '\0';
}

/* A name's parts, divided by dots; one that begins with a dot has no namespace. */
static bool is_full_name(const char *text)
{
    for (;;) {
        if (!isalpha((unsigned char)*text) && *text != '_')
            return false;
        while (isalnum((unsigned char)*text) || *text == '_')
            text++;
        if (*text == '\0')
            return true;
        if (*text++ != '.')
            return false;
    }
}

static const struct schema *primitive_named(const char *name)
{
    for (int i = 0; i < SCHEMA_PRIMITIVE_COUNT; i++)
        if (strcmp(name, type_names[i]) == 0)
            return &primitives[i];
    return NULL;
}

static const char *qualified(struct parser *parser, const char *name, const char *space)
{
    bool alone = strchr(name, '.') != NULL || *space == '\0';
    struct span full = alone ? arena_copy(parser->arena, span_text(name))
                             : arena_format(parser->arena, "%s.%s", space, name);
    return full.data != NULL ? (const char *)full.data : no_memory(parser);
}

static const struct schema *find_named(const struct parser *parser, const char *full)
{
    for (const struct named *at = parser->names; at != NULL; at = at->next)
        if (strcmp(at->schema->name, full) == 0)
            return at->schema;
    return NULL;
}

static const struct schema *parse_reference(struct parser *parser, const char *name, const char *space)
{
    const struct schema *found = primitive_named(name);
    if (found != NULL)
        return found;
    if (!is_full_name(name))
        return BAD(parser, "\"%.80s\" is no name of a type", name);
    const char *full = qualified(parser, name, space);
    if (full == NULL)
        return NULL;
    found = find_named(parser, full);
    return found != NULL ? found : BAD(parser, "the type \"%.120s\" is not defined before its use", full);
}

/* A record, enum or fixed with its names, known from here on. *space becomes the namespace within it. */
static struct schema *define(struct parser *parser, const json_t *json, enum schema_type type,
                             const char **space)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    const json_t *given = json_object_get(json, "namespace");
    const char *outer = given != NULL ? json_string_value(given) : *space;
    if (name == NULL || !is_full_name(name))
        return BAD(parser, "a type of \"%s\" has no usable name", type_names[type]);
    if (outer == NULL || (*outer != '\0' && !is_full_name(outer)))
        return BAD(parser, "the namespace of \"%.80s\" is not usable", name);
    const char *full = qualified(parser, name, outer);
    if (full == NULL)
        return NULL;
    if (primitive_named(full) != NULL || find_named(parser, full) != NULL)
        return BAD(parser, "the type \"%.120s\" is defined twice", full);
    struct schema *schema = arena_alloc(parser->arena, sizeof *schema);
    struct named *named = arena_alloc(parser->arena, sizeof *named);
    if (schema == NULL || named == NULL)
        return no_memory(parser);
    const char *dot = strrchr(full, '.');
    *schema = (struct schema){
        .type = type,
        .min_size = 1, /* also of a record within itself, until its fields are known */
        .name = full,
        .simple = dot != NULL ? dot + 1 : full,
        .index = parser->name_count++,
    };
    *named = (struct named){schema, parser->names};
    parser->names = named;
    struct span within = arena_copy(parser->arena, span_of(full, dot != NULL ? (size_t)(dot - full) : 0));
    if (within.data == NULL)
        return no_memory(parser);
    *space = (const char *)within.data;
    return schema;
}

/* How the writer's fields become ours. */
static void map_record(struct schema *schema)
{
    schema->layout = record_layout_named(schema->simple);
    if (schema->layout == NULL)
        return;
    bool present[RECORD_FIELDS_MAX] = {false};
    for (size_t i = 0; i < schema->count; i++)
        for (size_t k = 0; k < schema->layout->count; k++)
            if (strcmp(schema->fields[i].name, schema->layout->fields[k].name) == 0) {
                schema->fields[i].target = (int)k;
                present[k] = true;
            }
    for (size_t k = 0; k < schema->layout->count && schema->missing == NULL; k++)
        if (!present[k] && !schema->layout->fields[k].has_default)
            schema->missing = schema->layout->fields[k].name;
}

static const struct schema *parse_record(struct parser *parser, const json_t *json, const char *space,
                                         int depth)
{
    struct schema *schema = define(parser, json, SCHEMA_RECORD, &space);
    if (schema == NULL)
        return NULL;
    const json_t *fields = json_object_get(json, "fields");
    if (!json_is_array(fields))
        return BAD(parser, "the record \"%.120s\" has no array of fields", schema->name);
    size_t count = json_array_size(fields);
    schema->fields = arena_array(parser->arena, count > 0 ? count : 1, sizeof *schema->fields);
    if (schema->fields == NULL)
        return no_memory(parser);
    size_t min_size = 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *field = json_array_get(fields, i);
        const char *name = json_string_value(json_object_get(field, "name"));
        if (name == NULL || !is_name(name))
            return BAD(parser, "field %zu of the record \"%.120s\" has no usable name", i + 1, schema->name);
        for (size_t k = 0; k < i; k++)
            if (strcmp(schema->fields[k].name, name) == 0)
                return BAD(parser, "the record \"%.120s\" has the field \"%.80s\" twice", schema->name, name);
        struct span own = arena_copy(parser->arena, span_text(name));
        if (own.data == NULL)
            return no_memory(parser);
        const json_t *type = json_object_get(field, "type");
        if (type == NULL)
            return BAD(parser, "the field \"%.80s\" of the record \"%.120s\" has no type", name,
                       schema->name);
        schema->fields[i] = (struct schema_field){
            .name = (const char *)own.data, .type = parse_type(parser, type, space, depth + 1), .target = -1};
        if (schema->fields[i].type == NULL)
            return NULL;
        schema->count = i + 1;
        min_size += schema->fields[i].type->min_size;
        if (min_size > INT32_MAX)
            min_size = INT32_MAX;
    }
    schema->min_size = min_size;
    map_record(schema);
    return schema;
}

static const struct schema *parse_enum(struct parser *parser, const json_t *json, const char *space)
{
    struct schema *schema = define(parser, json, SCHEMA_ENUM, &space);
    if (schema == NULL)
        return NULL;
    const json_t *symbols = json_object_get(json, "symbols");
    if (!json_is_array(symbols))
        return BAD(parser, "the enum \"%.120s\" has no array of symbols", schema->name);
    size_t count = json_array_size(symbols);
    schema->symbols = arena_array(parser->arena, count > 0 ? count : 1, sizeof *schema->symbols);
    schema->symbol_values = arena_array(parser->arena, count > 0 ? count : 1, sizeof *schema->symbol_values);
    if (schema->symbols == NULL || schema->symbol_values == NULL)
        return no_memory(parser);
    schema->enumeration = enum_layout_named(schema->simple);
    for (size_t i = 0; i < count; i++) {
        const char *symbol = json_string_value(json_array_get(symbols, i));
        if (symbol == NULL || !is_name(symbol))
            return BAD(parser, "symbol %zu of the enum \"%.120s\" is no name", i + 1, schema->name);
        for (size_t k = 0; k < i; k++)
            if (strcmp(schema->symbols[k], symbol) == 0)
                return BAD(parser, "the enum \"%.120s\" has the symbol \"%.80s\" twice", schema->name,
                           symbol);
        struct span own = arena_copy(parser->arena, span_text(symbol));
        if (own.data == NULL)
            return no_memory(parser);
        schema->symbols[i] = (const char *)own.data;
        schema->count = i + 1;
        const struct enum_layout *ours = schema->enumeration;
        schema->symbol_values[i] = ours != NULL ? ours->fallback : -1;
        for (size_t k = 0; ours != NULL && k < ours->count; k++)
            if (strcmp(ours->symbols[k], symbol) == 0)
                schema->symbol_values[i] = (int)k;
    }
    return schema;
}

static const struct schema *parse_fixed(struct parser *parser, const json_t *json, const char *space)
{
    struct schema *schema = define(parser, json, SCHEMA_FIXED, &space);
    if (schema == NULL)
        return NULL;
    const json_t *size = json_object_get(json, "size");
    if (!json_is_integer(size) || json_integer_value(size) < 0 || json_integer_value(size) > INT32_MAX)
        return BAD(parser, "the fixed \"%.120s\" has no usable size", schema->name);
    schema->count = (size_t)json_integer_value(size);
    schema->min_size = schema->count;
    return schema;
}

static const struct schema *parse_items(struct parser *parser, const json_t *json, enum schema_type type,
                                        const char *space, int depth)
{
    const json_t *items = json_object_get(json, type == SCHEMA_ARRAY ? "items" : "values");
    if (items == NULL)
        return BAD(parser, "a type of \"%s\" does not say of what", type_names[type]);
    struct schema *schema = arena_alloc(parser->arena, sizeof *schema);
    if (schema == NULL)
        return no_memory(parser);
    *schema = (struct schema){.type = type, .min_size = 1};
    schema->items = parse_type(parser, items, space, depth + 1);
    return schema->items != NULL ? schema : NULL;
}

static const struct schema *parse_union(struct parser *parser, const json_t *json, const char *space,
                                        int depth)
{
    size_t count = json_array_size(json);
    struct schema *schema = arena_alloc(parser->arena, sizeof *schema);
    const struct schema **branches =
        arena_array(parser->arena, count > 0 ? count : 1, sizeof(struct schema *));
    if (schema == NULL || branches == NULL)
        return no_memory(parser);
    *schema = (struct schema){.type = SCHEMA_UNION, .min_size = 1, .branches = branches};
    for (size_t i = 0; i < count; i++) {
        const struct schema *branch = parse_type(parser, json_array_get(json, i), space, depth + 1);
        if (branch == NULL)
            return NULL;
        if (branch->type == SCHEMA_UNION)
            return BAD(parser, "a union stands directly within a union");
        for (size_t k = 0; k < i; k++)
            if (branches[k] == branch || (branches[k]->type == branch->type && branch->name == NULL))
                return BAD(parser, "a union has the type \"%s\" twice", type_names[branch->type]);
        branches[i] = branch;
        schema->count = i + 1;
    }
    return schema;
}

static const struct schema *parse_object(struct parser *parser, const json_t *json, const char *space,
                                         int depth)
{
    const json_t *type = json_object_get(json, "type");
    if (type == NULL)
        return BAD(parser, "a type has no attribute \"type\"");
    const char *name = json_string_value(type);
    if (name == NULL)
        return parse_type(parser, type, space, depth + 1);
    if (strcmp(name, "record") == 0 || strcmp(name, "error") == 0)
        return parse_record(parser, json, space, depth);
    if (strcmp(name, "enum") == 0)
        return parse_enum(parser, json, space);
    if (strcmp(name, "fixed") == 0)
        return parse_fixed(parser, json, space);
    if (strcmp(name, "array") == 0)
        return parse_items(parser, json, SCHEMA_ARRAY, space, depth);
    if (strcmp(name, "map") == 0)
        return parse_items(parser, json, SCHEMA_MAP, space, depth);
    return parse_reference(parser, name, space);
}

static const struct schema *parse_type(struct parser *parser, const json_t *json, const char *space,
                                       int depth)
{
    if (depth > SCHEMA_DEPTH_MAX)
        return BAD(parser, "types are nested more than %d deep", SCHEMA_DEPTH_MAX);
    if (json_is_string(json))
        return parse_reference(parser, json_string_value(json), space);
    if (json_is_array(json))
        return parse_union(parser, json, space, depth);
    if (json_is_object(json))
        return parse_object(parser, json, space, depth);
    return BAD(parser, "a type is neither a name, an object nor an array");
}

const struct schema *schema_parse(struct arena *arena, struct span json_text, struct err *err)
{
    struct parser parser = {.arena = arena, .err = err};
    if (json_text.len > SCHEMA_TEXT_MAX)
        return BAD(&parser, "a schema of %zu bytes is larger than the %d allowed", json_text.len,
                   SCHEMA_TEXT_MAX);
    json_error_t where;
    bool out_of_memory = false;
    json_t *json =
        json_text_load(json_text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where, &out_of_memory);
    if (json == NULL && out_of_memory)
        return no_memory(&parser);
    if (json == NULL)
        return BAD(&parser, "no JSON: %s (line %d, column %d)", where.text, where.line, where.column);
    const struct schema *schema = parse_type(&parser, json, "", 0);
    json_decref(json);
    return schema;
}
